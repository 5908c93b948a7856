"""What is done with a table follows from its plan, its target and its state."""

from __future__ import annotations

from typing import Any

import pytest

from livemove.redshift.drift import TargetColumn
from livemove.redshift.examination import Examination, Window, examine, record_of, window_of
from livemove.redshift.plans import SourceTable
from livemove.redshift.statements import TableState
from livemove.redshift.window import Bounds, Mark
from livemove.runbook.errors import NeedsPerson
from tests.unit.redshift.samples import ID, NAME, UPDATED, column, sync, table

TARGET = (
    TargetColumn("id", "bigint"),
    TargetColumn("name", "character varying(80)"),
    TargetColumn("updated_at", "timestamp without time zone"),
)
STATE = TableState(3, "2026-11-21 03:00:00", "sync/shop/orders/1/", 10, None)


def _examine(
    settings: dict[str, Any] | None = None,
    *,
    source: SourceTable | None = None,
    target: tuple[TargetColumn, ...] = TARGET,
    state: TableState | None = STATE,
    **more: Any,
) -> Examination:
    more.setdefault("target_empty", not target)
    return examine(sync({"orders": settings}), source or table(), target, state, **more)


def _state(upper: str | None) -> TableState:
    return TableState(3, upper, "f/", 10, None)


# -- why all rows are read ------------------------------------------------------------------------


def test_with_target_and_state_only_the_difference_is_read() -> None:
    exam = _examine()
    assert (exam.full, exam.full_because, exam.stored) == (False, "", Mark("2026-11-21 03:00:00"))
    assert exam.state_version == 3


@pytest.mark.parametrize(
    ("found", "because"),
    [
        (_examine(full_reload=True), "a full reload was asked for"),
        (_examine({"mode": "replace"}), "its mode is replace"),
        (_examine(target=()), "it is not in the warehouse yet"),
        (_examine(state=None, target_empty=True), "no watermark is stored for it"),
        (_examine(state=_state(None)), "no watermark is stored for it"),
    ],
)
def test_all_rows_are_read_when_there_is_a_reason(found: Examination, because: str) -> None:
    assert (found.full, found.full_because, found.stored) == (True, because, None)


def test_an_added_column_is_a_reason_as_unchanged_rows_have_values_in_it_too() -> None:
    exam = _examine(source=table(columns=(ID, NAME, UPDATED, column("price", "int"), column("note", "text"))))
    assert exam.full_because.startswith("the source gained price, note, ")
    assert [added.name for added in exam.drift.additions] == ["price", "note"]


def test_a_target_that_vanished_is_made_anew_whatever_the_state_says() -> None:
    exam = _examine(target=(), state=STATE)
    assert (exam.full, exam.target_exists, exam.state_version) == (True, False, 3)


# -- what a person has to look at -----------------------------------------------------------------


def test_other_differences_stop_the_table_with_a_line_and_an_alter_for_each() -> None:
    target = (TargetColumn("id", "integer"), *TARGET[1:], TargetColumn("gone", "integer"))
    with pytest.raises(NeedsPerson) as refused:
        _examine(target=target)
    first, *lines = str(refused.value).splitlines()
    assert first == "tables.orders: its definition and the warehouse's differ:"
    assert len(lines) == 2
    assert all(line.startswith("- column ") and 'ALTER TABLE "shop"."orders"' in line for line in lines)


def test_rows_that_the_sync_did_not_bring_are_not_replaced_unasked() -> None:
    with pytest.raises(NeedsPerson, match=r"tables\.orders: shop\.orders has rows that this sync did not bring"):
        _examine(state=None, target_empty=False)
    assert _examine(state=None, target_empty=False, full_reload=True).full
    assert _examine(state=None, target_empty=True).full


def test_only_key_columns_are_wanted_not_null() -> None:
    assert [(each.name, each.not_null) for each in _examine().wanted] == [
        ("id", True),
        ("name", False),
        ("updated_at", False),
    ]


# -- windows --------------------------------------------------------------------------------------


def _bounds(**more: Any) -> Bounds:
    known = {"sync": "shop", "tables": ["orders"], "utc": "2026-11-22 03:00:00", "local": "2026-11-22 12:00:00"}
    return Bounds(**{**known, "offset_minutes": 540, **more})


def test_a_differential_window_begins_at_the_mark_and_ends_at_the_bound() -> None:
    assert window_of(_examine(), _bounds()) == Window(
        "2026-11-21 03:00:00", "2026-11-22 03:00:00", Mark("2026-11-22 03:00:00")
    )


def test_a_full_read_has_no_ends_but_keeps_the_bound_as_its_mark() -> None:
    assert window_of(_examine(full_reload=True), _bounds()) == Window(None, None, Mark("2026-11-22 03:00:00"))


def test_a_replaced_table_has_neither_ends_nor_mark() -> None:
    assert window_of(_examine({"mode": "replace"}), _bounds()) == Window(None, None, None)


