"""The columns that COPY fills."""

from __future__ import annotations

from dataclasses import dataclass

from .backend import Backend
from .dialect.transfer import Copy
from .errors import RedshiftError

_VARBYTE_DEFAULT = 64000

_COLUMNS = """
SELECT a.attname, t.typname, CASE WHEN a.atttypmod < 0 THEN -1 ELSE a.atttypmod - 4 END, a.attnotnull,
       a.attidentity <> '', coalesce(rs.varbyte_length(a.attrelid, a.attnum), 0), a.attrelid
FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
WHERE a.attrelid = $1::text::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""


@dataclass(frozen=True)
class Column:
    """A column of the target table.

    :param name: its name, unquoted.
    :param type: PostgreSQL's short name of its type, such as `int8`, `varchar`, `jsonb`.
    :param length: bytes of a character or VARBYTE type, 0 if there is no limit.
    :param precision: digits of a numeric type.
    :param scale: digits after the point of a numeric type.
    :param not_null: it takes no NULL.
    :param identity: its values are generated.
    """

    name: str
    type: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    not_null: bool = False
    identity: bool = False

    @property
    def redshift_type(self) -> str:
        """The type as Redshift's messages write it."""
        names = {"int2": "SMALLINT", "int4": "INT", "int8": "BIGINT", "float4": "REAL", "float8": "DOUBLE"}
        names |= {
            "bool": "BOOLEAN",
            "varchar": "VARCHAR",
            "bpchar": "CHAR",
            "bytea": "VARBYTE",
            "jsonb": "SUPER",
        }
        if self.type == "numeric":
            return f"DECIMAL({self.precision}, {self.scale})"
        return names.get(self.type, self.type.upper())


@dataclass(frozen=True)
class Target:
    """The table that COPY fills, and its columns in the order of the data."""

    table: str
    table_id: int
    columns: tuple[Column, ...]


def target(backend: Backend, copy: Copy) -> Target:
    """Look up the columns that a COPY fills.

    Without a column list these are all but the generated ones, which need EXPLICIT_IDS.

    :raises RedshiftError: a listed column does not exist.
    """
    rows = backend.run(_COLUMNS, copy.table)
    known = {str(row[0]): _column(row) for row in rows}
    explicit = "EXPLICIT_IDS" in copy.flags
    for name in copy.columns:
        if name not in known:
            raise RedshiftError(f'column "{name}" of relation {copy.table} does not exist', code="42703")
    names = copy.columns or [name for name, column in known.items() if explicit or not column.identity]
    return Target(copy.table, int(rows[0][6] or 0), tuple(known[name] for name in names))


def _column(row: list[str | None]) -> Column:
    name, kind, modifier, not_null, identity, varbyte, _ = (value or "" for value in row)
    number = int(modifier)
    length = number if kind in ("varchar", "bpchar") and number > 0 else 0
    if kind == "bytea":
        length = int(varbyte) or _VARBYTE_DEFAULT
    precision, scale = (number >> 16, number & 0x7FF) if kind == "numeric" and number >= 0 else (0, 0)
    return Column(name, kind, length, precision, scale, not_null == "t", identity == "t")
