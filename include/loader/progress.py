"""How far a processor is: counted by its workers, shown in status.json and as metrics."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from loader.contract import moment, timestamp
from loader.times import now

COUNTERS = ("records", "documents", "conflicts", "retries", "failed_documents", "skipped", "superseded", "throttled")


@dataclass(frozen=True)
class Progress:
    """What is done once a poll's records are applied."""

    polled_at: datetime
    behind_ms: int
    """MillisBehindLatest of that poll."""
    sequence_number: str | None = None
    """Of its last record; None if it had none."""
    arrived_at: datetime | None = None
    """When that record came into the stream."""
    commit_time: datetime | None = None
    """The newest commit among what was applied."""

    def joined(self, later: Progress) -> Progress:
        """Both as one, the other being what was done after it."""
        commits = [each for each in (self.commit_time, later.commit_time) if each]
        return replace(
            later,
            sequence_number=later.sequence_number or self.sequence_number,
            arrived_at=later.arrived_at or self.arrived_at,
            commit_time=max(commits, default=None),
        )


@dataclass(frozen=True)
class ShardState:
    """Where a shard stands: all of it is applied."""

    sequence_number: str | None = None
    arrived_at: datetime | None = None
    commit_time: datetime | None = None
    behind_ms: int | None = None
    level_at: datetime | None = None
    """The last moment at which all that had come was applied."""
    finished: bool = False
    """Closed by a split or merge, and read to its end (or read as far as `--until` says)."""

    def advanced(self, progress: Progress) -> ShardState:
        """The state after some more was applied."""
        commits = [each for each in (self.commit_time, progress.commit_time) if each]
        return replace(
            self,
            sequence_number=progress.sequence_number or self.sequence_number,
            arrived_at=progress.arrived_at or self.arrived_at,
            commit_time=max(commits, default=None),
            behind_ms=progress.behind_ms,
            level_at=progress.polled_at if progress.behind_ms == 0 else self.level_at,
        )

    def lag(self, at: datetime) -> float:
        """Seconds for which nothing newer is known to be applied; 0 for a shard that ended."""
        reached = [each for each in (self.commit_time, self.level_at) if each]
        if self.finished or not reached:
            return 0.0
        return max(0.0, (at - max(reached)).total_seconds())

    def as_json(self, at: datetime) -> dict[str, Any]:
        """As it stands in status.json."""
        return {
            "sequence_number": self.sequence_number,
            "arrived_at": _text(self.arrived_at),
            "commit_time": _text(self.commit_time),
            "behind_ms": self.behind_ms,
            "level_at": _text(self.level_at),
            "finished": self.finished,
            "lag_s": round(self.lag(at), 3),
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> ShardState:
        """What `as_json` wrote."""
        return cls(
            sequence_number=found.get("sequence_number"),
            arrived_at=_moment(found.get("arrived_at")),
            commit_time=_moment(found.get("commit_time")),
            level_at=_moment(found.get("level_at")),
            # What a poll said before the restart says nothing of the present.
            behind_ms=0 if found.get("finished") else None,
            finished=bool(found.get("finished")),
        )


@dataclass
class Status:
    """A processor's state, shared by its threads.

    :param start: `trim_horizon` or a moment: where shards without a position begin.
    """

    name: str
    kind: str
    stream: str
    targets: list[str]
    start: str
    state: str = "starting"
    error: str | None = None
    started_at: datetime = field(default_factory=now)
    shards: dict[str, ShardState] = field(default_factory=dict)
    counters: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def count(self, name: str, number: int = 1) -> None:
        """Add to a counter."""
        with self._lock:
            self.counters[name] += number

    def opened(self, shard: str) -> None:
        """A shard is read from now on."""
        with self._lock:
            self.shards.setdefault(shard, ShardState())

    def advanced(self, shard: str, progress: Progress) -> None:
        """More of a shard is applied."""
        with self._lock:
            self.shards[shard] = self.shards.get(shard, ShardState()).advanced(progress)

    def finished(self, shard: str) -> None:
        """A shard is done with."""
        with self._lock:
            self.shards[shard] = replace(self.shards.get(shard, ShardState()), finished=True, behind_ms=0)

    def keep_only(self, shards: Iterable[str]) -> None:
        """Forget shards that the stream no longer has."""
        with self._lock:
            for gone in set(self.shards) - set(shards):
                del self.shards[gone]

    def resume(self, earlier: Mapping[str, Any]) -> None:
        """Go on from a status that an earlier process of this name wrote."""
        with self._lock:
            self.start = str(earlier.get("from", self.start))
            self.shards = {name: ShardState.from_json(found) for name, found in earlier.get("shards", {}).items()}
            self.counters = Counter({name: int(earlier.get(name, 0)) for name in COUNTERS})

    def as_json(self) -> dict[str, Any]:
        """What goes into status.json."""
        at = now()
        with self._lock:
            return {
                "name": self.name,
                "kind": self.kind,
                "stream": self.stream,
                "targets": self.targets,
                "state": self.state,
                "written_at": timestamp(at),
                "started_at": timestamp(self.started_at),
                "from": self.start,
                "shards": {name: shard.as_json(at) for name, shard in sorted(self.shards.items())},
                **{name: self.counters[name] for name in COUNTERS},
                "error": self.error,
            }


def _text(value: datetime | None) -> str | None:
    return None if value is None else timestamp(value)


def _moment(text: str | None) -> datetime | None:
    return None if text is None else moment(text)
