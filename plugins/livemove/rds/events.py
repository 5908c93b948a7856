"""What RDS tells only in the words of an event. No I/O but what the hook does."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from livemove.rds.hook import RdsHook
from livemove.rds.states import Kind, Subject
from livemove.runbook.errors import NeedsPerson, TryAgain

_POSITION: Final = re.compile(r"[Bb]inlog position from crash recovery is (\S+?)[,\s]+(\d+)")


def crash_recovery_position(messages: Iterable[str]) -> tuple[str, int] | None:
    """Binlog file and position in the first of the messages that has one.

    (Aurora User Guide, "Setting up binary log replication": the writer of a clone or restore reports it.) The first is
    the one that counts: a later restart reports a position in the clone's own binlog.
    """
    for message in messages:
        if found := _POSITION.search(message):
            return found[1], int(found[2])
    return None


def clone_position(hook: RdsHook, instance: str) -> tuple[str, int]:
    """Where a cloned or restored writer begins in the binlog of the cluster that it was made from.

    :param instance: the writer of the clone.
    :raises TryAgain: RDS has not reported it yet.
    :raises NeedsPerson: the instance is missing.
    """
    description = hook.instance(instance)
    if description is None or "DBClusterIdentifier" not in description:
        raise NeedsPerson(f"There is no cluster's instance {instance}. Clone the cluster first.")
    # An instance's own creation time may be later than its first start, and an older one may have had its name.
    cluster = hook.cluster(description["DBClusterIdentifier"]) or {}
    events = hook.events(Subject(Kind.INSTANCE, instance), cluster.get("ClusterCreateTime"))
    found = crash_recovery_position(event["Message"] for event in events)
    if found is None:
        raise TryAgain(
            f"No event of {instance} tells a binlog position. RDS keeps events for 14 days, and reports none when the "
            "cluster that was cloned has no binlog (binlog_format OFF) or the enhanced one."
        )
    return found
