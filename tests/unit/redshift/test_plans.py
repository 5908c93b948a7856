"""A table's plan fits its definition, or says which key to change."""

from __future__ import annotations

from typing import Any

import pytest

from livemove.redshift.plans import SourceTable, TablePlan, plan_table, select_statement
from livemove.redshift.types import SourceColumn
from livemove.redshift.window import WatermarkKind
from livemove.runbook.errors import NeedsPerson
from tests.unit.redshift.samples import ID, NAME, UPDATED, column, sync, table


def _plan(settings: dict[str, Any] | None = None, source: SourceTable | None = None, **more: Any) -> TablePlan:
    return plan_table(sync({"orders": settings}, **more), source or table())


def _refusal(settings: dict[str, Any] | None = None, source: SourceTable | None = None, **more: Any) -> str:
    with pytest.raises(NeedsPerson) as refused:
        _plan(settings, source, **more)
    message = str(refused.value)
    assert message.startswith("tables.orders")
    return message


def _with(*columns: SourceColumn, **more: Any) -> SourceTable:
    return table(columns=(ID, NAME, UPDATED, *columns), **more)


# -- keys and modes -------------------------------------------------------------------------------


def test_by_default_rows_are_renewed_by_primary_key_and_the_file_s_watermark() -> None:
    plan = _plan()
    assert (plan.mode, plan.key, plan.unique, plan.watermark) == ("upsert", ("id",), True, "updated_at")
    assert plan.watermark_kind is WatermarkKind.TIMESTAMP
    assert (plan.target, plan.target_key, plan.remarks) == ("orders", ["id"], ())


def test_a_composite_key_keeps_its_order() -> None:
    source = table(columns=(column("b", "int"), column("a", "int"), UPDATED), key=("b", "a"))
    assert _plan(source=source).key == ("b", "a")


def test_a_chosen_key_goes_before_the_primary_key_and_is_unique_if_an_index_says_so() -> None:
    code = column("code", "char", "char(3)")
    assert not _plan({"key": ["code"]}, _with(code)).unique
    assert _plan({"key": ["code"]}, _with(code, unique_keys=(("id",), ("code",)))).unique
    # What holds a unique key is unique.
    assert _plan({"key": ["code", "id"]}, _with(code)).unique
    assert not _plan({"key": ["code"]}, _with(code, unique_keys=(("code", "id"),))).unique


def test_a_key_that_is_not_unique_says_that_the_latest_row_wins() -> None:
    plan = _plan({"key": ["code"]}, _with(column("code", "int")))
    assert any("no unique index covers the key" in remark for remark in plan.remarks)


def test_a_table_without_a_key_is_refused_with_the_three_ways_out() -> None:
    message = _refusal(source=table(key=()))
    assert "no primary key" in message
    assert all(way in message for way in ("`key:`", "`mode: replace`", "`mode: append`"))


def test_a_table_without_a_key_may_be_appended_to_or_replaced() -> None:
    appended = _plan({"mode": "append"}, table(key=()))
    assert (appended.mode, appended.key, appended.unique, appended.watermark) == ("append", (), False, "updated_at")
    replaced = _plan({"mode": "replace"}, table(key=()))
    assert (replaced.mode, replaced.watermark, replaced.watermark_kind) == ("replace", None, None)


def test_a_key_that_can_be_null_is_refused() -> None:
    assert "tables.orders.key: column 'name' can be NULL" in _refusal({"key": ["id", "name"]})


@pytest.mark.parametrize("mode", ["append", "replace"])
def test_a_key_that_nothing_is_matched_by_is_declared_only_if_it_is_unique(mode: str) -> None:
    assert _plan({"mode": mode}).key == ("id",)
    plan = _plan({"mode": mode, "key": ["name"]})
    assert (plan.key, plan.unique) == ((), False)


def test_values_of_a_key_are_never_changed_by_policy() -> None:
    policies = {"too_long": "truncate", "zero_date": "null", "tinyint1": "boolean"}
    source = table(columns=(column("code", "char"), column("flag", "tinyint", "tinyint(1)"), NAME, UPDATED),
                   key=("code", "flag"))  # fmt: skip
    code, flag, name, _ = _plan(source=source, policies=policies).columns
    assert code.policies.too_long == "reject"
    assert flag.redshift_type == "SMALLINT"
    assert name.policies.too_long == "truncate"


