"""Whether a replica has all that its source had at one moment: its GTIDs and our heartbeat row."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from typing import Any

from livemove.mysql import heartbeat
from livemove.mysql.gtid import GtidSet
from livemove.mysql.hook import RdsMySqlHook
from livemove.mysql.replication import ReplicationBroken


@dataclass(frozen=True)
class Mark:
    """What a replica must have.

    :param gtids: all that the source had committed, as text; with the heartbeat in it.
    :param name: of the heartbeat.
    :param beat: its number; 0 asks for the GTIDs only.
    """

    gtids: str
    name: str = ""
    beat: int = 0

    def as_json(self) -> dict[str, Any]:
        """For a trigger."""
        return asdict(self)


def mark(source: RdsMySqlHook, name: str | None = None) -> Mark:
    """Write a heartbeat on the source and note what it has committed.

    :param name: of the heartbeat; one of its own if None.
    """
    chosen = name or f"caught_up_{secrets.token_hex(4)}"
    heartbeat.install(source)
    beat = heartbeat.beat(source, chosen)
    return Mark(str(source.executed()), chosen, beat)


@dataclass(frozen=True)
class Seen:
    """What a look at the replica found.

    :param text: in words, with figures.
    """

    done: bool
    text: str


def look(replica: RdsMySqlHook, wanted: Mark) -> Seen:
    """Look at a replica.

    :raises ReplicationBroken: it has stopped with an error or replicates from nowhere, so it will never catch up.
    """
    with replica.connection():
        missing = GtidSet.parse(wanted.gtids) - replica.executed()
        beat = heartbeat.seen(replica, wanted.name) if wanted.beat else 0
        if not missing and beat >= wanted.beat:
            return Seen(True, f"{replica.name} has all GTIDs and heartbeat {beat}")
        status = replica.status()
    if status is None or status.broken:
        raise ReplicationBroken(replica.name, status, f"{missing.count()} GTIDs will not arrive")
    behind = "unknown" if status.seconds_behind is None else f"{status.seconds_behind} s"
    threads = f"receiver {status.io_running}, applier {'Yes' if status.sql_running else 'No'}"
    return Seen(
        False,
        f"{replica.name} lacks {missing.count()} GTIDs and shows heartbeat {beat} of {wanted.beat}; {threads}, "
        f"behind {behind} by its own account",
    )
