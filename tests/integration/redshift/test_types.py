"""Every MySQL type arrives exactly, or as its policy says."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from livemove.runbook.errors import NeedsPerson
from tests.fixtures.sync import SyncCase

pytestmark = pytest.mark.every_mysql

# Type, then the edges of what it holds, as SQL.
TYPES: dict[str, tuple[str, ...]] = {
    "TINYINT": ("-128", "127"),
    "TINYINT UNSIGNED": ("0", "255"),
    "TINYINT(1)": ("-128", "2"),
    "BOOL": ("TRUE", "FALSE"),
    "SMALLINT": ("-32768", "32767"),
    "SMALLINT UNSIGNED": ("0", "65535"),
    "MEDIUMINT": ("-8388608", "8388607"),
    "MEDIUMINT UNSIGNED": ("0", "16777215"),
    "INT": ("-2147483648", "2147483647"),
    "INT UNSIGNED": ("0", "4294967295"),
    "INT(8) ZEROFILL": ("0", "42", "4294967295"),
    "BIGINT": ("-9223372036854775808", "9223372036854775807"),
    "BIGINT UNSIGNED": ("0", "18446744073709551615"),
    "DECIMAL(1,1)": ("-0.9", "0.1"),
    "DECIMAL(10)": ("-9999999999", "9999999999"),
    "DECIMAL(18,4)": ("-99999999999999.9999", "0.0001"),
    "DECIMAL(19,0)": ("-9999999999999999999", "9999999999999999999"),
    "DECIMAL(19,19)": ("-0.9999999999999999999", "0.0000000000000000001"),
    "DECIMAL(38,0)": ("-" + "9" * 38, "9" * 38),
    "DECIMAL(38,30)": ("-99999999." + "9" * 30, "0." + "0" * 29 + "1"),
    "DECIMAL(9,2) UNSIGNED ZEROFILL": ("0", "12.5"),
    "FLOAT": ("-3.402823466E+38", "1.175494351E-38", "0.1", "16777217", "-0E0"),
    "FLOAT(7,3)": ("-9999.999", "0.001"),
    "DOUBLE": ("-1.7976931348623157E+308", "2.2250738585072014E-308", "4.9E-324", "0.1", "1E15", "1E16", "-0E0"),
    "DOUBLE(15,4)": ("-99999999999.9999", "0.0001"),
    "BIT": ("b'0'", "b'1'"),
    "BIT(63)": ("0", "9223372036854775807"),
    "BIT(64)": ("0", "18446744073709551615"),
    "DATE": ("'1000-01-01'", "'9999-12-31'", "'2024-02-29'", "'0001-01-01'"),
    "DATETIME": ("'1000-01-01 00:00:00'", "'9999-12-31 23:59:59'", "'0001-01-01'"),
    "DATETIME(3)": ("'1969-12-31 23:59:59.999'", "'2024-12-31 23:59:59.001'"),
    "DATETIME(6)": ("'1000-01-01 00:00:00.000001'", "'9999-12-31 23:59:59.999999'"),
    "TIMESTAMP NULL": ("'1970-01-01 00:00:01'", "'2038-01-19 03:14:07'"),
    "TIMESTAMP(6) NULL": ("'1970-01-01 00:00:01.000001'", "'2038-01-19 03:14:07.999999'"),
    "TIME": ("'-838:59:59'", "'838:59:59'", "'00:00:00'"),
    "TIME(6)": ("'-838:59:58.999999'", "'838:59:58.999999'", "'00:00:00.000001'", "'-00:00:00.000001'"),
    "YEAR": ("1901", "2155", "0"),
    "CHAR(5)": ("''", "'日本語です'", "'a'"),
    "VARCHAR(255)": ("''", "REPEAT('😀', 255)", "'   '", "'trailing  '"),
    "VARCHAR(100) CHARACTER SET latin1": ("'Zürich €'", "''"),
    "VARCHAR(100) CHARACTER SET ascii": ("'plain'", "''"),
    "VARCHAR(100) CHARACTER SET utf8mb3": ("'日本語'", "''"),
    "VARCHAR(100) CHARACTER SET cp932": ("'日本語 ｱｲｳ'", "''"),
    "VARCHAR(100) CHARACTER SET ujis": ("'日本語'", "''"),
    "VARCHAR(100) CHARACTER SET utf16": ("'日本語 😀'", "''"),
    "TINYTEXT": ("REPEAT('é', 127)", "''"),
    "TEXT": ("REPEAT('x', 65535)", "''"),
    "MEDIUMTEXT": ("REPEAT('é', 32767)", "''"),
    "LONGTEXT": ("REPEAT('日', 21845)", "''"),
    "BINARY(4)": ("x'00'", "x'FFFFFFFF'"),
    "VARBINARY(255)": ("x''", "x'00FF0A0D2C22'"),
    "TINYBLOB": ("x''", "REPEAT(x'FF', 255)"),
    "BLOB": ("x''", "REPEAT(x'00', 65535)"),
    "MEDIUMBLOB": ("x''", "REPEAT(x'AB', 100000)"),
    "LONGBLOB": ("x''", "REPEAT(x'CD', 100000)"),
    "ENUM('', 'a,b', '日本')": ("''", "'a,b'", "'日本'"),
    "SET('x', 'y', '日本')": ("''", "'x,y,日本'"),
    "JSON": ("'{}'", '\'[1, 2.5, null, "\\\\u65e5\\\\u0001", {"a": 1e300}]\'', "'null'"),
    "GEOMETRY": ("ST_GeomFromText('POINT(1 2)')",),
    "POINT SRID 4326": ("ST_GeomFromText('POINT(35.68 139.76)', 4326)",),
    "LINESTRING": ("ST_GeomFromText('LINESTRING(0 0, 1 1)')",),
    "POLYGON": ("ST_GeomFromText('POLYGON((0 0, 1 0, 1 1, 0 0))')",),
    "MULTIPOINT": ("ST_GeomFromText('MULTIPOINT(0 0, 1 1)')",),
    "GEOMETRYCOLLECTION": ("ST_GeomFromText('GEOMETRYCOLLECTION(POINT(1 1))')",),
}


def fill(case: SyncCase, types: dict[str, tuple[str, ...]]) -> None:
    """Make the table `every`: one column of each type, one row for each edge, and a row of NULLs."""
    columns = ", ".join(f"c{number} {kind}" for number, kind in enumerate(types))
    case.source(f"CREATE TABLE every (id INT NOT NULL PRIMARY KEY, {columns}) CHARACTER SET utf8mb4 ROW_FORMAT=DYNAMIC")
    for row in range(max(map(len, types.values()))):
        values = ", ".join(edges[row] if row < len(edges) else "NULL" for edges in types.values())
        case.source(f"INSERT INTO every VALUES ({row}, {values})")
    case.source("INSERT INTO every (id) VALUES (100)")


def test_every_type_arrives_with_its_edges_and_null(case: SyncCase, mysql_version: str) -> None:
    types = dict(TYPES)
    if mysql_version != "8.0.31":
        types["VECTOR(3)"] = ("TO_VECTOR('[1, -2.5, 3e10]')",)
    fill(case, types)
    case.configure({"every": {"mode": "replace"}})
    done = case.copy("every")
    assert done.extracted["findings"] == []
    case.assert_same("every")


def test_a_latin1_column_arrives_with_the_letters_that_mysql_shows(case: SyncCase) -> None:
    case.source("CREATE TABLE t (id INT NOT NULL PRIMARY KEY, c VARCHAR(10) CHARACTER SET latin1)")
    # All bytes but the zero byte; each alone, so that none forms UTF-8 with a neighbour.
    case.insert("t", [(number, bytes([number]).decode("cp1252", "ignore") or None) for number in range(1, 256)])
    case.source("UPDATE t SET c = CONVERT(CHAR(id) USING latin1)")
    case.configure({"t": {"mode": "replace"}})
    case.copy("t")
    case.assert_same("t")


def test_decimals_of_more_than_38_digits_arrive_as_text(case: SyncCase) -> None:
    wide = "-" + "9" * 35 + "." + "1" * 30
    case.source("CREATE TABLE t (id INT PRIMARY KEY, c DECIMAL(65,30))", f"INSERT INTO t VALUES (1, {wide}), (2, NULL)")
    case.configure({"t": {"mode": "replace"}})
    case.copy("t")
    assert case.rows("t") == [(1, wide), (2, None)]
    case.configure({"t": {"mode": "replace"}}, policies={"wide_decimal": "reject"})
    with pytest.raises(NeedsPerson, match=r"tables\.t\.columns\.c: decimal\(65,30\).*wide_decimal: text"):
        case.copy("t")


@pytest.mark.parametrize(("choice", "expected"), [("number", [0, 1, 2, -1]), ("boolean", [False, True, True, True])])
def test_tinyint1_is_a_number_or_a_truth(case: SyncCase, choice: str, expected: list[Any]) -> None:
    case.source("CREATE TABLE t (id INT PRIMARY KEY, c TINYINT(1))", "INSERT INTO t VALUES (1,0), (2,1), (3,2), (4,-1)")
    case.configure({"t": {"mode": "replace"}}, policies={"tinyint1": choice})
    case.copy("t")
    assert [value for _, value in case.rows("t")] == expected


# Column, the value in the source, a policy, what then arrives (or the error), and how it is reported.
REJECTED = "rejected"
POLICIES: list[tuple[str, str, str, str, Any]] = [
    ("DATE", "'0000-00-00'", "zero_date", "null", None),
    ("DATE", "'2024-00-10'", "zero_date", "null", None),
    ("DATETIME(3)", "'0000-00-00 00:00:00.000'", "zero_date", "null", None),
    ("TIMESTAMP NULL", "'0000-00-00 00:00:00'", "zero_date", "null", None),
    ("DATE", "'0000-00-00'", "zero_date", "reject", REJECTED),
    ("DATETIME", "'2024-12-00 10:00:00'", "zero_date", "reject", REJECTED),
    ("MEDIUMTEXT", "REPEAT('日', 21846)", "too_long", "truncate", "日" * 21845),
    ("MEDIUMTEXT", "CONCAT('x', REPEAT('日', 21845))", "too_long", "truncate", "x" + "日" * 21844),
    ("MEDIUMTEXT", "REPEAT('日', 21846)", "too_long", "null", None),
    ("MEDIUMTEXT", "REPEAT('日', 21846)", "too_long", "reject", REJECTED),
    ("JSON", "CONCAT('[\"', REPEAT('x', 70000), '\"]')", "too_long", "null", None),
    ("JSON", "CONCAT('[\"', REPEAT('x', 70000), '\"]')", "too_long", "truncate", REJECTED),
    ("LONGBLOB", "REPEAT(x'FE', 16777217)", "too_long", "truncate", "fe" * 16777216),
    ("VARCHAR(20)", "CONCAT('a', CHAR(0), 'b')", "invalid_text", "replace", "a\ufffdb"),
    ("VARCHAR(20)", "CONCAT('a', CHAR(0), 'b')", "invalid_text", "null", None),
    ("VARCHAR(20)", "CONCAT('a', CHAR(0), 'b')", "invalid_text", "reject", REJECTED),
    ("VARCHAR(20) CHARACTER SET latin1", "x'E697A5'", "utf8_in_latin1", "decode", "日"),
    ("VARCHAR(20) CHARACTER SET latin1", "x'E697A5'", "utf8_in_latin1", "keep", "æ—¥"),
    ("VARCHAR(20) CHARACTER SET latin1", "x'E697A5'", "utf8_in_latin1", "reject", REJECTED),
]


@pytest.mark.parametrize(("kind", "value", "policy", "choice", "expected"), POLICIES)
def test_what_does_not_fit_goes_by_its_policy_and_is_reported(
    case: SyncCase, kind: str, value: str, policy: str, choice: str, expected: Any
) -> None:
    case.source(f"CREATE TABLE t (id INT PRIMARY KEY, c {kind}, d {kind})")
    case.source(f"INSERT INTO t (id, c) VALUES (1, NULL), (7, {value})")
    case.configure({"t": {"mode": "replace", "columns": {"c": {"policies": {policy: choice}}}}})
    if expected is REJECTED:
        with pytest.raises(
            NeedsPerson, match=rf"tables\.t: .*\n- c: 1 row with {policy} \(reject\), such as \(id=7\)\. Remedy"
        ):
            case.copy("t")
        assert "t" not in case.relations
        return
    done = case.copy("t")
    assert [(f["column"], f["problem"], f["action"], f["count"]) for f in done.extracted["findings"]] == [
        ("c", policy, choice, 1)
    ]
    assert case.rows("t", "id, c, d") == [(1, None, None), (7, expected, None)]


def test_a_policy_of_a_column_goes_before_its_tables_and_that_before_the_files(case: SyncCase) -> None:
    case.source(
        "CREATE TABLE t (id INT PRIMARY KEY, a DATE, b DATE)", "INSERT INTO t VALUES (1, '0000-00-00', '2024-01-01')"
    )
    case.configure({"t": {"mode": "replace", "policies": {"zero_date": "null"}}}, policies={"zero_date": "reject"})
    case.copy("t")
    assert case.rows("t") == [(1, None, date(2024, 1, 1))]
    case.configure(
        {
            "t": {
                "mode": "replace",
                "policies": {"zero_date": "null"},
                "columns": {"a": {"policies": {"zero_date": "reject"}}},
            }
        }
    )
    with pytest.raises(NeedsPerson, match="- a: 1 row with zero_date"):
        case.copy("t")


def test_invalid_bytes_in_a_utf8_column_are_found(case: SyncCase) -> None:
    case.source(
        "CREATE TABLE t (id INT PRIMARY KEY, c VARBINARY(20))", "INSERT INTO t VALUES (1, x'61FF62'), (2, x'E697')"
    )
    # Bytes that MySQL itself takes for text without a look.
    case.source("SET @@session.sql_mode = ''", "ALTER TABLE t MODIFY c VARCHAR(20) CHARACTER SET latin1")
    case.source("UPDATE t SET c = _latin1 x'61FF62' WHERE id = 1")
    case.configure({"t": {"mode": "replace"}}, policies={"utf8_in_latin1": "keep"})
    case.copy("t")
    assert case.rows("t") == [(1, "aÿb"), (2, "æ—")]


def test_a_declared_length_goes_before_the_derived_one(case: SyncCase) -> None:
    case.source("CREATE TABLE t (id INT PRIMARY KEY, c LONGTEXT)", "INSERT INTO t VALUES (1, 'あいう')")
    case.configure({"t": {"mode": "replace", "columns": {"c": {"max_bytes": 6, "policies": {"too_long": "truncate"}}}}})
    case.copy("t")
    assert case.rows("t") == [(1, "あい")]


def test_numbers_and_times_are_those_of_the_source_whatever_its_time_zone(case: SyncCase) -> None:
    case.source("CREATE TABLE t (id INT PRIMARY KEY, at TIMESTAMP NULL, dt DATETIME, amount DECIMAL(20,2))")
    case.source("INSERT INTO t VALUES (1, '2024-07-01 12:00:00', '2024-07-01 12:00:00', 12345678901234567.89)")
    case.configure({"t": {"mode": "replace"}})
    case.copy("t")
    noon = datetime(2024, 7, 1, 12)
    assert case.rows("t") == [(1, noon, noon, Decimal("12345678901234567.89"))]