def test_a_full_read_that_is_appended_to_later_ends_at_the_bound() -> None:
    window = window_of(_examine({"mode": "append"}, full_reload=True), _bounds())
    assert (window.lower, window.upper) == (None, "2026-11-22 03:00:00")


def test_a_bound_that_has_not_moved_means_nothing_to_read_and_keeps_the_mark() -> None:
    exam = _examine(state=_state("2026-11-22 03:00:00"))
    assert window_of(exam, _bounds()) == Window(
        "2026-11-22 03:00:00", "2026-11-22 03:00:00", Mark("2026-11-22 03:00:00"), nothing=True
    )


def test_a_bound_that_went_back_never_moves_the_mark_back() -> None:
    window = window_of(_examine(state=_state("2026-11-23 00:00:00")), _bounds())
    assert (window.mark, window.nothing) == (Mark("2026-11-23 00:00:00"), True)


def test_rows_without_a_watermark_are_read_even_if_the_bound_has_not_moved() -> None:
    source = table(columns=(ID, NAME, column("updated_at", "timestamp", nullable=True)))
    window = window_of(_examine(source=source, state=_state("2026-11-22 03:00:00")), _bounds())
    assert not window.nothing


def test_a_lookback_widens_the_window_and_not_the_mark() -> None:
    window = window_of(_examine({"lookback_seconds": 3600}), _bounds())
    assert (window.lower, window.mark) == ("2026-11-21 02:00:00", Mark("2026-11-22 03:00:00"))


def _by_number(state: TableState | None, mode: str = "upsert") -> Examination:
    return _examine({"watermark": "id", "mode": mode}, state=state)


def test_an_integer_window_ends_at_the_highest_number_of_the_look() -> None:
    window = window_of(_by_number(_state("40")), _bounds(integers={"orders": 42}))
    assert (window.lower, window.upper, window.mark) == ("40", "42", Mark("42"))


def test_a_table_that_was_emptied_keeps_its_mark() -> None:
    window = window_of(_by_number(_state("40")), _bounds(integers={"orders": None}))
    assert window == Window("40", "40", Mark("40"), nothing=True)


def test_an_empty_table_s_first_read_stores_no_mark() -> None:
    first = _by_number(_state(None))
    assert window_of(first, _bounds(integers={"orders": None})) == Window(None, None, None)
    # Appended rows may only be read up to the bound, and there is none.
    appended = _by_number(_state(None), "append")
    assert window_of(appended, _bounds(integers={"orders": None})) == Window(None, None, None, nothing=True)


def _in_local_time(mode: str) -> Examination:
    source = table(columns=(ID, NAME, column("updated_at", "datetime")))
    return _examine({"mode": mode}, source=source, state=_state("2026-10-25 02:59:59+120"))


def test_the_repeated_hour_is_read_again() -> None:
    bounds = _bounds(local="2026-10-25 03:30:00", offset_minutes=60)
    window = window_of(_in_local_time("upsert"), bounds)
    assert (window.lower, window.upper) == ("2026-10-25 01:59:59", "2026-10-25 03:30:00")
    assert str(window.mark) == "2026-10-25 03:30:00+60"


def test_the_repeated_hour_cannot_be_appended() -> None:
    bounds = _bounds(local="2026-10-25 03:30:00", offset_minutes=60)
    with pytest.raises(NeedsPerson, match=r"tables\.orders: the source's clock went back.*`full_reload`"):
        window_of(_in_local_time("append"), bounds)
    ahead = window_of(_in_local_time("append"), _bounds(local="2026-10-25 03:30:00", offset_minutes=120))
    assert ahead.lower == "2026-10-25 02:59:59"


# -- the record -----------------------------------------------------------------------------------


def test_a_record_names_everything_in_the_warehouse_s_words() -> None:
    exam = _examine(
        {
            "target": "Sales",
            "dist_key": "name",
            "sort_key": ["updated_at", "id"],
            "columns": {"id": {"rename": "order_id"}, "name": {"rename": "label"}},
        },
        target=(),
        state=None,
    )
    record = record_of(exam, window_of(exam, _bounds()))
    assert (record.table, record.target, record.mode, record.full) == ("orders", "sales", "upsert", True)
    assert (record.key, record.watermark, record.dist_key) == (("order_id",), "updated_at", "label")
    assert record.sort_key == ("updated_at", "order_id")
    assert record.columns == (
        ("order_id", "BIGINT", True),
        ("label", "VARCHAR(80)", False),
        ("updated_at", "TIMESTAMP", False),
    )
    assert (record.rows, record.parts, record.state_version) == (0, (), 0)
    assert (record.lower, record.upper) == (None, "2026-11-22 03:00:00")


def test_a_differential_record_begins_where_the_state_ended() -> None:
    exam = _examine({"lookback_seconds": 60})
    record = record_of(exam, window_of(exam, _bounds()))
    assert (record.lower, record.upper, record.state_version) == ("2026-11-21 03:00:00", "2026-11-22 03:00:00", 3)
    assert record_of(_examine(full_reload=True), Window(None, None, None)).lower is None
