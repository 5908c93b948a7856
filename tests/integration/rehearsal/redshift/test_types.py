"""Columns hold what Redshift's hold, and are shown as Redshift shows them."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from tests.integration.rehearsal.redshift.harness import Client


def test_a_varchar_counts_bytes_of_utf8(client: Client) -> None:
    client.run("CREATE TABLE t (v VARCHAR(6))")
    client.run("INSERT INTO t VALUES ('日本')")
    error = client.fails("INSERT INTO t VALUES ('日本語')")
    assert error["M"] == "value too long for type character varying(6)"
    assert error["C"] == "22001"


def test_a_bound_value_is_counted_in_bytes_too(client: Client) -> None:
    client.run("CREATE TABLE t (v VARCHAR(6))")
    client.run("INSERT INTO t VALUES (%s)", "日本")
    assert client.fails("INSERT INTO t VALUES (%s)", "日本語")["C"] == "22001"


def test_a_value_from_a_wider_column_is_counted_in_bytes(client: Client) -> None:
    client.run("CREATE TABLE wide (v VARCHAR(100))")
    client.run("CREATE TABLE narrow (v VARCHAR(6))")
    client.run("INSERT INTO wide VALUES ('日本語')")
    assert client.fails("INSERT INTO narrow SELECT v FROM wide")["C"] == "22001"


def test_excess_blanks_are_cut_silently(client: Client) -> None:
    client.run("CREATE TABLE t (v VARCHAR(3), c CHAR(3))")
    client.run("INSERT INTO t VALUES ('日    ', 'abc   ')")
    assert client.run("SELECT v, c FROM t") == [("日", "abc")]


def test_an_explicit_cast_cuts_at_a_whole_character(client: Client) -> None:
    assert client.value("SELECT '日本語'::VARCHAR(7)") == "日本"


@pytest.mark.parametrize(
    ("declared", "shown", "length"),
    [
        ("VARCHAR", "character varying", 256),
        ("TEXT", "character varying", 256),
        ("VARCHAR(MAX)", "character varying", 65535),
        ("NVARCHAR(9)", "character varying", 9),
        ("BPCHAR", "character varying", 256),
        ("CHAR", "character", 1),
        ("VARBYTE(12)", "binary varying", 12),
        ("VARBINARY", "binary varying", 64000),
        ("SUPER", "super", None),
        ("BIGINT", "bigint", None),
    ],
)
def test_svv_columns_shows_the_type_as_declared(
    client: Client, schema: str, declared: str, shown: str, length: int | None
) -> None:
    client.run(f"CREATE TABLE t (v {declared})")
    for view in ("svv_columns", "information_schema.columns"):
        rows = client.run(
            f"SELECT data_type, character_maximum_length FROM {view} WHERE table_schema = %s AND table_name = 't'",
            schema,
        )
        assert rows == [(shown, length)]


def test_pg_table_def_shows_types_and_keys(client: Client) -> None:
    client.run("CREATE TABLE t (id BIGINT NOT NULL DISTKEY, at TIMESTAMP SORTKEY, v VARCHAR(20), b VARBYTE(5))")
    rows = client.run('SELECT "column", type, distkey, sortkey, "notnull" FROM pg_table_def WHERE tablename = \'t\'')
    assert sorted(rows) == [
        ("at", "timestamp without time zone", False, 1, False),
        ("b", "binary varying(5)", False, 0, False),
        ("id", "bigint", True, 0, True),
        ("v", "character varying(20)", False, 0, False),
    ]


def test_a_decimal_without_precision_holds_whole_numbers(client: Client) -> None:
    client.run("CREATE TABLE t (v DECIMAL)")
    client.run("INSERT INTO t VALUES (1.5)")
    assert client.value("SELECT v FROM t") == Decimal(2)


def test_a_varbyte_comes_back_as_bytes_and_its_length_is_checked(client: Client) -> None:
    client.run("CREATE TABLE t (v VARBYTE(3))")
    client.run("INSERT INTO t VALUES (from_hex('00ff5c'))")
    assert client.value("SELECT v FROM t") == "00ff5c"
    error = client.fails("INSERT INTO t VALUES (from_hex('00ff5c00'))")
    assert error["M"] == "value too long for type binary varying(3)"


def test_a_super_value_comes_back_as_json(client: Client) -> None:
    client.run("CREATE TABLE t (v SUPER)")
    client.run("""INSERT INTO t SELECT JSON_PARSE('{"a": [1, "日"]}')""")
    assert client.value("SELECT v FROM t") == '{"a": [1, "日"]}'
    assert client.cursor.description[0][1] == 4000


def test_a_not_null_column_refuses_null_in_redshifts_words(client: Client) -> None:
    client.run("CREATE TABLE t (id INT NOT NULL)")
    assert client.fails("INSERT INTO t VALUES (NULL)")["M"] == "Cannot insert a NULL value into column id"


@pytest.mark.parametrize("name", ["serial", "uuid", "json", "jsonb", "bytea", "money", "inet", "int[]"])
def test_types_that_redshift_lacks_are_refused(client: Client, name: str) -> None:
    error = client.fails(f"CREATE TABLE t (id {name})")
    assert error["C"] == "0A000"
    assert error["M"] == f'Column "t.id" has unsupported type "{name}".'


@pytest.mark.parametrize("declared", ["VARCHAR(65536)", "CHAR(4097)", "DECIMAL(39, 0)", "VARBYTE(16777217)"])
def test_lengths_out_of_range_are_refused(client: Client, declared: str) -> None:
    assert client.fails(f"CREATE TABLE t (v {declared})")["C"] == "22023"


def test_values_at_the_ends_of_their_types_survive(client: Client) -> None:
    client.run("CREATE TABLE t (i BIGINT, d DATE, at TIMESTAMP, n DECIMAL(38, 10), f DOUBLE PRECISION)")
    values = (
        -(2**63),
        dt.date(9999, 12, 31),
        dt.datetime(1, 1, 1, 0, 0, 0, 1),
        Decimal("-1234567890123456789012345678.0123456789"),
        1.7976931348623157e308,
    )
    client.run("INSERT INTO t VALUES (%s, %s, %s, %s, %s)", *values)
    assert client.run("SELECT * FROM t") == [values]


def test_an_identity_column_counts_by_its_step(client: Client) -> None:
    client.run("CREATE TABLE t (id BIGINT IDENTITY(10, 5), v INT)")
    for value in (1, 2, 3):
        client.run("INSERT INTO t (v) VALUES (%s)", value)
    assert client.run("SELECT id FROM t ORDER BY id") == [(10,), (15,), (20,)]
    assert "id" in client.fails("INSERT INTO t VALUES (1, 1)")["M"]
