"""Airflow's own hook and operators work with the stand-in, without a word about it."""

from __future__ import annotations

import json

import pyarrow as pa
import pytest

from tests.integration.rehearsal.redshift.harness import BUCKET, PASSWORD, Client, Lake, StandIn


@pytest.fixture(autouse=True)
def connections(monkeypatch: pytest.MonkeyPatch, stand_in: StandIn, endpoint: str) -> None:
    redshift = {"conn_type": "redshift", "host": "127.0.0.1", "port": stand_in.port, "schema": "dev", "login": "admin"}
    redshift |= {"password": PASSWORD, "extra": {"ssl": False, "is_serverless": False}}
    aws = {"conn_type": "aws", "login": "a", "password": "b"}
    aws |= {"extra": {"endpoint_url": endpoint, "region_name": "us-east-1"}}
    monkeypatch.setenv("AIRFLOW_CONN_REDSHIFT_DEFAULT", json.dumps(redshift))
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(aws))


def test_the_hook_reads_rows_and_primary_keys(client: Client, schema: str) -> None:
    from airflow.providers.amazon.aws.hooks.redshift_sql import RedshiftSQLHook

    client.run("CREATE TABLE t (a INT, b INT, PRIMARY KEY (a, b))")
    hook = RedshiftSQLHook()
    hook.insert_rows(f"{schema}.t", [(1, 2), (1, 2)], target_fields=["a", "b"])
    assert [tuple(row) for row in hook.get_records(f"SELECT * FROM {schema}.t")] == [(1, 2), (1, 2)]
    assert sorted(hook.get_table_primary_key("t", schema)) == ["a", "b"]


def test_the_operators_load_replace_and_unload(client: Client, schema: str, lake: Lake) -> None:
    from airflow.providers.amazon.aws.transfers.redshift_to_s3 import RedshiftToS3Operator
    from airflow.providers.amazon.aws.transfers.s3_to_redshift import S3ToRedshiftOperator

    client.run("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(10))")
    client.run("INSERT INTO t VALUES (1, 'old'), (2, 'old')")
    lake.parquet("in", {"id": pa.array([2, 3], pa.int32()), "v": pa.array(["new", "new"])})
    S3ToRedshiftOperator(
        task_id="load",
        schema=schema,
        table="t",
        s3_bucket=BUCKET,
        s3_key=f"{lake.prefix}/in",
        copy_options=["FORMAT AS PARQUET"],
        method="UPSERT",
    ).execute({})
    assert client.run("SELECT * FROM t ORDER BY id") == [(1, "old"), (2, "new"), (3, "new")]
    RedshiftToS3Operator(
        task_id="unload",
        select_query=f"SELECT * FROM {schema}.t WHERE v = 'new' ORDER BY id",
        s3_bucket=BUCKET,
        s3_key=f"{lake.prefix}/out_",
        unload_options=["CSV", "PARALLEL OFF"],
        table_as_file_name=False,
    ).execute({})
    assert lake.get("out_000") == b"2,new\n3,new\n"
