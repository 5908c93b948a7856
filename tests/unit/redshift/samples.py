"""Source columns, tables and settings as tests need them, and rows as MySQL prints them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from livemove.redshift.blocks import Block, Decoder, binary_array
from livemove.redshift.findings import Tally
from livemove.redshift.plans import SourceTable
from livemove.redshift.settings import ColumnSettings, Policies, SyncSettings
from livemove.redshift.types import ColumnPlan, SourceColumn, plan_column

# Printed by MySQL with their display width or length: what `column_type` says when a test does not care.
_TEXTS = ("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set")


def column(name: str, data_type: str, column_type: str = "", *, nullable: bool = False, **more: Any) -> SourceColumn:
    """A row of `information_schema.columns`; text is utf8mb4 unless told otherwise."""
    if data_type in _TEXTS:
        more.setdefault("charset", "utf8mb4")
        more.setdefault("char_length", 20)
        more.setdefault("octet_length", more["char_length"] * 4)
    return SourceColumn(name, data_type, column_type or data_type, nullable, **more)


def plan(
    source: SourceColumn,
    *,
    policies: dict[str, str] | None = None,
    settings: dict[str, Any] | None = None,
) -> ColumnPlan:
    """The plan of a column of a table `t`."""
    return plan_column(
        source,
        ColumnSettings.model_validate(settings or {}),
        Policies.model_validate(policies or {}),
        table="t",
    )


def sync(tables: dict[str, Any] | None = None, **more: Any) -> SyncSettings:
    """A sync file with everything that has no default; keys of `more` are merged into it by section."""
    document: dict[str, Any] = {
        "source": {"writer_conn_id": "writer", "database": "shop"},
        "warehouse": {"schema": "shop"},
        "lake": {"bucket": "a-bucket"},
        "watermark": "updated_at",
        "tables": tables or {"orders": None},
    }
    for key, value in more.items():
        document[key] = document[key] | value if isinstance(document.get(key), dict) else value
    return SyncSettings.model_validate(document)


ID = column("id", "bigint", precision=19)
NAME = column("name", "varchar", "varchar(20)", nullable=True)
UPDATED = column("updated_at", "timestamp")


def table(
    name: str = "orders", columns: Sequence[SourceColumn] = (ID, NAME, UPDATED), *, key: Sequence[str] = ("id",),
    **more: Any,
) -> SourceTable:  # fmt: skip
    """A table with a primary key, whose watermark has an index."""
    more.setdefault("unique_keys", (tuple(key),) if key else ())
    more.setdefault("indexed_first", frozenset({"updated_at", *key[:1]}))
    return SourceTable(name, tuple(columns), tuple(key), **more)


def block(plans: Sequence[ColumnPlan], rows: Iterable[Sequence[bytes | None]]) -> Block:
    """A block as the extraction fills it, from values in the order of the plans; None is NULL."""
    rows = list(rows)
    packed = [place for place, each in enumerate(plans) if each.packed]
    alone = [place for place, each in enumerate(plans) if not each.packed]
    lines = [b",".join(row[place] or b"" for place in packed) for row in rows] if packed else []
    return Block(len(rows), lines, [[binary_array([row[place] for row in rows])] for place in alone])


def decode(
    plans: Sequence[ColumnPlan], rows: Iterable[Sequence[bytes | None]], *, keys: Sequence[str] = ()
) -> tuple[list[list[Any]], Tally]:
    """Decode rows and return each column's values, and the findings."""
    tally = Tally()
    batch = Decoder(plans, keys).decode(block(plans, rows), tally)
    return [column.to_pylist() for column in batch.columns], tally
