"""Which shards to read: parents before their children, so that splits and merges keep the order. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Shard:
    """A shard as ListShards shows it."""

    id: str
    parents: tuple[str, ...] = ()

    @classmethod
    def of(cls, found: dict[str, Any]) -> Shard:
        """From an element of the answer of ListShards."""
        parents = (found.get("ParentShardId"), found.get("AdjacentParentShardId"))
        return cls(found["ShardId"], tuple(parent for parent in parents if parent))


def ready(shards: Iterable[Shard], *, reading: Collection[str], finished: Collection[str]) -> list[str]:
    """Shards that can be started now: each parent is read to its end, or gone from the stream already."""
    listed = {shard.id: shard for shard in shards}
    return sorted(
        shard.id
        for shard in listed.values()
        if shard.id not in reading
        and shard.id not in finished
        and all(parent in finished or parent not in listed for parent in shard.parents)
    )
