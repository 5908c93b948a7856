"""A loader is level, or ahead of another, only when every shard of a fresh status says so."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from livemove.stream import points
from livemove.stream.status import FRESH_SECONDS, LoaderStatus, behind, passed

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
LEVEL = {"sequence_number": "100", "arrived_at": "2026-11-22T09:29:59Z", "behind_ms": 0, "lag_s": 0.4}


def status(state: str = "running", age: float = 1, start: str = "2026-11-22T09:00:00Z", **shards: Any) -> LoaderStatus:
    return LoaderStatus.from_json(
        {
            "name": "products-1",
            "kind": "load",
            "stream": "documents",
            "from": start,
            "state": state,
            "written_at": points.iso(NOW - timedelta(seconds=age)),
            "error": "no route" if state == "failed" else None,
            "shards": shards,
        }
    )


def test_a_loader_that_read_to_the_end_of_every_open_shard_is_level() -> None:
    assert behind(status(a=LEVEL, b={**LEVEL, "lag_s": None}), ["a", "b"], 5, NOW) == []


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (status(a=LEVEL), "b is not read yet"),
        (status(a=LEVEL, b={**LEVEL, "behind_ms": None}), "b is not read yet"),
        (status(a=LEVEL, b={**LEVEL, "behind_ms": 1500}), "b: 1.5 s behind the end of the stream"),
        (status(a=LEVEL, b={**LEVEL, "lag_s": 5.0}), "b: 5.0 s behind the newest commit"),
        (status("paused", a=LEVEL, b=LEVEL), "products-1 is paused"),
        (status("failed", a=LEVEL, b=LEVEL), "products-1 is failed: no route"),
        (status(age=FRESH_SECONDS + 1, a=LEVEL, b=LEVEL), "has said nothing for 11 s"),
    ],
)
def test_a_loader_that_is_not_level_says_why(found: LoaderStatus, reason: str) -> None:
    (said,) = behind(found, ["a", "b"], 5, NOW)
    assert reason in said


def test_a_shard_that_was_split_need_not_be_read_further() -> None:
    split = {**LEVEL, "behind_ms": 4000, "finished": True}
    assert behind(status(a=split, b=LEVEL, c=LEVEL), ["b", "c"], 5, NOW) == []


def test_the_lag_is_that_of_the_worst_shard_and_unknown_while_one_is_not_read() -> None:
    assert status(a=LEVEL, b={**LEVEL, "lag_s": 2.5}).lag_seconds == 2.5
    assert status(a=LEVEL, b={}).lag_seconds is None
    assert status(a=LEVEL, b={"finished": True}).lag_seconds == 0.4


@pytest.mark.parametrize(
    ("ours", "reason"),
    [
        ({"a": {"sequence_number": "99"}}, "a: at None, the other at 2026-11-22T09:29:59Z"),
        ({"a": {"sequence_number": None}}, "a is not read yet"),
        ({}, "a is not read yet"),
    ],
)
def test_a_loader_has_not_passed_another_while_a_shard_is_missing(ours: Any, reason: str) -> None:
    (said,) = passed(status(**ours), status("paused", a=LEVEL))
    assert reason in said


@pytest.mark.parametrize(
    "ours",
    [
        {"a": {"sequence_number": "100"}},
        {"a": {"sequence_number": "1000"}},
        {"a": {"sequence_number": "7", "finished": True}},
    ],
)
def test_a_loader_has_passed_another_that_it_has_reached_on_every_shard(ours: Any) -> None:
    assert passed(status(**ours), status("paused", a=LEVEL)) == []


def test_a_shard_that_ended_before_the_rewound_loader_began_is_none_of_its_shards() -> None:
    old = {"a": {**LEVEL, "arrived_at": "2026-11-22T08:00:00Z", "finished": True}}
    assert passed(status(), status("paused", **old)) == []
    assert passed(status(start="trim_horizon"), status("paused", **old)) == ["a is not read yet"]


def test_a_shard_in_which_nothing_came_since_the_rewound_loader_began_holds_up_nothing() -> None:
    idle = {"a": {"sequence_number": None, "behind_ms": 0}}
    assert passed(status(**idle), status("paused", a={**LEVEL, "arrived_at": "2026-11-22T08:00:00Z"})) == []
    assert passed(status(**idle), status("paused", a=LEVEL)) == ["a is not read yet"]
