"""`./dev demo`: what is done, in the order in which it is done."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pymysql

from rehearsal.airflow.api import AirflowApi
from rehearsal.airflow.follow import run_dag
from rehearsal.compare import Fingerprint, source_columns, source_fingerprint, target_fingerprint
from rehearsal.demo.flights import DAY_OF_CHANGES, TABLES, batches, columns, create_statement
from rehearsal.errors import RehearsalError
from rehearsal.progress import Clock, say
from rehearsal.stack import Stack

SYNC = "nycflights13"
SCHEMA = "flights"
HEADINGS = (
    "table",
    "rows MySQL",
    "rows Redshift",
    "checksum MySQL",
    "checksum Redshift",
    "moved",
    "seconds",
    "peak MB",
)


@dataclass(frozen=True)
class Line:
    """One table of the proof."""

    table: str
    source: Fingerprint
    target: Fingerprint
    moved: int
    seconds: float
    peak_mb: int

    @property
    def equal(self) -> bool:
        """Whether both sides hold the same rows."""
        return self.source == self.target

    def cells(self) -> tuple[str, ...]:
        """As it is printed."""
        return (
            self.table,
            f"{self.source.rows:,}",
            f"{self.target.rows:,}",
            str(self.source),
            str(self.target) + ("" if self.equal else "  DIFFERS"),
            f"{self.moved:,}",
            f"{self.seconds:.1f}",
            str(self.peak_mb) if self.peak_mb else "-",
        )


def main() -> int:
    """Run the demo.

    :returns: 0 if every table is equal on both sides after both runs.
    """
    clock = Clock()
    stack = Stack()
    say("Starting the stack:")
    stack.up()
    status = stack.status()
    load(status["mysql"]["writer"])
    first = _sync(status, "1. Everything: redshift_sync copies all five tables", {"full_reload": True})
    changed = change(status["mysql"]["writer"])
    second = _sync(status, f"2. A day later: {changed:,} rows changed, redshift_sync moves the difference", {})
    stray = sum(line.moved for line in second) - changed
    equal = all(line.equal for line in first + second)
    say(f"\nBoth sides are {'equal in every row' if equal else 'NOT EQUAL'}. The demo took {clock}.")
    if stray:
        say(f"The second run moved {abs(stray):,} rows {'more' if stray > 0 else 'fewer'} than had changed.")
    say(f"Airflow: {status['airflow']['url']}/dags/redshift_sync (no login). End the stack with ./dev down")
    return 0 if equal and not stray else 1


def load(writer: dict[str, Any]) -> None:
    """Make the five tables anew, as they were before the day of changes."""
    clock = Clock()
    say("Loading the five tables of nycflights13 into MySQL:")
    with closing(pymysql.connect(**writer, charset="utf8mb4")) as connection, connection.cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"DROP TABLE IF EXISTS {table}")
            cursor.execute(create_statement(table))
            names = columns(table)
            insert = f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join(['%s'] * len(names))})"
            rows = 0
            for batch in batches(table):
                cursor.executemany(insert, batch)
                connection.commit()
                rows += len(batch)
            say(f"  {table:9} {rows:>9,} rows  ({clock})")


def change(writer: dict[str, Any]) -> int:
    """Let a day of changes happen: inserts, updates, soft deletes. Return how many rows they touched."""
    with closing(pymysql.connect(**writer, charset="utf8mb4")) as connection, connection.cursor() as cursor:
        # Rows of the same second as the first run's bound would be moved again.
        cursor.execute("DO SLEEP(3)")
        touched = sum(int(cursor.execute(statement)) for statement in DAY_OF_CHANGES)
        connection.commit()
        cursor.execute("DO SLEEP(3)")
    return touched


def _sync(status: dict[str, Any], title: str, conf: dict[str, Any]) -> list[Line]:
    say(f"\n{title}")
    outcome = run_dag(status["airflow"]["url"], "redshift_sync", {"syncs": [SYNC], **conf})
    if outcome["state"] != "success":
        raise RehearsalError("The run of redshift_sync failed; the lines above say why.")
    lines = [_prove(status, table, _figures(status, outcome, table)) for table in TABLES]
    say(_table([HEADINGS, *(line.cells() for line in lines)]))
    return lines


def _prove(status: dict[str, Any], table: str, figures: dict[str, Any]) -> Line:
    writer = status["mysql"]["writer"]
    source = source_fingerprint(writer, table)
    target = target_fingerprint(status["redshift"], SCHEMA, table, source_columns(writer, table))
    return Line(table, source, target, figures["rows"], figures["seconds"], figures["peak_mb"])


def _figures(status: dict[str, Any], outcome: dict[str, Any], table: str) -> dict[str, Any]:
    """Rows moved, seconds of all four steps and peak memory of a table, from the run's tasks."""
    steps = [task for task in outcome["tasks"] if f"[{SYNC}.{table}:" in task["name"]]
    extract = next(task for task in steps if task["task_id"] == "table.extract")
    api = AirflowApi(status["airflow"]["url"])
    read = api.xcom(outcome["dag_id"], outcome["run_id"], extract["task_id"], extract["map_index"])
    return {
        "rows": read["rows"],
        "seconds": sum(task["seconds"] or 0 for task in steps),
        "peak_mb": read.get("peak_mb", 0),
    }


def _table(lines: list[tuple[str, ...]]) -> str:
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    return "\n".join(
        "  "
        + "  ".join(cell.ljust(width) if place in (0, 3, 4) else cell.rjust(width)
                    for place, (cell, width) in enumerate(zip(line, widths, strict=True)))
        for line in lines
    )  # fmt: skip
