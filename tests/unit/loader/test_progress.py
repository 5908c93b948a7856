"""Positions, lag and what is written of them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from loader.progress import Progress, ShardState, Status

AT = datetime(2026, 11, 22, 8, 15, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def test_a_poll_without_records_keeps_the_position_and_proves_that_nothing_newer_was_there():
    state = ShardState().advanced(Progress(at(10), 0, "17", at(9), at(8)))
    later = state.advanced(Progress(at(20), 0))
    assert (later.sequence_number, later.arrived_at, later.commit_time) == ("17", at(9), at(8))
    assert later.level_at == at(20)


def test_the_newest_commit_never_goes_back():
    state = ShardState().advanced(Progress(at(10), 0, "17", at(9), at(8)))
    assert state.advanced(Progress(at(11), 0, "18", at(10), at(5))).commit_time == at(8)


def test_a_shard_that_is_level_has_hardly_any_lag_however_old_its_last_commit_is():
    state = ShardState().advanced(Progress(at(0), 0, "17", at(-50), at(-3600)))
    assert state.lag(at(0.25)) == 0.25


def test_a_shard_that_catches_up_lags_by_the_age_of_its_newest_commit():
    state = ShardState().advanced(Progress(at(0), 60_000, "17", at(-60), at(-61)))
    assert state.lag(at(0)) == 61


def test_lag_grows_while_nothing_gets_applied():
    state = ShardState().advanced(Progress(at(0), 0, "17", at(-1), at(-1)))
    assert state.lag(at(30)) == 30


def test_a_finished_shard_has_no_lag():
    status = Status("n", "load", "s", [], "trim_horizon")
    status.advanced("a", Progress(at(0), 5, "17", at(-60), at(-61)))
    status.finished("a")
    assert (status.shards["a"].lag(at(100)), status.shards["a"].behind_ms) == (0.0, 0)


def test_polls_that_are_applied_together_count_as_the_last_of_them():
    joined = Progress(at(0), 9, "17", at(-1), at(-2)).joined(Progress(at(1), 0, commit_time=at(-5)))
    assert joined == Progress(at(1), 0, "17", at(-1), at(-2))


def test_a_status_is_resumed_as_it_was_written():
    status = Status("n", "load", "s", ["http://x/y"], "2026-11-22T00:00:00.000Z")
    status.advanced("a", Progress(at(0), 0, "17", at(-1), at(-2)))
    status.finished("b")
    status.count("failed_documents", 3)
    written = json.loads(json.dumps(status.as_json()))
    again = Status("n", "load", "s", ["http://x/y"], "checkpoint")
    again.resume(written)
    found = again.as_json()
    assert {key: found[key] for key in ("from", "failed_documents")} == {"from": status.start, "failed_documents": 3}
    assert found["shards"]["a"]["sequence_number"] == "17"
    assert found["shards"]["b"]["finished"] is True
    # What a poll said before the restart says nothing of the present.
    assert found["shards"]["a"]["behind_ms"] is None


def test_shards_that_the_stream_forgot_are_forgotten():
    status = Status("n", "load", "s", [], "trim_horizon")
    status.opened("a")
    status.opened("b")
    status.keep_only(["b", "c"])
    assert list(status.shards) == ["b"]
