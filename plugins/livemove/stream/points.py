"""Points in a stream: times in ISO 8601 and sequence numbers. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


def parse(text: str) -> datetime:
    """Read a time in ISO 8601.

    :raises ValueError: it is none, or names no zone.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no time; write it as 2026-11-22T09:30:00Z") from None
    if found.tzinfo is None:
        raise ValueError(f"{text!r} names no zone; write UTC as {text}Z")
    return found.astimezone(UTC)


def iso(at: datetime) -> str:
    """Write a time as the loaders and Kinesis read it: UTC, milliseconds, Z."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def from_millis(millis: float) -> datetime:
    """A time of Elasticsearch, in milliseconds since 1970."""
    return datetime.fromtimestamp(millis / 1000, UTC)


def rewind_point(snapshot_started: datetime, delay_seconds: float, margin_seconds: float) -> datetime:
    """Where a loader has to start so that it misses nothing that the snapshot lacks.

    A change that was committed, but not yet searchable when the snapshot began, came to the stream at most one
    delay before that.

    :param delay_seconds: the greatest time from commit to applied document that was measured.
    :param margin_seconds: what is added, as clocks differ and delays vary.
    """
    return snapshot_started - timedelta(seconds=max(0.0, delay_seconds) + margin_seconds)


def reached(ours: str | None, theirs: str | None) -> bool:
    """Whether one reader of a shard is as far as another, by sequence numbers of the same shard.

    Sequence numbers are decimal numbers of any length that grow within a shard (Kinesis Data Streams Developer
    Guide, "Sequence Number").

    :param theirs: None if the other has applied nothing.
    """
    if theirs is None:
        return True
    return ours is not None and int(ours) >= int(theirs)
