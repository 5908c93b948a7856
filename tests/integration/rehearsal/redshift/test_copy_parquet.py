"""COPY from Parquet is exact, and refuses what Redshift refuses."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from tests.integration.rehearsal.redshift.conftest import Connect
from tests.integration.rehearsal.redshift.harness import Client, Lake, in_background

ROLE = "IAM_ROLE 'arn:aws:iam::123456789012:role/warehouse'"


def copy(url: str, *options: str, table: str = "t") -> str:
    return f"COPY {table} FROM '{url}' {ROLE} FORMAT AS PARQUET {' '.join(options)}"


def integers(*values: int | None) -> dict[str, pa.Array]:
    return {"id": pa.array(values, pa.int32())}


TEXTS = [
    "",
    None,
    " ",
    'say "hi", then\nleave\r\n',
    "\\.",
    "line\n\\.\nline",
    "\\N",
    "tab\tbell\x07escape\x1b",
    "𠮷野家 🍣",
    "NULL",
    "a\\b\\\\",
    "'",
    "\u3000",
    "\ufeff",
    "\x7f\x01",
]


def test_every_text_arrives_as_it_was(client: Client, lake: Lake) -> None:
    client.run("CREATE TABLE t (id INT, v VARCHAR(100))")
    url = lake.parquet("p", {"id": pa.array(range(len(TEXTS)), pa.int32()), "v": pa.array(TEXTS)})
    client.run(copy(url))
    assert [row[0] for row in client.run("SELECT v FROM t ORDER BY id")] == TEXTS


EXACT: list[tuple[str, pa.DataType, list[Any]]] = [
    ("SMALLINT", pa.int16(), [-32768, 32767, None]),
    ("INT", pa.int32(), [-(2**31), 2**31 - 1, None]),
    ("BIGINT", pa.int64(), [-(2**63), 2**63 - 1, None]),
    ("BOOLEAN", pa.bool_(), [True, False, None]),
    ("DATE", pa.date32(), [dt.date(1, 1, 1), dt.date(9999, 12, 31), dt.date(1969, 12, 31), None]),
    (
        "TIMESTAMP",
        pa.timestamp("us"),
        [
            dt.datetime(1, 1, 1),
            dt.datetime(9999, 12, 31, 23, 59, 59, 999999),
            dt.datetime(1969, 12, 31, 23, 0, 0, 1),
            None,
        ],
    ),
    ("TIMESTAMPTZ", pa.timestamp("us", "UTC"), [dt.datetime(2026, 1, 1, 1, 2, 3, 4, dt.UTC), None]),
    ("DECIMAL(12, 2)", pa.decimal128(12, 2), [Decimal("-9999999999.99"), Decimal("0.01"), Decimal("0.00"), None]),
    ("DECIMAL(38, 37)", pa.decimal128(38, 37), [Decimal("0.0000000000000000000000000000000000001"), None]),
    ("DECIMAL(38, 0)", pa.decimal128(38, 0), [Decimal("9" * 38), Decimal("-" + "9" * 38), None]),
    ("DOUBLE PRECISION", pa.float64(), [0.1, 5e-324, -1.7976931348623157e308, math.inf, -math.inf, None]),
]


@pytest.mark.parametrize(("declared", "kind", "values"), EXACT, ids=[entry[0] for entry in EXACT])
@pytest.mark.parametrize("with_text", [False, True], ids=["fixed width", "with text"])
def test_every_value_arrives_as_it_was(
    client: Client, lake: Lake, declared: str, kind: pa.DataType, values: list[Any], with_text: bool
) -> None:
    client.run(f"CREATE TABLE t (id INT, v {declared}{', s VARCHAR(5)' if with_text else ''})")
    data = {"id": pa.array(range(len(values)), pa.int32()), "v": pa.array(values, kind)}
    if with_text:
        data["s"] = pa.array(["x"] * len(values))
    client.run(copy(lake.parquet("p", data)))
    assert [row[0] for row in client.run("SELECT v FROM t ORDER BY id")] == values


def test_not_a_number_and_single_precision_survive(client: Client, lake: Lake) -> None:
    client.run("CREATE TABLE t (a REAL, b DOUBLE PRECISION, s VARCHAR(1))")
    data = {"a": pa.array([0.1], pa.float32()), "b": pa.array([math.nan]), "s": pa.array(["x"])}
    client.run(copy(lake.parquet("p", data)))
    assert client.run("SELECT a::VARCHAR, b::VARCHAR FROM t") == [("0.1", "NaN")]


def test_bytes_and_nested_values_survive(client: Client, lake: Lake) -> None:
    client.run("CREATE TABLE t (b VARBYTE(10), s SUPER, j SUPER)")
    data = {
        "b": pa.array([b"\x00\xff\\x", b"", None]),
        "s": pa.array([{"a": [1, None], "日": "本"}, None, {"a": [], "日": None}]),
        "j": pa.array(['{"a": 1}', None, ""]),
    }
    client.run(copy(lake.parquet("p", data), "SERIALIZETOJSON"))
    rows = client.run("SELECT to_hex(b), s, j FROM t")
    # A text stays a text in SUPER: JSON_PARSE alone reads it.
    assert rows == [
        ("00ff5c78", '{"a": [1, null], "日": "本"}', '"{\\"a\\": 1}"'),
        ("", None, None),
        (None, '{"a": [], "日": null}', '""'),
    ]


def test_columns_are_matched_by_position_not_by_name(client: Client, lake: Lake) -> None:
    client.run("CREATE TABLE t (a INT, b INT)")
    client.run(copy(lake.parquet("p", {"b": pa.array([1], pa.int32()), "a": pa.array([2], pa.int32())})))
    assert client.run("SELECT a, b FROM t") == [(1, 2)]


def test_a_column_list_chooses_the_columns(client: Client, lake: Lake) -> None:
    client.run("CREATE TABLE t (a INT, b INT DEFAULT 7, c INT)")
    url = lake.parquet("p", {"x": pa.array([1], pa.int32()), "y": pa.array([2], pa.int32())})
    client.run(f"COPY t (c, a) FROM '{url}' {ROLE} FORMAT PARQUET")
    assert client.run("SELECT * FROM t") == [(2, 7, 1)]


def test_another_number_of_columns_is_refused(client: Client, lake: Lake) -> None:
    client.run("CREATE TABLE t (a INT, b INT)")
    error = client.fails(copy(lake.parquet("p", integers(1))))
    assert error["M"] == "Spectrum Scan Error"
    assert "Unmatched number of columns between table and file. Table columns: 2, Data columns: 1" in error["D"]


@pytest.mark.parametrize(
    ("declared", "kind"),
    [
        ("INT", pa.int64()),
        ("BIGINT", pa.int32()),
        ("BIGINT", pa.uint64()),
        ("VARCHAR(10)", pa.int64()),
        ("DECIMAL(10, 2)", pa.decimal128(10, 3)),
        ("DECIMAL(10, 2)", pa.decimal128(12, 2)),
        ("DECIMAL(10, 2)", pa.float64()),
        ("REAL", pa.float64()),
        ("TIMESTAMP", pa.timestamp("ns")),
        ("TIMESTAMP", pa.string()),
        ("DATE", pa.timestamp("us")),
        ("TIME", pa.time64("us")),
        ("VARCHAR(10)", pa.list_(pa.int32())),
        ("SUPER", pa.list_(pa.int32())),
    ],
    ids=str,
)
def test_another_type_is_refused_by_name(client: Client, lake: Lake, declared: str, kind: pa.DataType) -> None:
    client.run(f"CREATE TABLE t (id INT, v {declared})")
    url = lake.parquet("p", {"id": pa.array([1], pa.int32()), "v": pa.array([None], kind)})
    error = client.fails(copy(url))
    assert f"has an incompatible Parquet schema for column '{url}.v'. Column type: " in error["D"]
    assert client.value("SELECT count(*) FROM t") == 0


def test_a_number_that_is_too_large_is_refused_not_wrapped(client: Client, lake: Lake) -> None:
    client.run("CREATE TABLE t (v SMALLINT)")
    assert client.fails(copy(lake.parquet("p", integers(40000))))["M"] == "Spectrum Scan Error"


@pytest.mark.parametrize(
    ("declared", "values", "text"),
    [
        (
            "VARCHAR(3)",
            ["abc", "日本"],
            "The length of the data column v is longer than the length defined in the table",
        ),
        ("VARCHAR(3) NOT NULL", ["abc", None], "Cannot insert a NULL value into column v"),
        ("VARCHAR(3)", ["a\0b"], "0x00"),
        ("VARCHAR(3)", [b"\xff"], "invalid or unsupported UTF8"),
    ],
)
def test_a_value_that_does_not_fit_fails_the_load_and_is_noted(
    connect: Connect, lake: Lake, declared: str, values: list[Any], text: str
) -> None:
    client = connect()
    client.run(f"CREATE TABLE t (v {declared})")
    client.commit()
    table_id = client.value("SELECT 't'::regclass::oid")
    error = client.fails(copy(lake.parquet("p", {"v": pa.array(values)})))
    assert text in error["D"]
    [(column, reason)] = client.run(
        "SELECT trim(colname), trim(err_reason) FROM stl_load_errors WHERE tbl = %s", table_id
    )
    assert column == "v"
    assert reason
    assert client.value("SELECT count(*) FROM t") == 0


def test_invalid_characters_are_replaced_if_asked(client: Client, lake: Lake) -> None:
    client.run("CREATE TABLE t (v VARCHAR(10))")
    client.run(copy(lake.parquet("p", {"v": pa.array([b"a\xff\xfeb", b"ok"])}), "ACCEPTINVCHARS AS '^'"))
    assert client.run("SELECT v FROM t ORDER BY 1") == [("a^^b",), ("ok",)]


@pytest.mark.parametrize(
    "option", ["MAXERROR 5", "ACCEPTANYDATE", "TRUNCATECOLUMNS", "COMPUPDATE OFF", "GZIP", "IGNOREHEADER 1"]
)
def test_options_for_text_are_refused(client: Client, lake: Lake, option: str) -> None:
    client.run("CREATE TABLE t (id INT)")
    error = client.fails(copy(lake.parquet("p", integers(1)), option))
    assert error["M"] == f"{option.split()[0]} argument is not supported for PARQUET based COPY"


def test_a_manifest_loads_its_files(client: Client, lake: Lake) -> None:
    client.run("CREATE TABLE t (id INT)")
    urls = [lake.parquet(f"part-{number}", integers(number)) for number in range(3)]
    client.run(copy(lake.manifest("manifest", *urls[:2]), "MANIFEST"))
    assert client.run("SELECT id FROM t ORDER BY id") == [(0,), (1,)]


def test_a_prefix_loads_all_files_below_it(client: Client, lake: Lake) -> None:
    client.run("CREATE TABLE t (id INT)")
    for number in range(3):
        lake.parquet(f"part-{number}", integers(number))
    client.run(copy(lake.url("part-")))
    assert client.value("SELECT count(*) FROM t") == 3


def test_a_manifest_with_a_wrong_length_is_refused(client: Client, lake: Lake) -> None:
    client.run("CREATE TABLE t (id INT)")
    url = lake.parquet("p", integers(1))
    error = client.fails(copy(lake.manifest("manifest", url, length=7), "MANIFEST"))
    assert "and the manifest says 7" in error["M"]


def test_a_manifest_whose_length_is_a_text_is_refused(client: Client, lake: Lake) -> None:
    client.run("CREATE TABLE t (id INT)")
    url = lake.parquet("p", integers(1))
    error = client.fails(copy(lake.manifest("manifest", url, length=str(lake.size(url))), "MANIFEST"))
    assert "is no number of bytes" in error["M"]


def test_a_manifest_without_lengths_is_refused(client: Client, lake: Lake) -> None:
    client.run("CREATE TABLE t (id INT)")
    url = lake.parquet("p", integers(1))
    manifest = lake.put("manifest", b'{"entries": [{"url": "%s", "mandatory": true}]}' % url.encode())
    assert "meta.content_length" in client.fails(copy(manifest, "MANIFEST"))["M"]


@pytest.mark.parametrize(("mandatory", "loads"), [(True, False), (False, True)])
def test_a_missing_file_matters_if_it_is_mandatory(client: Client, lake: Lake, mandatory: bool, loads: bool) -> None:
    client.run("CREATE TABLE t (id INT)")
    url = lake.parquet("p", integers(1))
    flag = str(mandatory).lower()
    body = f"""{{"entries": [
        {{"url": "{url}", "mandatory": {flag}, "meta": {{"content_length": {lake.size(url)}}}}},
        {{"url": "{url}-gone", "mandatory": {flag}, "meta": {{"content_length": 1}}}}]}}"""
    manifest = lake.put("manifest", body.encode())
    if loads:
        client.run(copy(manifest, "MANIFEST"))
        assert client.value("SELECT count(*) FROM t") == 1
    else:
        assert "Problem reading manifest file" in client.fails(copy(manifest, "MANIFEST"))["M"]


def test_nothing_to_load_is_an_error(client: Client, lake: Lake) -> None:
    client.run("CREATE TABLE t (id INT)")
    assert "does not exist" in client.fails(copy(lake.url("nothing")))["M"]


def test_a_load_belongs_to_its_transaction(connect: Connect, lake: Lake) -> None:
    writer, reader = connect(), connect(autocommit=True)
    writer.run("CREATE TABLE t (id INT)")
    writer.commit()
    writer.run(copy(lake.parquet("p", integers(1, 2))))
    assert writer.value("SELECT count(*) FROM t") == 2
    assert reader.value("SELECT count(*) FROM t") == 0
    waiting = in_background(lambda: reader.run("INSERT INTO t VALUES (3)"))
    assert waiting.waits()
    writer.rollback()
    assert waiting.ends()
    assert reader.run("SELECT id FROM t") == [(3,)]


def test_the_last_copy_is_counted(connect: Connect, lake: Lake) -> None:
    client = connect()
    last = "SELECT pg_last_copy_count(), pg_last_copy_id()"
    assert client.run(last) == [(0, -1)]
    client.run("CREATE TABLE t (id INT)")
    client.run(copy(lake.parquet("p", integers(1, 2, 3))))
    [(count, number)] = client.run(last)
    assert count == 3
    assert number > 0
    client.commit()
    assert client.run(last) == [(3, number)]
    client.fails(copy(lake.url("nothing")))
    assert client.run(last) == [(0, number)]


def test_copy_has_no_row_count(client: Client, lake: Lake) -> None:
    client.run("CREATE TABLE t (id INT)")
    client.run(copy(lake.parquet("p", integers(1))))
    assert client.cursor.rowcount == -1


def test_an_identity_column_is_not_part_of_the_data(client: Client, lake: Lake) -> None:
    client.run("CREATE TABLE t (n BIGINT IDENTITY(1, 1), id INT)")
    client.run(copy(lake.parquet("p", integers(7, 8))))
    assert client.run("SELECT n, id FROM t ORDER BY n") == [(1, 7), (2, 8)]
