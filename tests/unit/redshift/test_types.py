"""Every MySQL type has a decided way into Redshift."""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa
import pytest

from livemove.redshift.blocks import arrow_type
from livemove.redshift.types import MAX_VARBYTE, Check, SourceColumn
from livemove.runbook.errors import NeedsPerson
from tests.unit.redshift.samples import column, plan

# MySQL reference manual, chapter "Data Types", as information_schema.columns.data_type spells them.
MYSQL_TYPES = [
    *("tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "float", "double", "bit"),
    *("date", "datetime", "timestamp", "time", "year"),
    *("char", "varchar", "binary", "varbinary", "enum", "set", "json", "vector"),
    *("tinytext", "text", "mediumtext", "longtext", "tinyblob", "blob", "mediumblob", "longblob"),
    *("geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon"),
    *("geomcollection", "geometrycollection"),
]


@pytest.mark.parametrize("name", MYSQL_TYPES)
def test_every_type_of_the_manual_has_a_mapping(name: str) -> None:
    found = plan(column("c", name, precision=10, scale=0))
    assert re.fullmatch(
        r"(SMALLINT|INTEGER|BIGINT|REAL|DOUBLE PRECISION|DATE|TIMESTAMP)|(DECIMAL|VARCHAR|VARBYTE)\([\d,]+\)",
        found.redshift_type,
    )
    assert isinstance(arrow_type(found.arrow_type), pa.DataType)
    assert "`c`" in found.select


def test_a_type_that_is_unknown_is_refused_with_the_remedy() -> None:
    with pytest.raises(NeedsPerson, match=r"tables\.t\.columns\.c: MySQL type uuid has no mapping .*`skip: true`"):
        plan(column("c", "uuid"))


@pytest.mark.parametrize(
    ("name", "column_type", "redshift", "arrow"),
    [
        ("tinyint", "tinyint", "SMALLINT", "int16"),
        ("tinyint", "tinyint unsigned", "SMALLINT", "int16"),
        ("smallint", "smallint", "SMALLINT", "int16"),
        ("smallint", "smallint unsigned", "INTEGER", "int32"),
        ("mediumint", "mediumint", "INTEGER", "int32"),
        ("mediumint", "mediumint unsigned", "INTEGER", "int32"),
        ("int", "int", "INTEGER", "int32"),
        ("int", "int(10) unsigned zerofill", "BIGINT", "int64"),
        ("bigint", "bigint", "BIGINT", "int64"),
        ("bigint", "bigint unsigned", "DECIMAL(20,0)", "decimal(20,0)"),
        ("year", "year", "SMALLINT", "int16"),
        ("double", "double", "DOUBLE PRECISION", "float64"),
        ("date", "date", "DATE", "date"),
        ("datetime", "datetime(6)", "TIMESTAMP", "timestamp"),
        ("timestamp", "timestamp(3)", "TIMESTAMP", "timestamp"),
    ],
)
def test_numbers_and_times_get_a_type_that_holds_every_value(
    name: str, column_type: str, redshift: str, arrow: str
) -> None:
    found = plan(column("c", name, column_type))
    assert (found.redshift_type, found.arrow_type, found.packed) == (redshift, arrow, True)


def test_tinyint_1_is_a_number_unless_it_is_said_to_be_a_truth_value() -> None:
    flag = column("c", "tinyint", "tinyint(1)")
    assert plan(flag).redshift_type == "SMALLINT"
    boolean = plan(flag, policies={"tinyint1": "boolean"})
    assert (boolean.redshift_type, boolean.select) == ("BOOLEAN", "`c` <> 0")
    assert "every value but 0 is true" in boolean.remark
    assert plan(column("c", "tinyint"), policies={"tinyint1": "boolean"}).redshift_type == "SMALLINT"


@pytest.mark.parametrize(
    ("digits", "scale", "redshift"),
    [
        (10, 2, "DECIMAL(10,2)"),
        (18, 0, "DECIMAL(18,0)"),
        (19, 0, "DECIMAL(20,0)"),
        (19, 19, "DECIMAL(20,19)"),
        (20, 5, "DECIMAL(20,5)"),
        (38, 30, "DECIMAL(38,30)"),
    ],
)
def test_a_decimal_keeps_its_digits(digits: int, scale: int, redshift: str) -> None:
    found = plan(column("c", "decimal", f"decimal({digits},{scale})", precision=digits, scale=scale))
    assert found.redshift_type == redshift
    assert found.arrow_type == redshift.lower()


def test_a_decimal_of_more_digits_than_redshift_has_becomes_text_or_is_refused() -> None:
    wide = column("c", "decimal", "decimal(65,30)", precision=65, scale=30)
    found = plan(wide)
    # 65 digits, sign and point.
    assert (found.redshift_type, found.arrow_type, found.packed) == ("VARCHAR(67)", "string", True)
    assert "65 digits" in found.remark
    with pytest.raises(NeedsPerson, match=r"tables\.t\.columns\.c: decimal\(65,30\) .*38 digits.*`wide_decimal: text`"):
        plan(wide, policies={"wide_decimal": "reject"})


def test_bits_become_the_number_that_they_are() -> None:
    assert plan(column("c", "bit", "bit(1)", precision=1)).redshift_type == "BIGINT"
    assert plan(column("c", "bit", "bit(63)", precision=63)).redshift_type == "BIGINT"
    widest = plan(column("c", "bit", "bit(64)", precision=64))
    assert (widest.redshift_type, widest.select) == ("DECIMAL(20,0)", "`c` + 0")


def test_a_float_is_read_with_all_its_digits() -> None:
    found = plan(column("c", "float"))
    assert (found.redshift_type, found.arrow_type, found.select) == ("REAL", "float32", "CAST(`c` AS DOUBLE)")


def test_a_duration_is_kept_as_text_of_its_greatest_length() -> None:
    found = plan(column("c", "time", "time(6)"))
    assert found.redshift_type == f"VARCHAR({len('-838:59:59.000000')})"
    assert found.packed


def test_a_timestamp_is_said_to_be_in_utc_and_a_datetime_is_not() -> None:
    assert plan(column("c", "timestamp")).remark == "in UTC"
    assert plan(column("c", "datetime")).remark == ""
    assert plan(column("c", "datetime")).check is Check.DATE


@pytest.mark.parametrize(
    ("charset", "size"),
    [("utf8mb4", 80), ("utf8mb3", 60), ("utf8", 60), ("ascii", 20), ("latin1", 60), ("cp932", 80), ("ucs2", 80)],
)
def test_a_varchar_has_room_for_its_longest_value_in_utf8(charset: str, size: int) -> None:
    found = plan(column("c", "varchar", "varchar(20)", charset=charset, char_length=20))
    assert (found.redshift_type, found.max_bytes) == (f"VARCHAR({size})", size)
    assert not found.packed


@pytest.mark.parametrize(
    ("charset", "check"),
    [("utf8mb4", Check.TEXT), ("utf8mb3", Check.TEXT), ("ascii", Check.TEXT), ("latin1", Check.LATIN1)],
)
def test_text_that_arrives_as_it_is_stored_is_looked_at(charset: str, check: Check) -> None:
    found = plan(column("c", "varchar", charset=charset))
    assert (found.select, found.check, found.remark) == ("`c`", check, "")


@pytest.mark.parametrize("charset", ["cp932", "ucs2", "utf16", "sjis", "ujis", "gbk"])
def test_other_character_sets_are_converted_by_the_server_and_proven_by_the_way_back(charset: str) -> None:
    found = plan(column("日本", "varchar", charset=charset))
    assert found.select.startswith(f"IF(CAST(CONVERT(CONVERT(`日本` USING utf8mb4) USING {charset}) AS BINARY) = ")
    # What is not equal on the way back arrives behind a byte that no UTF-8 text has, and so is found.
    assert "CONCAT(0xFF, CAST(`日本` AS BINARY))" in found.select
    assert (found.check, found.remark) == (Check.TEXT, f"{charset} to UTF-8")


def test_text_of_no_character_set_is_bytes() -> None:
    found = plan(column("c", "enum", charset="binary", char_length=7, octet_length=7))
    assert (found.redshift_type, found.arrow_type, found.check) == ("VARBYTE(7)", "binary", Check.BYTES)


@pytest.mark.parametrize(
    ("name", "length", "size", "may_be_longer"),
    [
        ("tinytext", 255, 255, False),
        ("text", 65535, 65535, False),
        ("mediumtext", 16_777_215, 65535, True),
        ("longtext", 4_294_967_295, 65535, True),
    ],
)
def test_texts_get_their_bytes_up_to_redshift_s_most(name: str, length: int, size: int, may_be_longer: bool) -> None:
    found = plan(column("c", name, char_length=length, octet_length=length))
    assert found.redshift_type == f"VARCHAR({size})"
    assert ("values may be longer" in found.remark) is may_be_longer


def test_a_long_varchar_says_that_values_may_be_longer() -> None:
    found = plan(column("c", "varchar", char_length=16383))
    assert (found.max_bytes, found.remark) == (65532, "")
    found = plan(column("c", "varchar", char_length=16384))
    assert (found.max_bytes, found.remark) == (65535, "values may be longer than 65535 bytes")


def test_a_chosen_size_goes_before_the_derived_one() -> None:
    found = plan(column("c", "varchar", char_length=20), settings={"max_bytes": 10})
    assert (found.redshift_type, found.max_bytes) == ("VARCHAR(10)", 10)
    assert found.remark == "values may be longer than 10 bytes"
    assert plan(column("c", "json"), settings={"max_bytes": 1000}).redshift_type == "VARCHAR(1000)"


@pytest.mark.parametrize("name", ["int", "date", "time", "blob", "point"])
def test_a_size_for_a_type_without_one_is_refused(name: str) -> None:
    with pytest.raises(NeedsPerson, match=r"tables\.t\.columns\.c\.max_bytes: .*Remove the key"):
        plan(column("c", name), settings={"max_bytes": 10})


@pytest.mark.parametrize(
    ("name", "length", "redshift"),
    [
        ("binary", 16, "VARBYTE(16)"),
        ("varbinary", 255, "VARBYTE(255)"),
        ("mediumblob", 16_777_215, "VARBYTE(16777215)"),
        ("longblob", 4_294_967_295, f"VARBYTE({MAX_VARBYTE})"),
    ],
)
def test_bytes_stay_bytes(name: str, length: int, redshift: str) -> None:
    found = plan(column("c", name, octet_length=length, char_length=length))
    assert (found.redshift_type, found.arrow_type, found.packed) == (redshift, "binary", False)


def test_a_column_of_length_0_takes_no_more_room_than_it_must() -> None:
    assert plan(column("c", "char", char_length=0, octet_length=0)).redshift_type == "VARCHAR(1)"
    assert plan(column("c", "binary", octet_length=0)).redshift_type == "VARBYTE(1)"


def test_shapes_and_vectors_stay_as_mysql_stores_them() -> None:
    assert plan(column("c", "point")).select == "CAST(`c` AS BINARY)"
    assert "SRID" in plan(column("c", "point")).remark
    assert plan(column("c", "vector")).redshift_type == f"VARBYTE({MAX_VARBYTE})"


def test_json_is_text_that_is_never_truncated() -> None:
    found = plan(column("c", "json"), policies={"too_long": "truncate"})
    assert (found.redshift_type, found.policies.too_long, found.remark) == ("VARCHAR(65535)", "reject", "JSON as text")
    assert plan(column("c", "json"), policies={"too_long": "null"}).policies.too_long == "null"
    assert plan(column("c", "varchar"), policies={"too_long": "truncate"}).policies.too_long == "truncate"


def test_null_of_a_packed_column_becomes_an_empty_field() -> None:
    assert plan(column("c", "int", nullable=True)).select == "IFNULL(`c`, '')"
    assert plan(column("c", "bit", nullable=True, precision=4)).select == "IFNULL(`c` + 0, '')"
    assert plan(column("c", "int")).select == "`c`"
    assert plan(column("c", "varchar", nullable=True)).select == "`c`"


@pytest.mark.parametrize("name", ["order", "group", "価格", "a b", "x`y", "{0}", "100%"])
def test_any_name_is_quoted_in_the_select(name: str) -> None:
    quoted = "`" + name.replace("`", "``") + "`"
    assert plan(column(name, "int")).select == quoted
    assert plan(column(name, "varchar", charset="cp932")).select.count(quoted) == 5


def test_a_column_is_called_as_redshift_stores_it() -> None:
    assert plan(column("OrderNo", "int")).target == "orderno"
    assert plan(column("価格", "int"), settings={"rename": "Price"}).target == "price"


def test_a_name_that_redshift_cannot_hold_is_refused_until_it_is_renamed() -> None:
    long = column("価" * 43, "int")
    with pytest.raises(NeedsPerson, match="129 bytes"):
        plan(long)
    assert plan(long, settings={"rename": "price"}).target == "price"


@pytest.mark.parametrize("name", ["oid", "XMIN", "ctid", "tableoid"])
def test_a_name_of_redshift_s_own_columns_is_refused_until_it_is_renamed(name: str) -> None:
    with pytest.raises(NeedsPerson, match=rf"tables\.t\.columns\.{name}: .*keeps the name.*`rename`"):
        plan(column(name, "int"))
    assert plan(column(name, "int"), settings={"rename": "own"}).target == "own"


def test_a_column_that_says_nothing_of_its_size_gets_the_most() -> None:
    bare: dict[str, Any] = {"column_type": "x", "nullable": False}
    assert plan(SourceColumn("c", "text", **bare)).redshift_type == "VARCHAR(65535)"
    assert plan(SourceColumn("c", "blob", **bare)).redshift_type == f"VARBYTE({MAX_VARBYTE})"
