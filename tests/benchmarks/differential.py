"""What a differential run costs against a full reload, and a full reload against a bare one.

`./dev bench differential --json`. 3 million rows, of which 0.1 % change before each differential run;
the watermark column is indexed. Seconds are those of the operators' own work, from reading the bounds
to maintenance; Airflow's overhead (processes, imports, clients) is apart. Bare is the extraction to S3 and a COPY
into a new table, without checks, proofs, swap, state and maintenance. In each round five differential runs follow
the full reload, as days follow it; the first, which is shown apart, too, is the slowest, as the pages are new to
PostgreSQL. Each measurement begins when the disk has what the one before has left for it. Medians of all rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from rehearsal.compare import source_columns, source_fingerprint, target_fingerprint
from rehearsal.stack import Stack
from tests.benchmarks import tables

ROUNDS = 3
DIFFERENTIALS = 5
ROWS = 3_000_000
TABLE = "orders"
CREATE = """
CREATE TABLE orders (
  id INT UNSIGNED NOT NULL PRIMARY KEY,
  customer_id BIGINT NOT NULL,
  ordered_on DATE NOT NULL,
  shipped_on DATE NULL,
  updated_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  KEY updated (updated_at)
)
"""
SYNC = """
source: {writer_conn_id: aurora_writer, reader_conn_id: aurora_reader, database: bench, datetime_zone: "+00:00"}
warehouse: {schema: bench}
lake: {bucket: livemove-rehearsal, prefix: bench}
watermark: updated_at
tables: {orders: }
"""


def main(arguments: list[str]) -> int:
    """Run the benchmark; the last line is one JSON object."""
    parser = argparse.ArgumentParser(prog="./dev bench differential", description=__doc__)
    parser.add_argument("--json", action="store_true", help="the default: the last line is JSON either way")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--rows", type=int, default=ROWS)
    options = parser.parse_args(arguments)
    stack = Stack("bench")
    _fill(stack, options.rows)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "sync").mkdir()
        (Path(folder) / "sync" / "bench.yaml").write_text(SYNC, encoding="utf-8")
        os.environ["LIVEMOVE_INCLUDE"] = folder
        seconds = _measure(stack, options.rounds, options.rows)
    full, bare = median(seconds["full"]), median(seconds["bare"])
    result = {
        "rows_total": options.rows,
        "rows_changed": options.rows // 1000,
        "vs_full_reload": round(median(seconds["differential"]) / full, 4),
        "first_vs_full_reload": round(median(seconds["differential"][::DIFFERENTIALS]) / full, 4),
        "full_vs_bare": round(full / bare, 2),
    }
    print(json.dumps(result))
    return 0


def _fill(stack: Stack, rows: int) -> None:
    began = time.monotonic()
    print(f"Filling {TABLE} with {rows:,} rows ...", flush=True)
    pair = stack.mysql()
    with pair.writer.root() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE bench")
        cursor.execute("USE bench")
        cursor.execute("CREATE TABLE digits (d INT NOT NULL PRIMARY KEY)")
        cursor.execute("INSERT INTO digits VALUES " + ",".join(f"({d})" for d in range(10)))
        tables.fill_narrow(cursor, rows, table=TABLE, create=CREATE)
    pair.wait_caught_up(600)
    print(f"  filled and replicated in {time.monotonic() - began:.0f} s", flush=True)


def _measure(stack: Stack, rounds: int, rows: int) -> dict[str, list[float]]:
    import airflow  # noqa: F401 - puts plugins on the path
    from livemove.redshift.sync import Sync

    # What every process of Airflow's does once: reading configuration and botocore's models.
    sync = Sync.named("bench")
    sync.lake.check()
    seconds: dict[str, list[float]] = {"bare": [], "full": [], "differential": []}
    for turn in range(rounds):
        seconds["bare"].append(_timed("bare", partial(_bare, sync, turn)))
        full = partial(_sync, sync, f"full-{turn}", full_reload=True, expect=rows)
        seconds["full"].append(_timed("full reload", full))
        for again in range(DIFFERENTIALS):
            change = turn * DIFFERENTIALS + again
            _change(stack, change, rows)
            difference = partial(_sync, sync, f"differential-{change}", expect=rows // 1000)
            seconds["differential"].append(_timed("differential", difference))
    # It takes minutes, and what the last round left holds what those before did.
    _prove(stack)
    return seconds


def _timed(name: str, work: Callable[[], None]) -> float:
    os.sync()
    began = time.monotonic()
    work()
    took = time.monotonic() - began
    print(f"  {name:13} {took:7.2f} s", flush=True)
    return took


def _sync(sync: Any, run_id: str, *, expect: int, full_reload: bool = False) -> None:
    """All steps of one table, as the operators call them."""
    from livemove.redshift import tables as steps
    from livemove.redshift.preflight import begin_bounds, check_sync, not_ready

    parts: dict[str, float] = {}
    with _part(parts, "check"), sync.warehouse.session() as warehouse:
        check_sync(sync, warehouse)
        sync.examine([TABLE], full_reload=full_reload, warehouse=warehouse)
    with _part(parts, "bounds"):
        bounds, look = begin_bounds(sync, [TABLE])
        while not_ready(sync, bounds, look):
            time.sleep(0.05)
    with _part(parts, "extract"):
        read = steps.extract(sync, TABLE, bounds, run_id=run_id, full_reload=full_reload)
    with _part(parts, "stage"):
        steps.stage(sync, TABLE, read["folder"])
    with _part(parts, "merge"):
        merged = steps.merge(sync, TABLE, read["folder"])
    with _part(parts, "maintain"):
        did = steps.maintain(sync, TABLE)
    print("    " + ", ".join(f"{name} {took:.2f}" for name, took in parts.items()), did["did"], flush=True)
    if merged["rows"] != expect:
        raise AssertionError(f"{run_id} merged {merged['rows']} rows, not {expect}")


@contextmanager
def _part(parts: dict[str, float], name: str) -> Any:
    began = time.monotonic()
    yield
    parts[name] = time.monotonic() - began


def _bare(sync: Any, turn: int) -> None:
    """Extract to S3 and COPY into a new table, and nothing else."""
    from livemove.redshift import statements
    from livemove.redshift.blocks import Decoder
    from livemove.redshift.drift import WantedColumn
    from livemove.redshift.extraction import Extraction
    from livemove.redshift.manifest import MANIFEST_NAME, copy_manifest, part_name
    from livemove.redshift.plans import plan_table, select_statement

    folder = f"bare/{turn}/"
    plan = plan_table(sync.settings, sync.reader.describe("bench", [TABLE])[TABLE])
    with sync.reader.raw_session() as connection:
        connection.query(select_statement("bench", plan, lower=None, upper=None))
        extraction = Extraction(
            Decoder(plan.columns, plan.key),
            lambda number, body, rows: sync.lake.put_part(folder + part_name("0" * 8, number), body, rows=rows),
        )
        extraction.run(connection.use_result())
    manifest = folder + MANIFEST_NAME
    sync.lake.client.put_object(
        Bucket=sync.lake.bucket, Key=manifest, Body=copy_manifest(sync.lake.bucket, extraction.parts).encode()
    )
    columns = [WantedColumn(column.target, column.redshift_type, column.name in plan.key) for column in plan.columns]
    with sync.warehouse.session() as warehouse:
        name = f'"public"."bare_{turn}"'
        warehouse.run(statements.create_table(name, columns, sort_key=plan.target_key))
        warehouse.run(statements.copy(name, manifest_url=sync.lake.url(manifest), iam_role="default"))
        warehouse.run(f"DROP TABLE {name}")


def _change(stack: Stack, turn: int, rows: int) -> None:
    # Changes of the second of the full reload's bound would be moved twice.
    time.sleep(2.5)
    pair = stack.mysql()
    pair.writer.execute(f"UPDATE bench.orders SET customer_id = customer_id + 1 WHERE id % 1000 = {turn}")
    pair.wait_caught_up()
    time.sleep(2.5)


def _prove(stack: Stack) -> None:
    status = stack.status()
    source = {**status["mysql"]["writer"], "database": "bench"}
    columns = source_columns(source, TABLE)
    if source_fingerprint(source, TABLE) != target_fingerprint(status["redshift"], "bench", TABLE, columns):
        raise AssertionError("source and warehouse differ")
