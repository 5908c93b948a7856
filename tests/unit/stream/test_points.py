"""Times and sequence numbers are read and compared as Kinesis and the loaders mean them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livemove.stream import points

TIMES = st.datetimes(timezones=st.timezones())


@given(TIMES)
def test_a_written_time_is_read_as_the_same_moment_to_the_millisecond(at: datetime) -> None:
    assert abs(points.parse(points.iso(at)) - at) < timedelta(milliseconds=1)


def test_times_are_written_in_utc() -> None:
    tokyo = timezone(timedelta(hours=9))
    assert points.iso(datetime(2026, 11, 22, 18, 30, tzinfo=tokyo)) == "2026-11-22T09:30:00.000Z"


@pytest.mark.parametrize(("text", "remedy"), [("yesterday", "write it as"), ("2026-11-22T09:30:00", "names no zone")])
def test_a_time_that_is_none_is_refused_with_the_remedy(text: str, remedy: str) -> None:
    with pytest.raises(ValueError, match=remedy):
        points.parse(text)


def test_a_loader_is_rewound_by_the_greatest_delay_and_the_margin() -> None:
    started = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
    assert points.rewind_point(started, 12.5, 300) == started - timedelta(seconds=312.5)
    # A clock that runs ahead makes delays negative; they are none.
    assert points.rewind_point(started, -4, 300) == started - timedelta(seconds=300)


@given(st.integers(min_value=0), st.integers(min_value=0))
def test_sequence_numbers_are_compared_as_numbers_of_any_length(ours: int, theirs: int) -> None:
    assert points.reached(str(ours), str(theirs)) is (ours >= theirs)


def test_who_has_applied_nothing_is_reached_by_all_and_reaches_nobody_else() -> None:
    assert points.reached(None, None)
    assert points.reached("5", None)
    assert not points.reached(None, "5")
