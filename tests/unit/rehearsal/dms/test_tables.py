"""Values of columns become JSON without losing anything."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.dms.tables import Column, Table


def _column(kind: str, full: str = "", **more: Any) -> Column:
    return Column("c", kind, full or kind, True, **more)


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        (_column("bigint"), -(2**63), "-9223372036854775808"),
        (_column("bigint", "bigint unsigned"), 2**64 - 1, "18446744073709551615"),
        (_column("decimal"), Decimal("0.10"), "0.10"),
        (_column("decimal"), Decimal("1E+3"), "1000"),
        (_column("float"), 1.100000023841858, "1.1"),
        (_column("double"), 1.100000023841858, "1.100000023841858"),
        (_column("varchar"), 'a"\\\n茶', '"a\\"\\\\\\n茶"'),
        (_column("varbinary"), b"\x00\xff", '"0x00FF"'),
        (_column("bit"), "00001010", "10"),
        (_column("bit"), b"\x0a", "10"),
        (_column("set", "set('b','a')"), {"a", "b"}, '"b,a"'),
        (_column("set", "set('b','a')"), "b,a", '"b,a"'),
        (_column("datetime", fraction=0), datetime(2026, 1, 2, 3, 4, 5), '"2026-01-02T03:04:05Z"'),
        (_column("datetime", fraction=3), datetime(2026, 1, 2, 3, 4, 5, 6000), '"2026-01-02T03:04:05.006Z"'),
        (_column("date"), date(2026, 1, 2), '"2026-01-02"'),
        (_column("time", fraction=0), timedelta(hours=-838, minutes=-59, seconds=-59), '"-838:59:59"'),
        (_column("time", fraction=6), timedelta(seconds=1, microseconds=5), '"00:00:01.000005"'),
        (_column("json"), '{"a": 1}', '"{\\"a\\": 1}"'),
        (_column("json"), {b"a": [1, None, True, b"x"]}, '"{\\"a\\": [1, null, true, \\"x\\"]}"'),
        (_column("json"), 5, '"5"'),
        (_column("json"), b"x", '"\\"x\\""'),
        (_column("varchar"), None, "null"),
    ],
)
def test_a_value_is_spelled_as_dms_does(column: Column, value: Any, text: str) -> None:
    assert column.text(value) == text


@given(st.decimals(allow_nan=False, allow_infinity=False, places=10))
def test_a_decimal_keeps_its_value(value: Decimal) -> None:
    assert json.loads(_column("decimal").text(value), parse_float=Decimal, parse_int=Decimal) == value


def test_choices_may_hold_quotes_and_commas() -> None:
    assert _column("enum", "enum('it''s','a,b','')").choices == ["it's", "a,b", ""]


@pytest.mark.parametrize(
    ("kind", "full", "dms"),
    [
        ("int", "int unsigned", "UINT32"),
        ("text", "text", "NCLOB"),
        ("json", "json", "NCLOB"),
        ("varchar", "varchar(9)", "WSTRING"),
        ("geometry", "geometry", "BYTES"),
    ],
)
def test_a_type_has_the_name_that_dms_gives_it(kind: str, full: str, dms: str) -> None:
    assert _column(kind, full).dms_type == dms


def test_a_partition_key_names_schema_table_and_key_and_fits_into_256_characters() -> None:
    table = Table(
        "s", "t", (Column("a", "int", "int", False), Column("b", "varchar", "varchar(300)", False)), ("a", "b")
    )
    assert table.partition_key({"a": 1, "b": "x"}) == "s.t.1.x"
    assert len(table.partition_key({"a": 1, "b": "x" * 300})) == 256


def test_a_table_without_key_has_one_partition_key() -> None:
    assert Table("s", "t", (Column("a", "int", "int", False),), ()).partition_key({"a": 1}) == "s.t"
