"""Finish a migration: retire what no longer serves, after every sign that somebody still uses it was looked for."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from typing import TypeAlias

from livemove.migration import endpoint, errant, state
from livemove.migration.databases import RoleStep
from livemove.migration.settings import MigrationSettings, Role
from livemove.migration.state import Outcome
from livemove.migration.steps import Pending, Step, pending
from livemove.migration.topology import Servers
from livemove.migration.wanted import Known
from livemove.mysql.errors import ServerError
from livemove.rds import calls, deletion
from livemove.rds.naming import final_snapshot
from livemove.runbook.errors import NeedsPerson, TryAgain
from livemove.runbook.evidence import Check, Evidence, ok, stop, warn

log = logging.getLogger(__name__)

# How long a server is watched for transactions of its own. RDS's own heartbeat comes every few minutes, and an
# application that still writes does so within seconds.
OBSERVE_SECONDS = 15
StepMaker: TypeAlias = Callable[[Servers], Step]


def victims(outcome: Outcome) -> tuple[Role, ...]:
    """Who is retired after an outcome: after a fall back, 4 serves, and 2 and 3 feed what reads changes.

    :raises NeedsPerson: nothing has been decided yet, or all is done.
    """
    if outcome == "cut_over":
        return (Role.SOURCE, Role.FALLBACK)
    if outcome == "fallen_back":
        return (Role.SOURCE,)
    raise NeedsPerson(
        "The migration is open: the source serves, and nothing may be retired. Cut over first, or delete by hand what "
        "migration_prepare has made."
        if outcome == "open"
        else "The migration is finished: everything that was to be retired is."
    )


def stamp(servers: Servers, outcome: Outcome) -> str:
    """The day of the outcome, as names of final snapshots hold it: the same at every attempt."""
    entry = state.last(servers.hook(servers.serving()), servers.settings.name, outcome)
    return entry.at[:10].replace("-", "") if entry else ""


def deletion_call(settings: MigrationSettings, role: Role, day: str) -> calls.Call:
    """The call that retires a server. Pure."""
    identifier = settings.server(role).identifier
    return calls.delete_instance(identifier=identifier, final_snapshot=final_snapshot(identifier, day))


def render(settings: MigrationSettings, outcome: Outcome, day: str) -> str:
    """The plan as text. A tested contract.

    :param day: what `stamp` gives.
    """
    chosen = victims(outcome)
    kept = [role for role in Role if role not in chosen]
    lines = [f"# Plan of migration_finish for {settings.name}, which is {outcome.replace('_', ' ')}", ""]
    for role in chosen:
        lines += [f"## retire {role.value} {settings.server(role).identifier}", ""]
        lines += [f"    -- all checks again, on {settings.server(role).identifier}, for {OBSERVE_SECONDS} s"]
        lines += [f"    {line}" for line in deletion_call(settings, role, day).text().splitlines()] + [""]
    lines += [f"Kept: {', '.join(f'{role.value} {settings.server(role).identifier}' for role in kept)}."]
    return "\n".join(lines) + "\n"


def check(servers: Servers, outcome: Outcome, *, observe_seconds: float | None = None) -> Evidence:
    """Look for every sign that a server which is to be retired is still used. Changes nothing.

    :param observe_seconds: how long the servers are watched; by default OBSERVE_SECONDS.
    """
    checks = [each for role in victims(outcome) for each in guards(servers, role, observe_seconds=observe_seconds)]
    return Evidence(servers.settings.name, "finish", tuple(checks))


def guards(servers: Servers, role: Role, *, observe_seconds: float | None = None) -> Iterator[Check]:
    """The checks on one server that is to be retired; a single good one that it is gone already."""
    name, seconds = servers.title(role), OBSERVE_SECONDS if observe_seconds is None else observe_seconds
    if servers.describe(role) is None:
        yield ok(f"{name}", "is gone already")
        return
    serving = servers.serving()
    if role is serving:
        yield stop(f"{name}: journal", "it serves, as the journal says", "It is not retired. Is this the right file?")
    else:
        yield ok(f"{name}: journal", f"{servers.title(serving)} serves")
    looks: tuple[tuple[str, Callable[[Servers, Role], Iterator[Check]]], ...] = (
        ("endpoint", _endpoint),
        ("replicas", _replicas),
        ("sessions", _sessions),
        ("transactions of its own", lambda s, r: _own_transactions(s, r, seconds)),
    )
    for what, look in looks:
        yield from _looked(f"{name}: {what}", lambda look=look: look(servers, role))  # type: ignore[misc]


def _looked(name: str, look: Callable[[], Iterator[Check]]) -> list[Check]:
    try:
        return list(look())
    except (NeedsPerson, TryAgain, ServerError) as error:
        return [stop(name, f"could not be looked at: {error}", "Mend what the text names, and look again.")]


def _endpoint(servers: Servers, role: Role) -> Iterator[Check]:
    name, found = f"{servers.title(role)}: endpoint", endpoint.mover_of(servers.settings).address()
    host, port = servers.endpoint(role)
    if found is None:
        remedy = "Make sure that nothing has its address any more."
        yield warn(name, "a person moves the endpoint, so where it leads cannot be seen", remedy)
    elif (found.host.lower(), found.port) == (host.lower(), port):
        yield stop(name, f"leads to it ({found})", "It is not retired. Move the endpoint to the server that serves.")
    else:
        yield ok(name, f"leads elsewhere ({found})")


def _replicas(servers: Servers, role: Role) -> Iterator[Check]:
    """MySQL's own replicas are unknown to RDS: the others of the chain are asked, and the server's dump threads."""
    name, (host, port) = f"{servers.title(role)}: replicas", servers.endpoint(role)
    followers = []
    for other in servers.existing():
        status = servers.hook(other).status() if other is not role else None
        if status is not None and status.follows(host, port):
            followers.append(servers.title(other))
    dumps = servers.hook(role).rows(
        "SELECT user AS user, host AS host FROM information_schema.processlist WHERE command LIKE 'Binlog Dump%%' "
        "AND user NOT LIKE %s",
        ("rds%",),
    )
    followers += [f"{row['user']} at {row['host']}" for row in dumps if not followers]
    if followers:
        yield stop(name, f"{', '.join(followers)} replicates from it", "It is not retired. End that replication first.")
    else:
        yield ok(name, "none replicates from it")


def _sessions(servers: Servers, role: Role) -> Iterator[Check]:
    name, users = f"{servers.title(role)}: sessions", servers.settings.writers.users
    rows = servers.hook(role).rows(
        "SELECT user AS user, COUNT(*) AS n FROM information_schema.processlist WHERE user IN %s GROUP BY user",
        (users,),
    )
    if rows:
        shown = ", ".join(f"{row['n']} of {row['user']}" for row in rows)
        yield stop(name, f"{shown} are connected", "Find out who still connects to it, and let it use the endpoint.")
    else:
        yield ok(name, f"none of {', '.join(users)}")


def _own_transactions(servers: Servers, role: Role, seconds: float) -> Iterator[Check]:
    """Transactions of its own that the serving server lacks, and those that come while it is watched."""
    name = f"{servers.title(role)}: transactions of its own"
    hook, serving = servers.hook(role), servers.hook(servers.serving())
    uuid = hook.server_uuid()
    before = hook.executed().only(uuid)
    time.sleep(seconds)
    after = hook.executed().only(uuid)
    strangers = (after - serving.executed()) | (after - before)
    found = errant.classify(serving, hook, strangers)
    if found.harmful:
        remedy = "It is not retired: something wrote to it that is nowhere else. Find out what, and save it."
        yield stop(name, found.text(), remedy)
    else:
        yield ok(name, f"{found.text()}; {(after - before).count()} while watched for {seconds:.0f} s")


class RetireStep(RoleStep):
    """The server is gone, and its final snapshot is there."""

    title = "retire"

    def __init__(self, servers: Servers, role: Role, *, lift_protection: bool = False) -> None:
        super().__init__(servers, role)
        self.lift_protection = lift_protection

    def plan(self, known: Known) -> list[str]:
        """The call."""
        return [deletion_call(self.settings, self.role, "").text()]

    def advance(self) -> Pending | None:
        """Check everything again, then delete it.

        :raises NeedsPerson: a check forbids it; nothing has been changed.
        """
        outcome = self.servers.outcome()
        if outcome == "finished":
            return None
        if self.role not in victims(outcome):
            log.info("%s is kept: the migration is %s.", self.name, outcome.replace("_", " "))
            return None
        description = self.servers.describe(self.role)
        if description is not None and description.get("DBInstanceStatus") != "deleting":
            found = Evidence(self.settings.name, "finish", tuple(guards(self.servers, self.role)))
            log.info("\n%s", found.markdown())
            found.raise_if_worse(max_age_seconds=OBSERVE_SECONDS + 120)
        identifier = self.settings.server(self.role).identifier
        snapshot = final_snapshot(identifier, stamp(self.servers, outcome))
        waits = deletion.delete_instance(
            self.rds, identifier, final_snapshot=snapshot, lift_protection=self.lift_protection
        )
        return pending(self.role, waits)

    def done(self) -> str:
        """What is true."""
        gone = self.servers.describe(self.role) is None
        return f"{self.name} is {'gone, its final snapshot is there' if gone else 'kept'}"


class RecordStep(Step):
    """The journal says that the migration is finished."""

    title = "record"

    def plan(self, known: Known) -> list[str]:
        """What is recorded."""
        return ["-- livemove.migration_journal on the serving server: finished"]

    def advance(self) -> Pending | None:
        """Record it once."""
        outcome = self.servers.outcome()
        if outcome != "finished":
            serving = self.servers.serving()
            retired = {"retired": [role.value for role in victims(outcome)]}
            state.record(self.servers.hook(serving), self.settings.name, "finished", retired)
        return None

    def done(self) -> str:
        """What is true."""
        return f"migration {self.settings.name} is finished"


def steps(*, lift_protection: bool = False) -> dict[str, StepMaker]:
    """All steps in their order, by the ids of their tasks."""

    def retire(role: Role) -> StepMaker:
        return lambda servers: RetireStep(servers, role, lift_protection=lift_protection)

    return {"retire_source": retire(Role.SOURCE), "retire_fallback": retire(Role.FALLBACK), "record": RecordStep}
