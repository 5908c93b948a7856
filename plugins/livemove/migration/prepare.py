"""Prepare a migration: what is missing of the chain 1 → 2 → 3 → 4 is made, in the safe order.

The order matters. 3 is restored from a snapshot of 2 before the snapshot of 1 is taken that 4 is restored from, so
that 3 still has in its binary logs whatever 4 lacks. Parameters apply before a database replicates, as a restart
afterwards would stop what depends on it. Accounts come before `read_only`, which binds RDS's master user as well.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from livemove.migration import state, storage
from livemove.migration.comparison import CompareStep
from livemove.migration.databases import CreateStep, ParametersStep, RestartStep
from livemove.migration.known import NEW_ROLES, find
from livemove.migration.replicas import ReplicateStep, RestStep
from livemove.migration.settings import MigrationSettings, Role
from livemove.migration.settle import ArriveStep, SettleStep, SourceStep
from livemove.migration.steps import Pending, Step
from livemove.migration.topology import Servers
from livemove.migration.wanted import Known
from livemove.mysql import replicate
from livemove.mysql.credentials import Credentials
from livemove.mysql.gtid import GtidSet
from livemove.runbook.errors import NeedsPerson
from livemove.runbook.evidence import Check, Evidence, ok, stop, warn

StepMaker: TypeAlias = Callable[[Servers], Step]
GIB = 1024**3
# How long the binary logs are watched for the forecast.
MEASURE_SECONDS = 5.0


class ProveStep(Step):
    """The chain is complete: nothing that a replica needs is purged upstream, and the window is known."""

    title = "proof"

    def plan(self, known: Known) -> list[str]:
        """What is proven and recorded."""
        return [
            "-- gtid_purged of each server is part of gtid_executed of the next one",
            "-- livemove.migration_journal on the source: prepared, with the end of the fallback window",
        ]

    def advance(self) -> Pending | None:
        """Prove it, and record it once."""
        gaps = [f"{self.servers.title(role)} lacks {gap}" for role in NEW_ROLES if (gap := self._gap(role))]
        if gaps:
            raise NeedsPerson(
                f"The chain has gaps that binary logs no longer fill: {'; '.join(gaps)}. Delete those databases with "
                "their snapshots, and run this again."
            )
        source = self.servers.hook(Role.SOURCE)
        if state.last(source, self.settings.name, "prepared") is None:
            state.record(source, self.settings.name, "prepared", self._window())
        return None

    def _gap(self, role: Role) -> GtidSet:
        upstream = role.upstream
        assert upstream is not None  # noqa: S101 - NEW_ROLES lacks the source
        return self.servers.hook(upstream).purged() - self.servers.hook(role).executed()

    def _window(self) -> dict[str, str]:
        # What 4 lacks is in the binary logs from its restore on, so the window does not start at the cutover.
        made = (self.servers.describe(Role.FALLBACK) or {}).get("InstanceCreateTime") or datetime.now(UTC)
        ends = made + timedelta(hours=self.settings.retention_hours(Role.FALLBACK))
        return {"fallback_made": made.isoformat(), "window_ends": ends.isoformat()}

    def done(self) -> str:
        """What is true."""
        entry = state.last(self.servers.hook(Role.SOURCE), self.settings.name, "prepared")
        ends = entry.detail["window_ends"] if entry else "?"
        return f"the chain is complete; the way back stays open until {ends}"


def _of(kind: Callable[[Servers, Role], Step], role: Role) -> StepMaker:
    return lambda servers: kind(servers, role)


def steps() -> dict[str, StepMaker]:
    """All steps in their order, by the ids of their tasks."""
    made: dict[str, StepMaker] = {"source": SourceStep}
    for role in NEW_ROLES:
        group = role.value
        made |= {
            f"{group}.parameters": _of(ParametersStep, role),
            f"{group}.create": _of(CreateStep, role),
            f"{group}.restart": _of(RestartStep, role),
            f"{group}.settle": _of(SettleStep, role),
        }
        if role is not Role.TARGET:  # RDS itself lets 2 replicate from 1.
            made[f"{group}.replicate"] = _of(ReplicateStep, role)
        made |= {f"{group}.arrive": _of(ArriveStep, role), f"{group}.rest": _of(RestStep, role)}
    return made | {"prove": ProveStep, "compare": CompareStep}


def render(settings: MigrationSettings, known: Known, servers: Servers) -> str:
    """The plan as text: every statement and call that is missing. A tested contract."""
    lines = [f"# Plan of migration_prepare for {settings.name}", ""]
    for name, make in steps().items():
        step = make(servers)
        role = getattr(step, "role", Role.SOURCE)
        lines += [f"## {name}: {step.title} ({servers.title(role)})", ""]
        lines += [f"    {line}" for text in step.plan(known) for line in text.splitlines()]
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def check(servers: Servers) -> Evidence:
    """Look at everything that would fail late, and change nothing."""
    settings = servers.settings
    _require_open(servers)
    Credentials.of(settings.mysql.replication_conn_id)
    checks = [*_source_api(servers), *_source_server(servers), _retention(servers), _storage(servers)]
    return Evidence(settings.name, "prepare", tuple(checks))


def _require_open(servers: Servers) -> None:
    outcome = servers.outcome()
    if outcome != "open":
        raise NeedsPerson(
            f"migration {servers.settings.name} is {outcome.replace('_', ' ')}: there is nothing to prepare. Give "
            "a new migration a file of its own."
        )


def _source_api(servers: Servers) -> list[Check]:
    found = servers.describe(Role.SOURCE)
    if found is None:
        find(servers)  # Says what is wrong.
        raise NeedsPerson("source: not found")
    name, days = servers.title(Role.SOURCE), found.get("BackupRetentionPeriod") or 0
    backups = (
        ok("automated backups", f"{name} keeps them for {days} days")
        if days
        else stop(
            "automated backups",
            f"{name} keeps none, so it has no binlog",
            "Set BackupRetentionPeriod to 1 or more; that restarts the instance.",
        )
    )
    source, target = found["EngineVersion"], settings_version(servers.settings.target.engine_version)
    engine = (
        stop("engine version", f"{name} is {source}, the target {target}", "Choose a target that is not older.")
        if _generation(target) < _generation(source)
        else ok("engine version", f"{name} is {source}, the target {servers.settings.target.engine_version}")
    )
    return [backups, engine]


def settings_version(engine_version: str) -> str:
    """The MySQL generation of an Aurora version: 8.0 of 8.0.mysql_aurora.3.04.0."""
    return engine_version.split(".mysql_aurora")[0]


def _generation(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2])


_VARIABLES = {"gtid_mode": "ON", "enforce_gtid_consistency": "ON", "binlog_format": "ROW", "log_bin": "1"}


def _source_server(servers: Servers) -> list[Check]:
    hook = servers.hook(Role.SOURCE)
    checks = []
    for name, wanted in _VARIABLES.items():
        found = str(hook.value(f"SELECT @@GLOBAL.{name}"))
        remedy = f"Set {name} to {wanted} in the source's parameter group" + (
            ", in the steps OFF, OFF_PERMISSIVE, ON_PERMISSIVE, ON." if name == "gtid_mode" else "."
        )
        checks.append(ok(name, found) if found == wanted else stop(name, found, remedy))
    if hook.status() is not None:
        checks.append(stop("replication", "the source is itself a replica", "Name the server that takes writes."))
    return checks


def _retention(servers: Servers) -> Check:
    """Whether the engine keeps binary logs for as long as the window is, and whether its procedures may be called."""
    settings, hook = servers.settings, servers.hook(Role.SOURCE)
    now = replicate.configuration(hook).get("binlog retention hours")
    hours, window = settings.retention_hours(Role.FALLBACK), settings.fallback_window_hours
    figures = f"now {now or 'unset'} h; {hours} h on RDS for a window of {window} h"
    if hours < window:
        return stop("retention", figures, "Choose a shorter fallback_window_hours.")
    if hours < settings.binlog_retention_hours:
        return warn("retention", figures, f"RDS keeps {hours} h at most; the window ends by then.")
    return ok("retention", figures)


def _storage(servers: Servers) -> Check:
    settings, found = servers.settings, servers.describe(Role.SOURCE) or {}
    hook = servers.hook(Role.SOURCE)
    if not int(hook.value("SELECT @@GLOBAL.log_bin")):
        # Another check forbids it, and all are to be seen.
        return warn(storage.NAME, f"{hook.name} writes no binary log to be measured", "Switch it on, and look again.")
    rate = storage.measure(hook, MEASURE_SECONDS)
    free = storage.free_or_unknown(servers.rds(Role.SOURCE), settings.source.identifier)
    allocated = int(found.get("AllocatedStorage") or 0) * GIB or None
    hours = settings.retention_hours(Role.SOURCE)
    return storage.judge(servers.title(Role.SOURCE), rate, hours, free, allocated)
