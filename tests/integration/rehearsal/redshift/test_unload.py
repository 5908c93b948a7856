"""UNLOAD writes what the query gives, and COPY reads it again."""

from __future__ import annotations

import gzip
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.integration.rehearsal.redshift.harness import Client, Lake

ROLE = "IAM_ROLE default"


@pytest.fixture
def table(client: Client) -> None:
    client.run("CREATE TABLE t (id INT, v VARCHAR(20), n DECIMAL(10, 2), at TIMESTAMP, ok BOOLEAN)")
    client.run(
        "INSERT INTO t VALUES (1, 'a \"b\", c', 1.50, '2026-01-01 00:00:00.000001', true), (2, '', NULL, NULL, false)"
    )
    client.run("INSERT INTO t VALUES (3, NULL, NULL, NULL, NULL)")


def unload(lake: Lake, name: str, options: str, query: str = "SELECT id, v FROM t ORDER BY id") -> str:
    return f"UNLOAD ('{query}') TO '{lake.url(name)}' {ROLE} {options}"


@pytest.mark.usefixtures("table")
def test_csv_with_a_header(client: Client, lake: Lake) -> None:
    client.run(unload(lake, "out_", "CSV HEADER PARALLEL OFF"))
    assert lake.get("out_000").decode() == 'id,v\n1,"a ""b"", c"\n2,""\n3,\n'


@pytest.mark.usefixtures("table")
def test_packed_text_under_the_name_of_a_part(client: Client, lake: Lake) -> None:
    client.run(unload(lake, "out_", "GZIP", "SELECT id FROM t WHERE v <> ''x'' ORDER BY 1"))
    assert gzip.decompress(lake.get("out_0000_part_00.gz")) == b"1\n2\n"


@pytest.mark.usefixtures("table")
def test_a_query_in_dollar_quotes(client: Client, lake: Lake) -> None:
    client.run(f"UNLOAD ($$SELECT 'x'::VARCHAR$$) TO '{lake.url('q_')}' {ROLE} PARALLEL OFF")
    assert lake.get("q_000") == b"x\n"


@pytest.mark.usefixtures("table")
def test_parquet_comes_back_unchanged(client: Client, lake: Lake) -> None:
    client.run(unload(lake, "p_", "FORMAT AS PARQUET MANIFEST", "SELECT * FROM t"))
    schema = pq.read_schema(io.BytesIO(lake.get("p_0000_part_00.parquet")))
    kinds = [pa.int32(), pa.string(), pa.decimal128(10, 2), pa.timestamp("us"), pa.bool_()]
    assert [field.type for field in schema] == kinds
    client.run("CREATE TABLE u (LIKE t)")
    client.run(f"COPY u FROM '{lake.url('p_manifest')}' {ROLE} PARQUET MANIFEST")
    assert client.run("SELECT * FROM u ORDER BY id") == client.run("SELECT * FROM t ORDER BY id")


@pytest.mark.usefixtures("table")
def test_a_manifest_names_files_and_sizes(client: Client, lake: Lake) -> None:
    client.run(unload(lake, "m_", "CSV MANIFEST PARALLEL OFF"))
    [entry] = json.loads(lake.get("m_manifest"))["entries"]
    assert entry["url"] == lake.url("m_000")
    assert entry["meta"]["content_length"] == len(lake.get("m_000"))


@pytest.mark.usefixtures("table")
def test_files_are_not_overwritten_unless_asked(client: Client, lake: Lake) -> None:
    lake.put("o_000", b"precious")
    error = client.fails(unload(lake, "o_", "CSV PARALLEL OFF"))
    assert error["M"].startswith("Specified unload destination on S3 is not empty.")
    assert lake.get("o_000") == b"precious"
    client.run(unload(lake, "o_", "CSV PARALLEL OFF ALLOWOVERWRITE"))
    assert lake.get("o_000").startswith(b"1,")


@pytest.mark.usefixtures("table")
def test_a_query_that_fails_writes_nothing(client: Client, lake: Lake) -> None:
    assert client.fails(unload(lake, "f_", "CSV", "SELECT 1 / 0"))["C"] == "22012"
    assert lake.names() == []
