"""A window never crosses what may still be committed, and no row falls between two windows."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from livemove.redshift.window import Bounds, Look, Mark, OpenTransaction, WatermarkKind, is_empty, lower_for

CLOCK = datetime(2026, 11, 22, 3, 0, 0, 700_000)


def _open(started: datetime, *, idle: bool = False) -> OpenTransaction:
    return OpenTransaction(7, "app", started, idle)


def _bounds(**more: object) -> Bounds:
    known = {"sync": "shop", "tables": ["t"], "utc": "2026-11-22 03:00:00", "local": "2026-11-22 12:00:00"}
    return Bounds(**{**known, "offset_minutes": 540, **more})  # type: ignore[arg-type]


def test_with_nothing_open_the_bound_lies_a_second_before_the_clock_s_second() -> None:
    assert Look(CLOCK).upper == datetime(2026, 11, 22, 2, 59, 59)
    assert Look(CLOCK).oldest is None


def test_an_open_transaction_holds_the_bound_below_its_start() -> None:
    look = Look(CLOCK, [_open(datetime(2026, 11, 22, 2, 30)), _open(datetime(2026, 11, 22, 2, 10))])
    assert look.upper == datetime(2026, 11, 22, 2, 9, 59)
    assert look.oldest == _open(datetime(2026, 11, 22, 2, 10))


def test_a_transaction_that_began_after_the_clock_was_read_does_not_raise_the_bound() -> None:
    assert Look(CLOCK, [_open(CLOCK + timedelta(seconds=5))]).upper == Look(CLOCK).upper


@given(st.lists(st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)), max_size=5))
def test_the_bound_is_whole_seconds_and_below_everything_open(starts: list[datetime]) -> None:
    look = Look(CLOCK, [_open(start) for start in starts])
    assert look.upper.microsecond == 0
    assert all(look.upper <= start - timedelta(seconds=1) for start in [CLOCK, *starts])


def test_what_was_open_has_settled_when_only_later_ones_are() -> None:
    assert Look(CLOCK).settled(CLOCK)
    assert Look(CLOCK, [_open(datetime(2026, 11, 22, 3, 0, 1))]).settled(CLOCK)
    # Its start has whole seconds: it may have begun before or after.
    assert not Look(CLOCK, [_open(datetime(2026, 11, 22, 3, 0, 0))]).settled(CLOCK)
    assert not Look(CLOCK, [_open(CLOCK + timedelta(hours=1)), _open(datetime(2026, 11, 22, 2))]).settled(CLOCK)


def test_transactions_that_are_open_too_long_are_named() -> None:
    stuck = _open(CLOCK - timedelta(seconds=61), idle=True)
    look = Look(CLOCK, [_open(CLOCK - timedelta(seconds=60)), stuck])
    assert look.stuck(timedelta(seconds=60)) == [stuck]
    assert str(stuck) == "thread 7 (app), idle in a transaction since 2026-11-22 02:58:59 UTC"
    assert "running since" in str(_open(CLOCK))


def test_each_kind_of_watermark_has_its_own_upper_end() -> None:
    bounds = _bounds(integers={"t": 42, "empty": None})
    assert bounds.upper_for(WatermarkKind.TIMESTAMP, "t") == Mark("2026-11-22 03:00:00", 0)
    assert bounds.upper_for(WatermarkKind.DATETIME, "t") == Mark("2026-11-22 12:00:00", 540)
    assert bounds.upper_for(WatermarkKind.DATE, "t") == Mark("2026-11-21", 540)
    assert bounds.upper_for(WatermarkKind.INTEGER, "t") == Mark("42")
    assert bounds.upper_for(WatermarkKind.INTEGER, "empty") is None
    assert bounds.upper_for(WatermarkKind.INTEGER, "other") is None


def test_a_day_is_complete_only_when_it_is_over_on_the_source_s_clock() -> None:
    assert _bounds(local="2026-11-22 00:00:00").upper_for(WatermarkKind.DATE, "t") == Mark("2026-11-21", 540)
    assert _bounds(local="2026-11-21 23:59:59").upper_for(WatermarkKind.DATE, "t") == Mark("2026-11-20", 540)


@given(st.dictionaries(st.text(), st.none() | st.integers(-(2**63), 2**64)), st.none() | st.text(), st.lists(st.text()))
def test_bounds_survive_xcom(integers: dict[str, int | None], beat: str | None, warnings: list[str]) -> None:
    bounds = _bounds(integers=integers, beat=beat, warnings=warnings)
    assert Bounds.from_json(json.loads(json.dumps(bounds.as_json()))) == bounds


MARKS = (
    st.builds(
        Mark,
        st.datetimes(datetime(1000, 1, 1)).map(lambda moment: str(moment.replace(microsecond=0)))
        | st.dates(datetime(1000, 1, 1).date()).map(str),
        st.integers(-13 * 60 - 59, 14 * 60),
    )
    | st.integers(-(2**63), 2**64 - 1).map(lambda number: Mark(str(number)))
)  # fmt: skip


@given(MARKS)
@example(Mark("2026-11-22", 540))
@example(Mark("2026-11-22", -300))
@example(Mark("2026-11-22 03:00:00", -330))
@example(Mark("2026-11-22"))
@example(Mark("-9223372036854775808"))
def test_a_mark_is_read_back_from_its_text(mark: Mark) -> None:
    assert Mark.parse(str(mark)) == mark


def test_a_mark_s_text_is_what_a_person_expects() -> None:
    assert str(Mark("2026-11-22 12:00:00", 540)) == "2026-11-22 12:00:00+540"
    assert str(Mark("2026-11-22 03:00:00")) == "2026-11-22 03:00:00"
    assert str(Mark("42")) == "42"


def _lower(kind: WatermarkKind, mark: Mark, *, offset: int = 0, lookback: int = 0) -> str:
    return lower_for(kind, mark, offset_minutes=offset, lookback_seconds=lookback)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (WatermarkKind.TIMESTAMP, "2026-11-22 03:00:00"),
        (WatermarkKind.DATETIME, "2026-11-22 00:00:00"),
        (WatermarkKind.DATE, "2026-11-22"),
        (WatermarkKind.INTEGER, "-42"),
    ],
)
def test_the_lower_end_is_the_stored_mark(kind: WatermarkKind, value: str) -> None:
    assert _lower(kind, Mark(value, 540), offset=540) == value


def test_a_lookback_is_taken_off_and_dates_go_back_whole_days() -> None:
    assert _lower(WatermarkKind.TIMESTAMP, Mark("2026-11-22 00:00:30"), lookback=60) == "2026-11-21 23:59:30"
    assert _lower(WatermarkKind.DATE, Mark("2026-11-22"), lookback=1) == "2026-11-21"
    assert _lower(WatermarkKind.DATE, Mark("2026-11-22"), lookback=86400) == "2026-11-21"
    assert _lower(WatermarkKind.DATE, Mark("2026-11-22"), lookback=86401) == "2026-11-20"


def test_the_hour_that_repeats_at_the_end_of_summer_time_is_read_again() -> None:
    mark = Mark("2026-10-25 02:59:59", 120)
    assert _lower(WatermarkKind.DATETIME, mark, offset=60) == "2026-10-25 01:59:59"
    assert _lower(WatermarkKind.DATETIME, mark, offset=60, lookback=1) == "2026-10-25 01:59:58"
    assert _lower(WatermarkKind.DATE, Mark("2026-10-24", 120), offset=60) == "2026-10-23"


def test_the_hour_that_is_skipped_at_its_begin_moves_nothing() -> None:
    mark = Mark("2026-03-29 01:59:59", 60)
    assert _lower(WatermarkKind.DATETIME, mark, offset=120) == mark.value


def test_timestamps_are_in_utc_and_know_no_summer_time() -> None:
    assert _lower(WatermarkKind.TIMESTAMP, Mark("2026-10-25 00:59:59", 120), offset=60) == "2026-10-25 00:59:59"


@pytest.mark.parametrize(
    ("kind", "lower", "upper", "empty"),
    [
        (WatermarkKind.INTEGER, "9", "10", False),
        (WatermarkKind.INTEGER, "10", "9", True),
        (WatermarkKind.INTEGER, "10", "10", True),
        (WatermarkKind.INTEGER, "-10", "-9", False),
        (WatermarkKind.DATE, "2026-01-01", "2026-01-01", True),
        (WatermarkKind.DATE, "2026-01-01", "2026-01-02", False),
        (WatermarkKind.DATETIME, "2026-01-01 10:00:00", "2026-01-01 09:59:59", True),
        (WatermarkKind.TIMESTAMP, "2026-01-01 10:00:00", "2026-01-01 10:00:01", False),
    ],
)
def test_a_window_is_empty_when_no_value_can_lie_in_it(
    kind: WatermarkKind, lower: str, upper: str, empty: bool
) -> None:
    assert is_empty(kind, lower, Mark(upper)) is empty


def test_a_window_without_beginning_is_not_empty_and_one_without_a_highest_value_is() -> None:
    assert not is_empty(WatermarkKind.INTEGER, None, Mark("1"))
    assert is_empty(WatermarkKind.INTEGER, None, None)
    assert is_empty(WatermarkKind.INTEGER, "1", None)


@given(
    st.lists(st.integers(0, 400), min_size=2, max_size=6, unique=True).map(sorted),
    st.integers(0, 400),
    st.sampled_from([0, 3600]),
)
@example([0, 199, 265], 201, 0)
def test_consecutive_windows_leave_no_row_out_even_where_the_clock_goes_back(
    runs: list[int], row: int, lookback: int
) -> None:
    """Minutes of UTC; at minute 200 the source's clock goes back an hour."""

    def offset(minute: int) -> int:
        return 120 if minute < 200 else 60

    def local(minute: int) -> str:
        return str(datetime(2026, 10, 24, 22) + timedelta(minutes=minute + offset(minute)))

    stored, found = Mark(local(-1), offset(-1)), False
    for run in runs:
        mark = Mark(local(run), offset(run))
        if is_empty(WatermarkKind.DATETIME, stored.value, mark):
            continue
        lower = _lower(WatermarkKind.DATETIME, stored, offset=offset(run), lookback=lookback)
        found = found or (row <= run and lower < local(row) <= mark.value)
        # In the repeated hour a row may have to wait until the clock has passed its time again.
        assert found or row > run or local(row) > mark.value
        stored = mark
