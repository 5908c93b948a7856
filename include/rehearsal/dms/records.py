"""Records as DMS writes them to Kinesis. Pure.

Known from the DMS user guide ("Using Amazon Kinesis Data Streams as a target", "Before image task settings") and from
records that people have published; README.md says what is unsure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from rehearsal.dms.tables import ENCODE, Column, Table

BEFORE_IMAGES: Final = ("pk-only", "all", "none")
BEFORE: Final = "before-image"


class Record(NamedTuple):
    """One record of the stream."""

    partition_key: str
    data: bytes


@dataclass(frozen=True)
class Style:
    """How a task writes.

    :ivar task: its name, the partition key of control records.
    :ivar before_image: which columns updates show as they were: `pk-only`, `all` (but for LOBs) or `none`.
    :ivar include_null: IncludeNullAndEmpty: whether columns that are NULL are written.
    :ivar lob_kb: LOB values are cut after this many KB (limited LOB mode).
    :ivar lob_marker: stands in place of LOB values; None sends them.
    """

    task: str = "rehearsal"
    before_image: str = "all"
    include_null: bool = True
    lob_kb: int = 32
    lob_marker: str | None = None


@dataclass(frozen=True)
class Place:
    """Where in the binary log a change stands: what IncludeTransactionDetails adds.

    :ivar file: of the binary log, with its name.
    :ivar position: bytes, of the event.
    :ivar end: bytes, behind the event.
    :ivar row: index of the row in its event.
    :ivar begin: bytes, of the transaction's first event.
    :ivar record: number of the record in its transaction, from 1.
    :ivar previous: transaction id and record number of the record before; None for the first.
    """

    file: str
    position: int
    end: int
    row: int
    begin: int
    commit: datetime
    record: int
    previous: tuple[int, int] | None

    @property
    def transaction(self) -> int:
        """The transaction's id: file number and position, as published records show."""
        return int(self.file.rpartition(".")[2]) << 32 | self.begin

    def metadata(self) -> dict[str, Any]:
        """The fields of `metadata`."""
        found: dict[str, Any] = {"transaction-id": self.transaction, "transaction-record-id": self.record}
        if self.previous:
            found |= {"prev-transaction-id": self.previous[0], "prev-transaction-record-id": self.previous[1]}
        position = f"{self.file}:{self.position}:{self.row}:{self.end}:{self.transaction}:{self.file}:{self.begin}"
        # MySQL's events carry whole seconds.
        return found | {
            "commit-timestamp": self.commit.strftime("%Y-%m-%dT%H:%M:%S.000000Z"),
            "stream-position": position,
        }


def load(table: Table, row: Mapping[str, Any], style: Style, now: datetime) -> Record:
    """A row of the full load."""
    return _data(table, "load", row, None, style, {}, now)


def change(
    table: Table,
    operation: str,
    row: Mapping[str, Any],
    before: Mapping[str, Any] | None,
    style: Style,
    place: Place,
    now: datetime,
) -> Record:
    """An insert, update or delete.

    :param row: as it is now; of a delete, as it was.
    :param before: of an update, the row as it was.
    """
    return _data(table, operation, row, before, style, place.metadata(), now)


def control(
    table: Table, operation: str, style: Style, now: datetime, details: Mapping[str, Any] | None = None
) -> Record:
    """What happened to a table, such as `create-table`.

    :param details: what the operation adds beside the table's definition.
    """
    metadata = {
        "timestamp": _timestamp(now),
        "record-type": "control",
        "operation": operation,
        "partition-key-type": "task-id",
        "partition-key-value": style.task,
        "schema-name": table.schema,
        "table-name": table.name,
    }
    body = {"control": {"table-def": table.definition(), **(details or {})}, "metadata": metadata}
    key = f"{style.task}.{table.full_name}"[:256]
    return Record(key, ENCODE(body).encode())


def _data(
    table: Table,
    operation: str,
    row: Mapping[str, Any],
    before: Mapping[str, Any] | None,
    style: Style,
    details: Mapping[str, Any],
    now: datetime,
) -> Record:
    key = table.partition_key(row)
    metadata = {
        "timestamp": _timestamp(now),
        "record-type": "data",
        "operation": operation,
        "partition-key-type": "primary-key" if table.key else "schema-table",
        "partition-key-value": key,
        "schema-name": table.schema,
        "table-name": table.name,
        **details,
    }
    parts = [f'"data":{_row(table.columns, row, style)}']
    if before is not None and style.before_image != "none":
        shown = [column for column in table.columns if _shows(column, table, style)]
        parts.append(f'"{BEFORE}":{_row(shown, before, style)}')
    parts.append(f'"metadata":{ENCODE(metadata)}')
    return Record(key, ("{" + ",".join(parts) + "}").encode())


def _shows(column: Column, table: Table, style: Style) -> bool:
    if style.before_image == "pk-only":
        return column.name in table.key
    # The before image has no LOB values, whatever the filter is (DMS user guide, "Before image task settings").
    return not column.lob


def _row(columns: tuple[Column, ...] | list[Column], row: Mapping[str, Any], style: Style) -> str:
    """By hand, as no float holds all digits of a decimal."""
    texts = []
    for column in columns:
        value = row[column.name]
        if value is None and not style.include_null:
            continue
        texts.append(f"{column.label}:{_value(column, value, style)}")
    return "{" + ",".join(texts) + "}"


def _value(column: Column, value: Any, style: Style) -> str:
    if not column.lob or value is None:
        return column.text(value)
    if style.lob_marker is not None:
        return ENCODE(style.lob_marker)
    # Characters of a text are counted, not bytes.
    return column.text(column.plain(value)[: style.lob_kb * 1024])


def _timestamp(now: datetime) -> str:
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
