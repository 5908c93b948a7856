"""COPY from CSV, delimited text and JSON converts as Redshift's does, and notes what it cannot load."""

from __future__ import annotations

import datetime as dt
import gzip
from decimal import Decimal

import pytest

from tests.integration.rehearsal.redshift.conftest import Connect
from tests.integration.rehearsal.redshift.harness import Client, Lake

ROLE = "CREDENTIALS 'aws_access_key_id=a;aws_secret_access_key=b'"


def copy(url: str, options: str) -> str:
    return f"COPY t FROM '{url}' {ROLE} {options}"


def test_csv_keeps_quotes_newlines_and_delimiters(client: Client, lake: Lake) -> None:
    client.run("CREATE TABLE t (id INT, v VARCHAR(40))")
    url = lake.put("f", 'id,v\n1,"a ""b"", c\nd"\n2,日本 \n3,\\N\n4,\n'.encode())
    client.run(copy(url, "CSV IGNOREHEADER 1"))
    assert client.run("SELECT v FROM t ORDER BY id") == [('a "b", c\nd',), ("日本 ",), (None,), ("",)]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", [("", None), (" ", None)]),
        ("EMPTYASNULL", [(None, None), (" ", None)]),
        ("NULL AS ''", [(None, None), (" ", None)]),
        ("BLANKSASNULL", [("", None), (None, None)]),
    ],
)
def test_empty_fields_and_blanks(
    client: Client, lake: Lake, options: str, expected: list[tuple[str | None, None]]
) -> None:
    client.run("CREATE TABLE t (n INT, v VARCHAR(9), i INT)")
    client.run(copy(lake.put("f", b"1,,\n2, , \n"), f"CSV {options}"))
    assert client.run("SELECT v, i FROM t ORDER BY n") == expected


def test_delimited_text_with_escapes(client: Client, lake: Lake) -> None:
    client.run("CREATE TABLE t (a VARCHAR(20), b VARCHAR(20))")
    url = lake.put("f", b"x\\|y|\\N\r\nline\\\nbreak|back\\\\slash\n")
    client.run(copy(url, "ESCAPE"))
    assert client.run("SELECT a, b FROM t ORDER BY a") == [("line\nbreak", "back\\slash"), ("x|y", None)]


def test_tabs_and_packed_files(client: Client, lake: Lake) -> None:
    client.run("CREATE TABLE t (a INT, b VARCHAR(9))")
    for number in (1, 2):
        lake.put(f"part{number}.gz", gzip.compress(f"{number}\t'q'\n".encode()))
    client.run(copy(lake.url("part"), r"DELIMITER '\t' GZIP REMOVEQUOTES"))
    assert client.run("SELECT * FROM t ORDER BY a") == [(1, "q"), (2, "q")]


def test_json_members_are_found_by_name_with_all_their_digits(client: Client, lake: Lake) -> None:
    client.run("CREATE TABLE t (id BIGINT, n DECIMAL(38, 20), v VARCHAR(50), s SUPER, ok BOOLEAN)")
    body = """{"v": "日本\\n", "id": 9007199254740993, "n": 123456789012345678.12345678901234567890, "ok": true,
        "s": {"a": [1.10, null]}, "extra": 1}
        {"id": 2, "v": {"a": 1}, "ok": null}"""
    client.run(copy(lake.put("f", body.encode()), "FORMAT JSON 'auto'"))
    assert client.run("SELECT * FROM t ORDER BY id DESC") == [
        (9007199254740993, Decimal("123456789012345678.12345678901234567890"), "日本\n", '{"a": [1.10, null]}', True),
        (2, None, '{"a":1}', None, None),
    ]


def test_dates_and_times_follow_their_formats(client: Client, lake: Lake) -> None:
    client.run("CREATE TABLE t (d DATE, at TIMESTAMP)")
    client.run(
        copy(lake.put("a", b"31/12/2025,1767225600123\n"), "CSV DATEFORMAT 'DD/MM/YYYY' TIMEFORMAT 'epochmillisecs'")
    )
    client.run(copy(lake.put("b", b"2025-01-02,2025.01.02 03:04:05\n"), "CSV TIMEFORMAT AS 'YYYY.MM.DD HH24:MI:SS'"))
    client.run(
        copy(lake.put("c", b"2025-01-01,2025-01-01T00:00:00.000001Z\n"), "CSV DATEFORMAT 'auto' TIMEFORMAT 'auto'")
    )
    assert client.run("SELECT * FROM t ORDER BY d") == [
        (dt.date(2025, 1, 1), dt.datetime(2025, 1, 1, 0, 0, 0, 1)),
        (dt.date(2025, 1, 2), dt.datetime(2025, 1, 2, 3, 4, 5)),
        (dt.date(2025, 12, 31), dt.datetime(2026, 1, 1, 0, 0, 0, 123000)),
    ]


