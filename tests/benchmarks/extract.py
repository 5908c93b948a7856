"""How fast and in how much memory tables leave MySQL, against three others in the same run.

`./dev bench extract --json`. Each figure `vs_…` is our rows per second, to Parquet in S3, over theirs;
the median of the rounds. `rss_growth` is our peak memory at ten times the rows over that at one time:
the largest of narrow, narrow with an upload that sleeps after every part, and wide.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from statistics import median
from typing import Any

from rehearsal.stack import Stack
from tests.benchmarks import tables

ROUNDS = 5
SLOW_UPLOAD_SECONDS = 4.0
VIEW = "CREATE VIEW {table}_x10 AS SELECT {table}.* FROM {table} CROSS JOIN digits"


def main(arguments: list[str]) -> int:
    """Run the benchmark; the last line is one JSON object."""
    parser = argparse.ArgumentParser(prog="./dev bench extract", description=__doc__)
    parser.add_argument("--json", action="store_true", help="the default: the last line is JSON either way")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--narrow-rows", type=int, default=3_000_000)
    parser.add_argument("--wide-rows", type=int, default=300_000)
    options = parser.parse_args(arguments)
    _fill(options.narrow_rows, options.wide_rows)
    result: dict[str, Any] = {}
    growth = []
    for table in ("narrow", "wide"):
        result[table], peak = _race(table, options.rounds)
        slow = [0.0, SLOW_UPLOAD_SECONDS] if table == "narrow" else [0.0]
        for seconds in slow:
            tenfold = _run("ours", f"{table}_x10", slow=seconds)
            growth.append(tenfold["peak_rss_mb"] / peak)
    result["rss_growth"] = round(max(growth), 2)
    print(json.dumps(result))
    return 0


def _fill(narrow_rows: int, wide_rows: int) -> None:
    began = time.monotonic()
    print(f"Filling narrow ({narrow_rows:,} rows) and wide ({wide_rows:,} rows) ...", flush=True)
    pair = Stack("bench").mysql()
    # The reader plays no part here, and its replication would take a core.
    pair.reader.stop()
    with pair.writer.root() as connection, connection.cursor() as cursor:
        cursor.execute("SET sql_log_bin = 0")
        tables.fill(cursor, narrow_rows=narrow_rows, wide_rows=wide_rows, database="bench")
        for table in ("narrow", "wide"):
            cursor.execute(VIEW.format(table=table))
    print(f"  filled in {time.monotonic() - began:.0f} s", flush=True)


def _race(table: str, rounds: int) -> tuple[dict[str, Any], int]:
    """Let all contenders read a table, taking turns; return the figures and our peak memory."""
    rates: dict[str, list[float]] = {}
    peaks: list[int] = []
    rows = 0
    for turn in range(rounds):
        # The slowest by far, so once is enough.
        names = ["raw_cursor", "connectorx", "ours"] + (["sql_to_s3"] if turn == 0 else [])
        for name in names:
            outcome = _run(name, table)
            rows = rows or outcome["rows"]
            if outcome["rows"] != rows:
                raise AssertionError(f"{name} read {outcome['rows']} rows of {table}, not {rows}")
            rates.setdefault(name, []).append(outcome["rows"] / outcome["seconds"])
            if name == "ours":
                peaks.append(outcome["peak_rss_mb"])
    speed = {name: median(values) for name, values in rates.items()}
    figures = {
        "rows": rows,
        **{f"vs_{name}": round(speed["ours"] / speed[name], 2) for name in ("raw_cursor", "connectorx", "sql_to_s3")},
        "peak_rss_mb": max(peaks),
    }
    return figures, max(peaks)


def _run(name: str, table: str, *, slow: float = 0) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.benchmarks.contenders", name, table, "--slow", str(slow)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{name} on {table} failed:\n{done.stderr[-3000:]}")
    outcome: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    rate = outcome["rows"] / outcome["seconds"]
    slowly = ", slow upload" if slow else ""
    print(
        f"  {table:10} {name:10} {outcome['rows']:>10,} rows  {outcome['seconds']:7.2f} s  {rate:>11,.0f} rows/s  "
        f"peak {outcome['peak_rss_mb']:>5} MB{slowly}",
        flush=True,
    )
    return outcome
