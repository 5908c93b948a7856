"""Watch a migration: lag, GTIDs, retention, storage; and write down what the servers' own GTIDs were.

What a purged transaction was cannot be known afterwards, so the ledger is kept while the binary logs still tell.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime

from livemove.migration import preflight_servers, state, storage
from livemove.migration.preflight import Direction, Looks, Side, gathered, lag
from livemove.migration.settings import Role
from livemove.migration.state import Outcome
from livemove.migration.topology import Servers
from livemove.mysql import gtid_ledger
from livemove.mysql.gtid_ledger import ACCOUNT, HARMLESS
from livemove.runbook.evidence import Check, Evidence, ok, stop, warn

log = logging.getLogger(__name__)

# The rest of the window below which somebody has to decide.
ALARM_HOURS = 24
GIB = 1024**3
_DIRECTIONS: dict[Outcome, Direction] = {"open": "cutover", "cut_over": "fall_back", "fallen_back": "afterwards"}


def is_watched(servers: Servers) -> bool:
    """Whether there is anything to watch: the chain was completed, and the migration is not finished."""
    if servers.describe(Role.TARGET) is None:
        return False
    outcome = servers.outcome()
    if outcome == "finished":
        return False
    return state.last(servers.hook(servers.serving()), servers.settings.name, "prepared") is not None


def watch(servers: Servers) -> Evidence:
    """Look once at everything, and bring the ledger up to date."""
    outcome = servers.outcome()
    side = Side(servers, _DIRECTIONS[outcome])
    looks: Looks = (
        ("databases", preflight_servers.databases),
        ("replication", preflight_servers.replication),
        ("heartbeat lag", lag),
        # Before the GTIDs are judged, as the judgement reads the ledger.
        ("ledger", _ledger),
        ("GTIDs", preflight_servers.gtids),
        ("transactions of the followers", preflight_servers.errant),
        ("retention", preflight_servers.retention),
        ("window of the way back", _window),
        ("storage for binary logs", _storage),
    )
    return gathered(side, looks, "watch")


def _ledger(side: Side) -> Iterator[Check]:
    """Write down what each server that does not serve has committed by itself."""
    serving = side.servers.hook(side.serving)
    lines: list[str] = []
    writes: list[str] = []
    for role in side.followers:
        added = gtid_ledger.update(serving, side.servers.hook(role))
        known = gtid_ledger.read(serving, side.servers.hook(role).server_uuid())
        counts: dict[str, int] = {}
        for each in known:
            counts[each.kind] = counts.get(each.kind, 0) + each.gtids.size
        new = sum(each.gtids.size for each in added)
        shown = ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items())) or "nothing of its own"
        lines.append(f"{role.value}: {shown} ({new} new)")
        if any(kind not in (*HARMLESS, ACCOUNT) for kind in counts):
            writes.append(side.servers.title(role))
    # What is a write, and whether it matters, the check of the followers says.
    yield ok("ledger", "; ".join(lines) + (f"; writes on {', '.join(writes)}" if writes else ""))


def _window(side: Side) -> Iterator[Check]:
    """How long the way back stays open; after a fall back there is none to keep."""
    name = "window of the way back"
    if side.direction == "afterwards":
        yield ok(name, "has been used")
        return
    entry = state.last(side.servers.hook(side.serving), side.settings.name, "prepared")
    ends = datetime.fromisoformat(entry.detail["window_ends"]) if entry else None
    if ends is None:
        yield warn(name, "is not known", "Run migration_prepare to its end.")
        return
    hours = (ends - datetime.now(UTC)).total_seconds() / 3600
    figures = f"{hours:.1f} h left, until {ends.isoformat()[:16]} UTC"
    remedy = "Cut over or fall back before it closes, or build the fallback anew."
    if hours <= 0:
        yield stop(name, figures, remedy)
    else:
        yield warn(name, figures, remedy) if hours < ALARM_HOURS else ok(name, figures)


def _storage(side: Side) -> Iterator[Check]:
    """Aurora's storage grows by itself; that of RDS instances has an end."""
    for role in side.all:
        if role.is_cluster:
            continue
        found = side.servers.describe(role) or {}
        rate = storage.measure(side.servers.hook(role), seconds=2)
        free = storage.free_or_unknown(side.servers.rds(role), side.settings.server(role).identifier)
        allocated = int(found.get("AllocatedStorage") or 0) * GIB or None
        check = storage.judge(side.servers.title(role), rate, side.settings.retention_hours(role), free, allocated)
        yield Check(
            f"storage of {side.servers.title(role)}", check.result, check.figures, check.measured_at, check.remedy
        )
