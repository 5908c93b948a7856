"""A target either holds what is wanted, or the way there is named."""

from __future__ import annotations

import pytest

from livemove.redshift.drift import Drift, TargetColumn, WantedColumn, compare, holds, normal

TABLE = ("shop", "orders")


@pytest.mark.parametrize(
    ("actual", "wanted"),
    [
        ("character varying(80)", "VARCHAR(80)"),
        ("character varying(81)", "VARCHAR(80)"),
        ("bigint", "BIGINT"),
        ("int8", "BIGINT"),
        ("integer", "INTEGER"),
        ("smallint", "SMALLINT"),
        ("numeric(20,0)", "DECIMAL(20,0)"),
        ("real", "REAL"),
        ("double precision", "DOUBLE PRECISION"),
        ("boolean", "BOOLEAN"),
        ("date", "DATE"),
        ("timestamp without time zone", "TIMESTAMP"),
        ("varbyte(16)", "VARBYTE(16)"),
        ("binary varying(32)", "VARBYTE(16)"),
    ],
)
def test_a_column_holds_what_is_wanted_however_it_is_spelled(actual: str, wanted: str) -> None:
    assert holds(actual, wanted)


@pytest.mark.parametrize(
    ("actual", "wanted"),
    [
        ("character varying(79)", "VARCHAR(80)"),
        ("character varying", "VARCHAR(80)"),
        ("character(80)", "VARCHAR(80)"),
        ("varbyte(15)", "VARBYTE(16)"),
        ("bigint", "INTEGER"),
        ("integer", "BIGINT"),
        ("numeric(20,1)", "DECIMAL(20,0)"),
        ("numeric(38,0)", "DECIMAL(20,0)"),
        ("timestamp with time zone", "TIMESTAMP"),
        ("super", "VARCHAR(80)"),
    ],
)
def test_a_column_that_copy_would_refuse_does_not_hold_it(actual: str, wanted: str) -> None:
    assert not holds(actual, wanted)


def test_a_type_is_known_by_one_name_and_its_numbers() -> None:
    assert normal("  NUMERIC ( 20 , 2 ) ") == ("numeric", (20, 2))
    assert normal("Character  Varying(5)") == ("character varying", (5,))
    assert normal("timestamp(6) without time zone") == ("timestamp without time zone", (6,))


def test_equal_tables_do_not_drift_whatever_the_order() -> None:
    wanted = [WantedColumn("a", "INTEGER"), WantedColumn("b", "VARCHAR(3)", not_null=True)]
    actual = [TargetColumn("b", "character varying(3)"), TargetColumn("a", "integer")]
    assert compare(TABLE, wanted, actual) == Drift()


def test_a_new_column_is_an_addition() -> None:
    wanted = [WantedColumn("a", "INTEGER"), WantedColumn("価格", "INTEGER")]
    assert compare(TABLE, wanted, [TargetColumn("a", "integer")]) == Drift(additions=(wanted[1],))


def test_a_text_column_is_enlarged_in_place() -> None:
    drift = compare(TABLE, [WantedColumn("価格", "VARCHAR(80)")], [TargetColumn("価格", "character varying(20)")])
    assert drift.blockers == (
        "column '価格' is character varying(20), and VARCHAR(80) is needed. "
        'Run: ALTER TABLE "shop"."orders" ALTER COLUMN "価格" TYPE VARCHAR(80);',
    )


def test_another_type_needs_the_column_to_be_made_anew() -> None:
    drift = compare(TABLE, [WantedColumn("a", "BIGINT")], [TargetColumn("a", "integer")])
    assert drift.blockers == (
        "column 'a' is integer, and BIGINT is needed. "
        'Run: ALTER TABLE "shop"."orders" DROP COLUMN "a"; the next run adds it again as BIGINT and reloads the table.',
    )
    assert drift.additions == ()


def test_text_that_is_to_replace_another_type_is_not_enlarged_but_made_anew() -> None:
    drift = compare(TABLE, [WantedColumn("a", "VARCHAR(80)")], [TargetColumn("a", "integer")])
    assert "DROP COLUMN" in drift.blockers[0]


def test_a_column_that_the_source_lost_blocks() -> None:
    drift = compare(TABLE, [WantedColumn("a", "INTEGER")], [TargetColumn("a", "integer"), TargetColumn("b", "date")])
    assert drift.blockers == (
        'column \'b\' is not in the source any more. Run: ALTER TABLE "shop"."orders" DROP COLUMN "b";',
    )
