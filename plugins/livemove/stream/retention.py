"""Whether streams keep records for long enough. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from livemove.runbook.evidence import Check, ok, stop

# Kinesis Data Streams Developer Guide, "Change the Data Retention Period": 24 hours by default, 365 days at most.
MAX_RETENTION_HOURS = 8760


def needed_hours(snapshot_age_hours: float, forecast_hours: float, spare_hours: float) -> int:
    """How long a stream has to keep records, so that a loader can be rewound to a snapshot."""
    return math.ceil(snapshot_age_hours + forecast_hours + spare_hours)


def checks(retention_hours: Mapping[str, int], needed: int, why: str) -> Iterator[Check]:
    """One check for each stream; too short a retention names the call that raises it.

    :param retention_hours: of each stream, by its name.
    :param why: how the need is made up.
    """
    for stream, hours in sorted(retention_hours.items()):
        name, figures = f"stream {stream}: retention", f"{hours} h, and {needed} h are needed ({why})"
        if hours >= needed:
            yield ok(name, figures)
        elif needed > MAX_RETENTION_HOURS:
            yield stop(name, figures, f"Kinesis keeps {MAX_RETENTION_HOURS} h at most; take a newer snapshot.")
        else:
            yield stop(name, figures, raise_call(stream, needed))


def raise_call(stream: str, hours: int) -> str:
    """The remedy: the call that raises the retention."""
    return (
        f"Raise it before records are lost: aws kinesis increase-stream-retention-period --stream-name {stream} "
        f"--retention-period-hours {max(24, hours)}. Records that are gone already do not come back."
    )
