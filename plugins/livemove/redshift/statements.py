"""The SQL that the warehouse is given, as text. The same functions serve the plan and the deed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from livemove.redshift import names
from livemove.redshift.drift import WantedColumn
from livemove.redshift.names import literal, redshift

STATE_TABLE = "sync_state"
# The temporary table of one session that COPY fills.
STAGE = "livemove_stage"

q = redshift


@dataclass(frozen=True)
class StateRow:
    """One line of the append-only state: what a merge has brought into the warehouse.

    :ivar version: one more than the table's line before it; the highest one counts.
    """

    sync: str
    table: str
    version: int
    mode: str
    lower: str | None
    upper: str | None
    rows_extracted: int
    rows_merged: int
    folder: str


@dataclass(frozen=True)
class TableState:
    """The newest line of the state of one table.

    :ivar upper: upper end of the last window, as `Mark` writes it; None if the next run reads all rows.
    """

    version: int
    upper: str | None
    folder: str
    rows_merged: int
    merged_at: Any


def create_schema(schema: str) -> str:
    """Make a schema."""
    return f"CREATE SCHEMA IF NOT EXISTS {q(schema)}"


def create_state(schema: str) -> str:
    """Make the state table."""
    return (
        f"CREATE TABLE IF NOT EXISTS {q(schema, STATE_TABLE)} ("
        "sync VARCHAR(256) NOT NULL, table_name VARCHAR(256) NOT NULL, version BIGINT NOT NULL, "
        "mode VARCHAR(16) NOT NULL, lower_bound VARCHAR(64), upper_bound VARCHAR(64), "
        "rows_extracted BIGINT NOT NULL, rows_merged BIGINT NOT NULL, folder VARCHAR(1024) NOT NULL, "
        "merged_at TIMESTAMP NOT NULL DEFAULT GETDATE()) SORTKEY (merged_at)"
    )


def read_state(schema: str) -> str:
    """Newest state of every table of a sync; one value to bind, the sync."""
    return (
        "SELECT s.table_name, s.version, s.upper_bound, s.folder, s.rows_merged, s.merged_at "
        f"FROM {q(schema, STATE_TABLE)} s JOIN (SELECT table_name, MAX(version) AS version "
        f"FROM {q(schema, STATE_TABLE)} WHERE sync = %s GROUP BY table_name) newest "
        "ON s.table_name = newest.table_name AND s.version = newest.version WHERE s.sync = %s"
    )


def append_state(schema: str) -> str:
    """Add a line; nine values to bind, in the order of `StateRow`."""
    return (
        f"INSERT INTO {q(schema, STATE_TABLE)} (sync, table_name, version, mode, lower_bound, upper_bound, "
        "rows_extracted, rows_merged, folder) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
    )


def create_table(
    name: str,
    columns: Sequence[WantedColumn],
    *,
    dist_key: str | None = None,
    sort_key: Sequence[str] = (),
) -> str:
    """Make a target; its key is declared when it is filled, by `add_primary_key`.

    :param name: quoted, with its schema.
    """
    lines = [f"{q(column.name)} {column.type}{' NOT NULL' if column.not_null else ''}" for column in columns]
    statement = f"CREATE TABLE {name} ({', '.join(lines)})"
    if dist_key:
        statement += f" DISTKEY ({q(dist_key)})"
    if sort_key:
        statement += f" COMPOUND SORTKEY ({_list(sort_key)})"
    return statement


def create_like(name: str, like: str) -> str:
    """Make an empty table with the columns, distribution and sort key of another."""
    return f"CREATE TABLE {name} (LIKE {like} INCLUDING DEFAULTS)"


def add_primary_key(target: tuple[str, str], key: Sequence[str]) -> str:
    """Declare a key: Redshift does not enforce it, but plans queries by it.

    LIKE does not take it over (guide, r_CREATE_TABLE_NEW).
    """
    return f"ALTER TABLE {q(*target)} ADD PRIMARY KEY ({_list(key)})"


def create_stage(name: str, columns: Sequence[WantedColumn]) -> str:
    """Make the temporary table that COPY fills."""
    lines = [f"{q(column.name)} {column.type}{' NOT NULL' if column.not_null else ''}" for column in columns]
    return f"CREATE TEMP TABLE {name} ({', '.join(lines)})"


def add_column(target: tuple[str, str], column: WantedColumn) -> str:
    """Add a column that the source gained."""
    return f"ALTER TABLE {q(*target)} ADD COLUMN {q(column.name)} {column.type}"


def copy(name: str, *, manifest_url: str, iam_role: str) -> str:
    """Load all parts of a manifest, or none. Statistics of the stage, which ends with its session, are not renewed.

    Parquet COPY goes by position and knows neither MAXERROR nor ACCEPTANYDATE (guide,
    copy-usage_notes-copy-from-columnar).
    """
    role = "default" if iam_role == "default" else literal(iam_role)
    statistics = " STATUPDATE OFF" if name == STAGE else ""
    return f"COPY {name} FROM {literal(manifest_url)} IAM_ROLE {role} FORMAT AS PARQUET MANIFEST{statistics}"


def count(name: str) -> str:
    """Count rows."""
    return f"SELECT COUNT(*) FROM {name}"


def count_distinct_keys(name: str, key: Sequence[str]) -> str:
    """Count the keys of a table."""
    return f"SELECT COUNT(*) FROM (SELECT {_list(key)} FROM {name} GROUP BY {_list(key)}) AS distinct_keys"


def delete_matching(target: tuple[str, str], stage: str, key: Sequence[str]) -> str:
    """Remove the rows that the stage brings anew."""
    table = q(*target)
    same = " AND ".join(f"{table}.{q(name)} = {stage}.{q(name)}" for name in key)
    return f"DELETE FROM {table} USING {stage} WHERE {same}"


def insert_all(target: tuple[str, str], stage: str, columns: Sequence[str]) -> str:
    """Bring in every staged row."""
    return f"INSERT INTO {q(*target)} ({_list(columns)}) SELECT {_list(columns)} FROM {stage}"


def insert_latest(
    target: tuple[str, str], stage: str, columns: Sequence[str], *, key: Sequence[str], watermark: str
) -> str:
    """Bring in one row for each key: the one with the latest watermark."""
    ranked = (
        f"SELECT {_list(columns)}, ROW_NUMBER() OVER (PARTITION BY {_list(key)} "
        f"ORDER BY {q(watermark)} DESC NULLS LAST) AS livemove_rank FROM {stage}"
    )
    return (
        f"INSERT INTO {q(*target)} ({_list(columns)}) SELECT {_list(columns)} "
        f"FROM ({ranked}) AS ranked WHERE livemove_rank = 1"
    )


def rename_table(target: tuple[str, str], new_name: str) -> str:
    """Give a table another name in its schema."""
    return f"ALTER TABLE {q(*target)} RENAME TO {q(new_name)}"


def drop_table(target: tuple[str, ...]) -> str:
    """Remove a table; a temporary one has no schema."""
    return f"DROP TABLE IF EXISTS {q(*target)}"


def vacuum(target: tuple[str, str], *, what: str, to_percent: int) -> str:
    """Sort rows and give back the space of deleted ones.

    :param what: FULL or DELETE ONLY.
    """
    return f"VACUUM {what} {q(*target)} TO {to_percent} PERCENT"


def analyze(target: tuple[str, str]) -> str:
    """Renew a table's statistics."""
    return f"ANALYZE {q(*target)}"


def _list(columns: Sequence[str]) -> str:
    return ", ".join(names.redshift(column) for column in columns)
