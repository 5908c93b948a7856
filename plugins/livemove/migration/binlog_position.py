"""The place in the source's binary log at which a clone was made, and the proof that it is that place. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from livemove.runbook.errors import NeedsPerson

# Aurora User Guide, "Setting up binary log replication for Aurora MySQL", step 3.
_EVENT = re.compile(r"[Bb]inlog position from crash recovery is (\S+) (\d+)")
_RESTARTED = re.compile(r"\b(restarted|rebooted)\b", re.IGNORECASE)


@dataclass(frozen=True, order=True)
class Position:
    """A place in a server's binary log."""

    file: str
    offset: int

    def __str__(self) -> str:
        return f"{self.file}:{self.offset}"


def at_creation(events: Iterable[Mapping[str, Any]], made: datetime, instance: str) -> Position:
    """Find the position that the clone's writer reported when it first came up.

    A restart of the clone makes it report another one, in a binary log that follows: from there, changes between
    would be missing, and nothing would show it. So only the first report since the clone was made counts, and only if
    no restart came before it.

    :param events: of the clone's writer, oldest first, as DescribeEvents gives them.
    :param made: when the clone was made.
    :raises NeedsPerson: there is no such event, or a restart came before it.
    """
    reported: list[tuple[datetime, Position]] = []
    restarts: list[datetime] = []
    for event in sorted(events, key=lambda each: each["Date"]):
        if event["Date"] < made:
            continue
        if found := _EVENT.search(event["Message"]):
            reported.append((event["Date"], Position(found[1], int(found[2]))))
        elif _RESTARTED.search(event["Message"]):
            restarts.append(event["Date"])
    if not reported:
        raise NeedsPerson(
            f"instance {instance}: no event says `Binlog position from crash recovery is …`. RDS keeps events for 14 "
            "days, and writes this one only if the source's binary log was on. Delete the clone and clone again."
        )
    when, position = reported[0]
    if early := [restart for restart in restarts if restart < when]:
        raise NeedsPerson(
            f"instance {instance} restarted at {early[0]:%Y-%m-%d %H:%M:%S} UTC before it reported {position}, which "
            "lies after the clone was made: changes in between are lost. Delete the clone and clone again."
        )
    return position


def prove(position: Position, logs: Mapping[str, int], source: str) -> None:
    """Prove that the source still has the position.

    :param logs: size of each binary log of the source, as SHOW BINARY LOGS gives them.
    :raises NeedsPerson: it is purged, or was never there.
    """
    if position.file not in logs:
        kept = f"{min(logs)} to {max(logs)}" if logs else "none"
        raise NeedsPerson(
            f"{source} has no binary log {position.file} (it has {kept}): it is purged, or the position is not the "
            "source's. Set 'binlog retention hours' before cloning, delete the clone and clone again."
        )
    if position.offset > logs[position.file]:
        raise NeedsPerson(
            f"{source}: {position} lies behind the end of that binary log ({logs[position.file]} bytes), so it is not "
            "the source's. Delete the clone and clone again."
        )
