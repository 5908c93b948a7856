"""Which shards are read when."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from loader.shards import Shard, ready


def test_children_wait_for_their_parents_end():
    shards = [Shard("a"), Shard("b"), Shard("c", ("a",)), Shard("d", ("a",)), Shard("e", ("a", "b"))]
    assert ready(shards, reading=(), finished=()) == ["a", "b"]
    assert ready(shards, reading=("b",), finished=("a",)) == ["c", "d"]
    assert ready(shards, reading=("c", "d"), finished=("a", "b")) == ["e"]


def test_a_parent_that_the_stream_has_forgotten_holds_up_nobody():
    assert ready([Shard("c", ("gone",))], reading=(), finished=()) == ["c"]


def test_shards_are_read_from_listings():
    listed = {"ShardId": "c", "ParentShardId": "a", "AdjacentParentShardId": "b", "HashKeyRange": {}}
    assert Shard.of(listed) == Shard("c", ("a", "b"))
    assert Shard.of({"ShardId": "a"}) == Shard("a")


@st.composite
def families(draw: st.DrawFn) -> list[Shard]:
    count = draw(st.integers(1, 12))
    earlier = st.integers(0, 11)
    return [
        Shard(
            str(number), tuple({str(draw(earlier) % number) for _ in range(draw(st.integers(0, 2)))}) if number else ()
        )
        for number in range(count)
    ]


@given(families(), st.data())
def test_every_shard_is_read_once_and_never_before_its_parents(shards, data):
    parents = {shard.id: shard.parents for shard in shards}
    reading: set[str] = set()
    finished: list[str] = []
    while len(finished) < len(shards):
        started = ready(shards, reading=reading, finished=finished)
        assert not set(started) & (reading | set(finished))
        assert all(parent in finished for shard in started for parent in parents[shard])
        reading |= set(started)
        # Nothing can be ready without anything being read: that would be a stand-still.
        ended = data.draw(st.sampled_from(sorted(reading)))
        reading.remove(ended)
        finished.append(ended)
