"""One way of reading a table, in a process of its own, so that its peak memory is its own.

    python -m tests.benchmarks.contenders NAME TABLE [--slow SECONDS]

prints one JSON object: rows, seconds, peak_rss_mb. The clock runs from the connection to the last byte
written; imports are done and the S3 client is made before.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

DATABASE = "bench"
BUCKET = "livemove-rehearsal"


def ours(table: str, slow_seconds: float) -> Callable[[], int]:
    """The extraction of `redshift_sync`: MySQL to Parquet in S3, all checks on."""
    import airflow  # noqa: F401 - puts plugins on the path
    from livemove.redshift.blocks import Decoder
    from livemove.redshift.extraction import Extraction
    from livemove.redshift.lake import Lake
    from livemove.redshift.manifest import Part, part_name
    from livemove.redshift.plans import plan_table, select_statement
    from livemove.redshift.settings import SyncSettings
    from livemove.redshift.source import SourceHook

    settings = SyncSettings.model_validate(
        {
            "source": {"writer_conn_id": "aurora_writer", "database": DATABASE},
            "warehouse": {"schema": "bench"},
            "lake": {"bucket": BUCKET, "prefix": "bench"},
            "tables": {table: {"mode": "replace"}},
        }
    )
    hook, lake = SourceHook(mysql_conn_id="aurora_writer"), Lake(settings.lake)
    keep = not table.endswith("_x10")
    lake.check()

    def put(number: int, body: bytes, rows: int) -> Part:
        part = lake.put_part(f"bench/{table}/{part_name('0' * 8, number)}", body, rows=rows)
        time.sleep(slow_seconds)
        if not keep:
            # The stand-in for S3 keeps everything in memory; eleven gigabytes are not what is measured.
            lake.delete([part.key])
        return part

    def run() -> int:
        plan = plan_table(settings, hook.describe(DATABASE, [table])[table])
        with hook.raw_session() as connection:
            connection.query(select_statement(DATABASE, plan, lower=None, upper=None))
            extraction = Extraction(Decoder(plan.columns, plan.key), put)
            extraction.run(connection.use_result())
        if extraction.tally.findings or sum(part.rows for part in extraction.parts) != extraction.rows:
            raise AssertionError(f"not exact: {extraction.tally.as_json()}")
        return extraction.rows

    return run


def raw_cursor(table: str, slow_seconds: float) -> Callable[[], int]:
    """A bare mysqlclient cursor without conversion, whose rows are thrown away."""
    import MySQLdb
    from MySQLdb.cursors import SSCursor

    def run() -> int:
        with MySQLdb.connect(**_server(), conv={}, charset="utf8mb4", cursorclass=SSCursor) as connection:
            cursor = connection.cursor()
            cursor.execute(f"SELECT * FROM {table}")
            rows = 0
            while fetched := cursor.fetchmany(10_000):
                rows += len(fetched)
            cursor.close()
            return rows

    return run


def connectorx(table: str, slow_seconds: float) -> Callable[[], int]:
    """connectorx's stream of Arrow batches into a local Parquet file, with pyarrow's defaults."""
    from urllib.parse import quote

    import connectorx as cx
    import pyarrow.parquet as pq

    server = _server()
    url = "mysql://{user}:{secret}@{host}:{port}/{database}".format(**server, secret=quote(server["password"], ""))

    def run() -> int:
        rows, writer = 0, None
        with tempfile.TemporaryDirectory() as folder:
            for batch in cx.read_sql(url, f"SELECT * FROM {table}", return_type="arrow_stream"):
                writer = writer or pq.ParquetWriter(Path(folder) / "out.parquet", batch.schema)
                writer.write_batch(batch)
                rows += len(batch)
            if writer:
                writer.close()
        return rows

    return run


def sql_to_s3(table: str, slow_seconds: float) -> Callable[[], int]:
    """The Amazon provider's operator, to Parquet."""
    from airflow.providers.amazon.aws.transfers.sql_to_s3 import SqlToS3Operator

    class Counting(SqlToS3Operator):
        rows = 0

        def _partition_dataframe(self, df: Any) -> Any:
            for name, part in super()._partition_dataframe(df):
                type(self).rows += len(part)
                yield name, part

    def run() -> int:
        Counting(
            task_id="sql_to_s3",
            query=f"SELECT * FROM {DATABASE}.{table}",
            s3_bucket=BUCKET,
            s3_key=f"sql_to_s3/{table}.parquet",
            sql_conn_id="aurora_writer",
            aws_conn_id="aws_default",
            file_format="parquet",
            replace=True,
        ).execute({})
        return Counting.rows

    return run


def _server() -> dict[str, Any]:
    import os

    connection = json.loads(os.environ["AIRFLOW_CONN_AURORA_WRITER"])
    return {
        "host": connection["host"],
        "port": int(connection["port"]),
        "user": connection["login"],
        "password": connection["password"],
        "database": DATABASE,
    }


CONTENDERS = {"ours": ours, "raw_cursor": raw_cursor, "connectorx": connectorx, "sql_to_s3": sql_to_s3}


def peak_mb() -> int:
    """The most memory that this process has had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("name", choices=CONTENDERS)
    parser.add_argument("table")
    parser.add_argument("--slow", type=float, default=0)
    options = parser.parse_args()
    work = CONTENDERS[options.name](options.table, options.slow)
    began = time.monotonic()
    count = work()
    seconds = time.monotonic() - began
    print(json.dumps({"rows": count, "seconds": round(seconds, 3), "peak_rss_mb": peak_mb()}))
    sys.stdout.flush()