# -- columns --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        {"key": ["nr"]},
        {"watermark": "nr"},
        {"dist_key": "nr"},
        {"sort_key": ["id", "nr"]},
        {"columns": {"nr": {"skip": True}}},
    ],
)
def test_a_column_that_the_source_does_not_have_is_refused_with_those_it_has(settings: dict[str, Any]) -> None:
    message = _refusal(settings)
    assert f"tables.orders.{next(iter(settings))}: the source has no column 'nr'" in message
    assert "id, name, updated_at" in message


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({}, "id"),
        ({}, "updated_at"),
        ({"dist_key": "name"}, "name"),
        ({"sort_key": ["name"]}, "name"),
        ({"mode": "replace", "key": ["id"]}, "id"),
    ],
)
def test_a_column_that_is_needed_cannot_be_skipped(settings: dict[str, Any], name: str) -> None:
    message = _refusal(settings | {"columns": {name: {"skip": True}}})
    assert message.startswith(f"tables.orders.columns.{name}: a column that is key, watermark, dist_key or in sort_key")


@pytest.mark.parametrize("mode", ["append", "replace"])
def test_a_primary_key_that_nothing_is_matched_by_may_be_skipped(mode: str) -> None:
    plan = _plan({"mode": mode, "columns": {"id": {"skip": True}}})
    assert (plan.key, [each.name for each in plan.columns]) == ((), ["name", "updated_at"])


def test_a_table_of_which_everything_is_skipped_is_refused() -> None:
    settings = {"mode": "replace", "columns": {"name": {"skip": True}}}
    assert "every column has `skip: true`" in _refusal(settings, table(columns=(NAME,), key=()))


def test_two_columns_of_one_name_are_refused_with_the_remedy() -> None:
    message = _refusal({"columns": {"name": {"rename": "ID"}}})
    assert "two columns would be called 'id'" in message
    assert "`rename`" in message


def test_a_renamed_key_and_watermark_are_known_by_their_new_names() -> None:
    plan = _plan({"columns": {"id": {"rename": "order_id"}, "updated_at": {"rename": "changed"}}})
    assert plan.target_key == ["order_id"]
    assert plan.target_of("updated_at") == "changed"


def test_columns_stand_in_the_order_of_the_target_and_new_ones_at_its_end() -> None:
    plan = plan_table(sync(), table(), target_order=["updated_at", "id"])
    assert [each.target for each in plan.columns] == ["updated_at", "id", "name"]


def test_a_target_name_that_is_too_long_is_refused() -> None:
    with pytest.raises(NeedsPerson, match=r"tables\.注+\.target: .*129 bytes"):
        plan_table(sync({"注" * 43: None}), table("注" * 43))


# -- watermark ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data_type", "kind"),
    [
        ("timestamp", WatermarkKind.TIMESTAMP),
        ("datetime", WatermarkKind.DATETIME),
        ("date", WatermarkKind.DATE),
        ("tinyint", WatermarkKind.INTEGER),
        ("bigint", WatermarkKind.INTEGER),
    ],
)
def test_times_and_integers_can_be_watermarks(data_type: str, kind: WatermarkKind) -> None:
    plan = _plan({"watermark": "w"}, _with(column("w", data_type)))
    assert (plan.watermark, plan.watermark_kind) == ("w", kind)


@pytest.mark.parametrize("data_type", ["varchar", "decimal", "double", "time", "year", "bit", "json"])
def test_nothing_else_can(data_type: str) -> None:
    message = _refusal({"watermark": "w"}, _with(column("w", data_type)))
    assert f"tables.orders.watermark: 'w' is {data_type}, but a watermark has to be" in message


def test_a_table_without_the_file_s_watermark_is_refused_with_the_remedy() -> None:
    message = _refusal(source=table(columns=(ID,)))
    assert "tables.orders.watermark: the table has no column 'updated_at'" in message
    assert "`mode: replace`" in message
    assert "none is set" in _refusal(watermark=None)


