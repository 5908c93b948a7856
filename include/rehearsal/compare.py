"""Compare a MySQL table with its copy in the warehouse, without any code of the sync.

Both sides are read by their own drivers, each value is put into one canonical form, and each row is
hashed. The checksum is the sum of the hashes, so the order of rows does not matter.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

import pymysql
import redshift_connector
from pymysql.constants import FIELD_TYPE
from pymysql.converters import conversions
from pymysql.cursors import SSCursor

FETCH_ROWS: Final = 5000
_MODULUS: Final = 2**64


@dataclass(frozen=True)
class Fingerprint:
    """Rows and checksum of one side."""

    rows: int
    checksum: int

    def __str__(self) -> str:
        return f"{self.checksum:016x}"


def source_fingerprint(server: Mapping[str, Any], table: str) -> Fingerprint:
    """Rows and checksum of a MySQL table.

    :param server: host, port, user, password and database.
    """
    return _fingerprint(source_rows(server, table))


def target_fingerprint(server: Mapping[str, Any], schema: str, table: str, columns: Sequence[str]) -> Fingerprint:
    """Rows and checksum of a warehouse table.

    :param columns: the columns in the order of the MySQL table.
    """
    return _fingerprint(target_rows(server, schema, table, columns))


def source_columns(server: Mapping[str, Any], table: str) -> list[str]:
    """Names of a MySQL table's columns, in their order."""
    with closing(_mysql(server)) as connection, connection.cursor() as cursor:
        return [name for name, _, _ in _describe(cursor, table)]


def source_rows(server: Mapping[str, Any], table: str) -> Iterator[tuple[Any, ...]]:
    """Every row of a MySQL table in canonical form."""
    with closing(_mysql(server)) as connection:
        with connection.cursor() as cursor:
            fields = ", ".join(_exact(*column) for column in _describe(cursor, table))
        with connection.cursor(SSCursor) as cursor:
            cursor.execute(f"SELECT {fields} FROM `{table}`")
            yield from _canonical_rows(cursor)


def target_rows(
    server: Mapping[str, Any], schema: str, table: str, columns: Sequence[str]
) -> Iterator[tuple[Any, ...]]:
    """Every row of a warehouse table in canonical form."""
    fields = ", ".join(f'"{column.lower()}"' for column in columns)
    with (
        closing(redshift_connector.connect(**server, ssl=False)) as connection,
        closing(connection.cursor()) as cursor,
    ):
        cursor.execute(f'SELECT {fields} FROM "{schema}"."{table.lower()}"')
        yield from _canonical_rows(cursor)


def _mysql(server: Mapping[str, Any]) -> Any:
    # TIME is a duration of up to 838 hours; as text it stays what it is.
    kinds: Any = {**conversions, FIELD_TYPE.TIME: str}
    return pymysql.connect(**server, conv=kinds, charset="utf8mb4", init_command="SET time_zone = '+00:00'")


def _describe(cursor: Any, table: str) -> list[tuple[str, str, str]]:
    cursor.execute(
        "SELECT column_name, data_type, column_type FROM information_schema.columns "
        "WHERE table_schema = DATABASE() AND table_name = %s ORDER BY ordinal_position",
        (table,),
    )
    return [tuple(row) for row in cursor.fetchall()]


def _exact(name: str, kind: str, _: str) -> str:
    """How a column is selected so that the driver sees its exact value."""
    quoted = f"`{name}`"
    if kind == "float":
        return f"CAST({quoted} AS DOUBLE)"
    if kind == "vector":
        # PyMySQL does not know the type and takes it for text.
        return f"CAST({quoted} AS BINARY)"
    return f"{quoted} + 0" if kind == "bit" else quoted


def _canonical_rows(cursor: Any) -> Iterator[tuple[Any, ...]]:
    while rows := cursor.fetchmany(FETCH_ROWS):
        for row in rows:
            yield tuple(canonical(value) for value in row)


def canonical(value: Any) -> Any:
    """One form for values that are equal: both drivers name some types differently."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else value.normalize()
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    if isinstance(value, datetime):
        return value.replace(tzinfo=None).isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (bytes, bytearray, memoryview)):
        # Redshift's driver gives VARBYTE as hexadecimal digits.
        return bytes(value).hex()
    return value


def _fingerprint(rows: Iterable[tuple[Any, ...]]) -> Fingerprint:
    count = total = 0
    for row in rows:
        count += 1
        total += int.from_bytes(hashlib.blake2b(repr(row).encode(), digest_size=8).digest())
    return Fingerprint(count, total % _MODULUS)
