"""MySQL as DMS's source endpoint: what tables there are, their rows, and how far the server is."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pymysql
from pymysql.connections import Connection
from pymysql.cursors import DictCursor, SSCursor

from rehearsal.dms.tables import Column, Table
from rehearsal.errors import RehearsalError

_COLUMNS = """
SELECT c.table_schema, c.table_name, column_name, data_type, column_type, is_nullable, character_maximum_length,
       numeric_precision, numeric_scale, datetime_precision, character_set_name
FROM information_schema.columns AS c JOIN information_schema.tables AS t USING (table_schema, table_name)
WHERE t.table_type = 'BASE TABLE' AND c.table_schema = %s AND c.table_name LIKE %s
ORDER BY c.table_name, ordinal_position
"""
_KEYS = """
SELECT table_name, column_name FROM information_schema.statistics
WHERE table_schema = %s AND index_name = 'PRIMARY' ORDER BY table_name, seq_in_index
"""


@dataclass(frozen=True)
class Endpoint:
    """How to reach the server; the password is no part of its text."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)

    def settings(self) -> dict[str, Any]:
        """As pymysql takes them."""
        return {"host": self.host, "port": self.port, "user": self.user, "password": self.password}


class Source:
    """The server that a task reads.

    :param patterns: `schema.table`, where `%` stands for any text in the table's name, as in DMS's selection rules.
    """

    def __init__(self, endpoint: Endpoint, patterns: tuple[str, ...]) -> None:
        self.endpoint = endpoint
        self._patterns = patterns

    @property
    def schemas(self) -> list[str]:
        """The schemas that are looked at."""
        return sorted({pattern.partition(".")[0] for pattern in self._patterns})

    def selected(self, full_name: str) -> bool:
        """Whether a table, `schema.table`, belongs to the task."""
        return any(fnmatch.fnmatchcase(full_name, pattern.replace("%", "*")) for pattern in self._patterns)

    @contextmanager
    def connect(self) -> Iterator[Connection[Any]]:
        """A connection in autocommit mode, with times in UTC, closed at the end of the block."""
        connection = pymysql.connect(
            **self.endpoint.settings(), charset="utf8mb4", autocommit=True, init_command="SET time_zone = '+00:00'"
        )
        with connection:
            yield connection

    def require_rows(self) -> None:
        """Refuse a server whose binary log does not hold whole rows (DMS user guide, "MySQL as a source").

        :raises RehearsalError: naming the variable and the value that it must have.
        """
        wanted = {"gtid_mode": "ON", "binlog_format": "ROW", "binlog_row_image": "FULL", "log_bin": "1"}
        with self.connect() as connection, connection.cursor(DictCursor) as cursor:
            cursor.execute("SELECT " + ", ".join(f"@@global.{name} AS {name}" for name in wanted))
            row = dict(cursor.fetchone() or {})
        for name, value in wanted.items():
            if str(row[name]) != value:
                raise RehearsalError(f"{name} of the source is {row[name]} and must be {value}: set it and restart.")

    def executed(self) -> str:
        """GTID set of all that the server has committed."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute("SELECT REPLACE(@@global.gtid_executed, '\n', '')")
            row = cursor.fetchone()
        return str(row[0]) if row else ""

    def tables(self, schema: str, name: str = "%") -> dict[str, Table]:
        """The tables of a schema that belong to the task, by their full names, as they are now."""
        with self.connect() as connection, connection.cursor(DictCursor) as cursor:
            cursor.execute(_COLUMNS, (schema, name))
            columns: dict[str, list[Column]] = {}
            for row in cursor.fetchall():
                lower = {key.lower(): value for key, value in row.items()}
                columns.setdefault(lower["table_name"], []).append(_column(lower))
            cursor.execute(_KEYS, (schema,))
            keys: dict[str, list[str]] = {}
            for row in cursor.fetchall():
                lower = {key.lower(): value for key, value in row.items()}
                keys.setdefault(lower["table_name"], []).append(lower["column_name"])
        found = (Table(schema, name, tuple(columns[name]), tuple(keys.get(name, ()))) for name in columns)
        return {table.full_name: table for table in found if self.selected(table.full_name)}

    def rows(self, table: Table) -> Iterator[dict[str, Any]]:
        """All rows of a table, in one consistent snapshot, read as they are asked for."""
        names = ", ".join(_quoted(column.name) for column in table.columns)
        with self.connect() as connection, connection.cursor(SSCursor) as cursor:
            cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
            cursor.execute(f"SELECT {names} FROM {_quoted(table.schema)}.{_quoted(table.name)}")  # noqa: S608
            for values in cursor:
                yield table.named(values)


def _column(row: Mapping[str, Any]) -> Column:
    return Column(
        name=row["column_name"],
        type=row["data_type"],
        full_type=str(row["column_type"]),
        nullable=row["is_nullable"] == "YES",
        length=row["character_maximum_length"],
        digits=row["numeric_precision"],
        scale=row["numeric_scale"],
        fraction=row["datetime_precision"],
        charset=row["character_set_name"],
    )


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