def test_a_table_s_own_watermark_goes_before_the_file_s() -> None:
    assert _plan({"watermark": "id"}).watermark_kind is WatermarkKind.INTEGER


def test_rows_without_a_watermark_cannot_be_appended() -> None:
    message = _refusal({"mode": "append", "watermark": "w"}, _with(column("w", "datetime", nullable=True)))
    assert "tables.orders.watermark: 'w' can be NULL, and in mode append" in message


def test_an_integer_watermark_cannot_look_back_seconds() -> None:
    message = _refusal({"watermark": "id", "lookback_seconds": 60})
    assert message.startswith("tables.orders.lookback_seconds: 'id' is bigint, which does not count seconds")


def test_what_costs_time_or_exactness_is_remarked() -> None:
    source = table(
        columns=(ID, column("updated_at", "datetime", nullable=True)), indexed_first=frozenset({"id"}), engine="MyISAM"
    )
    plan = _plan(source=source)
    assert [remark.split(":")[0] for remark in plan.remarks] == [
        "no index starts with updated_at",
        "engine MyISAM has no snapshots",
        "updated_at can be NULL",
    ]
    assert plan.watermark_nullable


# -- the SELECT -----------------------------------------------------------------------------------


def _select(settings: dict[str, Any] | None = None, source: SourceTable | None = None, **ends: Any) -> str:
    return select_statement("shop", _plan(settings, source), lower=ends.get("lower"), upper=ends.get("upper"))


def test_numbers_and_times_are_packed_and_text_stands_alone() -> None:
    assert _select() == "SELECT CONCAT(`id`, ',', `updated_at`), `name` FROM `shop`.`orders`"


def test_a_table_of_only_text_or_only_numbers_is_read() -> None:
    text, number = column("t", "text"), column("n", "int")
    replace = {"mode": "replace"}
    assert _select(replace, table(columns=(text,), key=())) == "SELECT `t` FROM `shop`.`orders`"
    assert _select(replace, table(columns=(number,), key=())) == "SELECT CONCAT(`n`) FROM `shop`.`orders`"


def test_reserved_and_japanese_names_are_quoted_in_the_select() -> None:
    source = table("注文`", (column("order", "int"), column("更新", "datetime")), key=("order",))
    plan = plan_table(sync({"注文`": {"watermark": "更新", "target": "orders"}}), source)
    assert select_statement("店", plan, lower=None, upper="2026-01-01") == (
        "SELECT CONCAT(`order`, ',', `更新`) FROM `店`.`注文``` WHERE `更新` <= '2026-01-01'"
    )


def test_the_window_s_ends_are_exclusive_below_and_inclusive_above() -> None:
    statement = _select(lower="2026-01-01 00:00:00", upper="2026-01-02 00:00:00")
    assert statement.endswith(" WHERE `updated_at` > '2026-01-01 00:00:00' AND `updated_at` <= '2026-01-02 00:00:00'")
    assert _select(lower="2026-01-01").endswith(" WHERE `updated_at` > '2026-01-01'")


def test_integers_are_compared_as_numbers() -> None:
    statement = _select({"watermark": "id"}, lower="-5", upper="42")
    assert statement.endswith(" WHERE `id` > -5 AND `id` <= 42")


def test_rows_without_a_watermark_are_read_by_every_run() -> None:
    source = table(columns=(ID, column("updated_at", "datetime", nullable=True)))
    statement = _select(source=source, lower="2026-01-01", upper="2026-01-02")
    assert statement.endswith(
        " WHERE (`updated_at` > '2026-01-01' AND `updated_at` <= '2026-01-02') OR `updated_at` IS NULL"
    )
    assert "WHERE" not in _select(source=source)


@pytest.mark.parametrize("value", ["", "1 OR 1=1", "2026-01-01'", "now()"])
def test_nothing_but_a_watermark_gets_into_the_select(value: str) -> None:
    with pytest.raises(ValueError, match="not a watermark"):
        _select(lower=value)