def test_copy_cuts_decimals_where_insert_rounds(client: Client, lake: Lake) -> None:
    client.run("CREATE TABLE t (n DECIMAL(8, 2))")
    client.run(copy(lake.put("a", b"1.239\n"), "CSV"))
    client.run(copy(lake.put("b", b"2.239\n"), "CSV ROUNDEC"))
    client.run("INSERT INTO t VALUES (3.239)")
    assert client.run("SELECT n FROM t ORDER BY n") == [(Decimal("1.23"),), (Decimal("2.24"),), (Decimal("3.24"),)]


def test_too_long_texts_are_refused_or_cut(client: Client, lake: Lake) -> None:
    client.run("CREATE TABLE t (v VARCHAR(5))")
    url = lake.put("f", "日本語\n".encode())
    client.fails(copy(url, "CSV"))
    assert client.value("SELECT trim(err_reason) FROM stl_load_errors ORDER BY starttime DESC LIMIT 1") == (
        "String length exceeds DDL length"
    )
    client.run(copy(url, "CSV TRUNCATECOLUMNS"))
    assert client.run("SELECT v FROM t") == [("日",)]


def test_invalid_characters_are_refused_or_replaced(client: Client, lake: Lake) -> None:
    client.run("CREATE TABLE t (v VARCHAR(5))")
    url = lake.put("f", b"a\xffb\n")
    client.fails(copy(url, "CSV"))
    assert client.value("SELECT err_code FROM stl_load_errors ORDER BY starttime DESC LIMIT 1") == 1220
    client.run(copy(url, "CSV ACCEPTINVCHARS"))
    assert client.run("SELECT v FROM t") == [("a?b",)]


BAD_LINES = [
    (b"x,a", 1207, "id", "Invalid digit, Value 'x', Pos 0, Type: Integer"),
    (b"1,a,9", 1202, "", "Extra column(s) found"),
    (b"1", 1214, "v", "Delimiter not found"),
    (b"1,toolong", 1204, "v", "String length exceeds DDL length"),
    (b",a", 1213, "id", "Missing data for not-null field"),
    (b"99999999999,a", 1207, "id", "Invalid digit"),
]


@pytest.mark.parametrize(("line", "code", "column", "reason"), BAD_LINES)
def test_a_bad_row_fails_the_load_and_stays_noted_after_the_rollback(
    connect: Connect, lake: Lake, line: bytes, code: int, column: str, reason: str
) -> None:
    client = connect()
    client.run("CREATE TABLE t (id INT NOT NULL, v VARCHAR(5))")
    client.commit()
    table_id = client.value("SELECT 't'::regclass::oid")
    url = lake.put("f", b"1,a\n2,b\n" + line + b"\n4,d\n")
    error = client.fails(copy(url, "CSV"))
    assert error["M"] == "Load into table 't' failed.  Check 'stl_load_errors' system table for details."
    assert error["C"] == "XX000"
    noted = "SELECT err_code, trim(colname), trim(err_reason), line_number, trim(filename) FROM stl_load_errors"
    [row] = client.run(f"{noted} WHERE tbl = %s", table_id)
    assert row[:2] == (code, column)
    assert row[2].startswith(reason)
    assert row[3:] == (3, url)
    assert client.value("SELECT count(*) FROM sys_load_error_detail WHERE table_id = %s", table_id) == 1
    assert client.value("SELECT count(*) FROM t") == 0


@pytest.mark.parametrize(("limit", "loads"), [(7, True), (6, False)])
def test_maxerror_leaves_bad_rows_out_as_long_as_they_are_fewer(
    client: Client, lake: Lake, limit: int, loads: bool
) -> None:
    client.run("CREATE TABLE t (id INT NOT NULL, v VARCHAR(5))")
    body = b"10,ok\n" + b"\n".join(line for line, *_ in BAD_LINES) + b"\n11,ok\n"
    sql = copy(lake.put("f", body), f"CSV MAXERROR {limit}")
    if loads:
        client.run(sql)
        assert client.run("SELECT * FROM t ORDER BY id") == [(10, "ok"), (11, "ok")]
        assert client.value("SELECT pg_last_copy_count()") == 2
        lines = "SELECT line_number, err_code FROM stl_load_errors WHERE tbl = 't'::regclass::int ORDER BY 1"
        assert client.run(lines) == [(number, entry[1]) for number, entry in enumerate(BAD_LINES, start=2)]
    else:
        assert "stl_load_errors" in client.fails(sql)["M"]
        assert client.value("SELECT count(*) FROM t") == 0


@pytest.mark.parametrize("options", ["CSV ESCAPE", "FORMAT NONSENSE", "CSV MAXERROR", "QUOTE AS '*'"])
def test_options_that_do_not_go_together_are_refused(client: Client, lake: Lake, options: str) -> None:
    client.run("CREATE TABLE t (v VARCHAR(5))")
    assert client.fails(copy(lake.put("f", b"a\n"), options))["C"] == "42601"
