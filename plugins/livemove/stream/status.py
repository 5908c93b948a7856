"""What a loader says of itself, and when it is level with its stream. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from livemove.stream import points

#: A status older than this says nothing of the present; loaders write one each second.
FRESH_SECONDS = 10.0


@dataclass(frozen=True)
class ShardStatus:
    """How far a loader is in one shard.

    :ivar sequence_number: of the last record that was applied; None before the first.
    :ivar arrived_at: when that record came to the stream, ISO 8601.
    :ivar commit_time: when the newest change that was applied was committed, ISO 8601.
    :ivar behind_ms: how far behind the end of the shard the last read was; None before the first.
    :ivar level_at: when all that had come to the shard was applied last, ISO 8601.
    :ivar lag_s: seconds for which nothing newer is known to be applied, in event time.
    :ivar finished: the shard was split or merged, and is read to its end.
    """

    sequence_number: str | None = None
    arrived_at: str | None = None
    commit_time: str | None = None
    behind_ms: int | None = None
    level_at: str | None = None
    lag_s: float | None = None
    finished: bool = False


@dataclass(frozen=True)
class LoaderStatus:
    """What `status.json` holds.

    :ivar state: `starting`, `running`, `paused`, `stopped` or `failed`.
    :ivar start: what `--from` was.
    """

    name: str
    state: str
    written_at: str
    stream: str = ""
    start: str = ""
    targets: tuple[str, ...] = ()
    shards: Mapping[str, ShardStatus] = field(default_factory=dict)
    documents: int = 0
    conflicts: int = 0
    retries: int = 0
    failed_documents: int = 0
    error: str = ""

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> LoaderStatus:
        """Read what a loader has written; keys that are not known here are left out."""
        shards = {
            name: ShardStatus(**{key: shard[key] for key in ShardStatus.__dataclass_fields__ if key in shard})
            for name, shard in (given.get("shards") or {}).items()
        }
        numbers = {key: int(given.get(key) or 0) for key in ("documents", "conflicts", "retries", "failed_documents")}
        return cls(
            name=given["name"],
            state=given["state"],
            written_at=given["written_at"],
            stream=given.get("stream") or "",
            start=given.get("from") or "",
            targets=tuple(given.get("targets") or ()),
            shards=shards,
            error=given.get("error") or "",
            **numbers,
        )

    def age_seconds(self, at: datetime) -> float:
        """How old it is."""
        return (at - points.parse(self.written_at)).total_seconds()

    def is_fresh(self, at: datetime) -> bool:
        """Whether it tells the present."""
        return self.age_seconds(at) <= FRESH_SECONDS

    @property
    def lag_seconds(self) -> float | None:
        """The greatest lag of its open shards; None if it has not read all of them yet."""
        lags = [shard.lag_s for shard in self.shards.values() if not shard.finished]
        known = [lag for lag in lags if lag is not None]
        return max(known) if known and len(known) == len(lags) else None


def behind(status: LoaderStatus, open_shards: Iterable[str], limit_seconds: float, at: datetime) -> list[str]:
    """Why a loader is not level with its stream; empty if it is.

    :param open_shards: the stream's shards that still take records.
    :param limit_seconds: the greatest lag, in event time, that counts as level.
    """
    if not status.is_fresh(at):
        return [f"{status.name} has said nothing for {status.age_seconds(at):.0f} s"]
    if status.state != "running":
        return [f"{status.name} is {status.state}" + (f": {status.error}" if status.error else "")]
    return [reason for shard in sorted(open_shards) for reason in _shard_behind(status, shard, limit_seconds)]


def _shard_behind(status: LoaderStatus, name: str, limit: float) -> Iterator[str]:
    shard = status.shards.get(name)
    if shard is None or shard.behind_ms is None:
        yield f"{name} is not read yet"
    elif shard.behind_ms > 0:
        yield f"{name}: {shard.behind_ms / 1000:.1f} s behind the end of the stream"
    elif shard.lag_s is not None and shard.lag_s >= limit:
        yield f"{name}: {shard.lag_s:.1f} s behind the newest commit, {limit:g} s are allowed"


def passed(ahead: LoaderStatus, paused: LoaderStatus) -> list[str]:
    """Why one loader has not applied all that another, which is paused, has; empty if it has."""
    reasons = []
    for name, theirs in sorted(paused.shards.items()):
        ours = ahead.shards.get(name)
        if ours is None or (ours.sequence_number is None and not ours.finished):
            # Nothing has come since the point that the loader was rewound to, so there is nothing to pass; and a
            # shard that was closed before it is none of its shards.
            if theirs.arrived_at is None or _before(theirs.arrived_at, ahead.start):
                continue
            reasons.append(f"{name} is not read yet")
        elif not (ours.finished or points.reached(ours.sequence_number, theirs.sequence_number)):
            reasons.append(f"{name}: at {ours.arrived_at}, the other at {theirs.arrived_at}")
    return reasons


def _before(arrived_at: str, start: str) -> bool:
    try:
        return points.parse(arrived_at) < points.parse(start)
    except ValueError:
        return False
