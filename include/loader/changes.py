"""Records as DMS writes them to Kinesis, read into changes. Pure.

The format is that of the DMS user guide, "Using Amazon Kinesis Data Streams as a target": an object with `data` and
`metadata`, and `before-image` for updates where the task asks for it; control records say what happened to a table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeAlias

from loader.contract import (
    RECORDS,
    RESERVED,
    ContractError,
    document_id,
    moment,
    pack_version,
    parse_stream_position,
)
from loader.errors import PoisonError
from loader.fields import read_json
from loader.settings import DocumentSettings

BEFORE: Final = "before-image"
_CHANGES: Final = frozenset({"load", "insert", "update", "delete"})
# After these the index holds documents of rows that are gone, and no delete will come for them.
_EMPTYING: Final = frozenset({"drop-table", "truncate-table", "rename-table"})


@dataclass(frozen=True, slots=True)
class Change:
    """What one record says about one document: its row as it is now, or that it is gone."""

    id: str
    version: int
    at: datetime
    """Time of the commit; of the reading, for rows of a full load."""
    row: Mapping[str, Any] | None
    """None: the row was deleted, or has another key now."""
    missing: tuple[str, ...] = ()
    """LOB columns whose values the record does not hold."""


@dataclass(frozen=True, slots=True)
class Control:
    """A control record about our table."""

    operation: str
    empties: bool
    """Whether rows went away for which no delete will come."""


Read: TypeAlias = tuple[Change, ...] | Control | None
"""One record: changes (two when the key changed), a control record, or nothing of our table."""


def read_record(data: bytes, settings: DocumentSettings, *, load_version: int | None = None) -> Read:
    """Read one record of the stream of changes.

    :param load_version: version of the rows of a full load; by default the first one of the epoch.
    :raises PoisonError: it cannot be understood; says why.
    """
    record = _record(data)
    metadata = record["metadata"]
    if f"{metadata.get('schema-name')}.{metadata.get('table-name')}" != settings.table:
        return None
    operation = metadata.get("operation")
    if metadata.get("record-type") == "control":
        return Control(str(operation), operation in _EMPTYING)
    if operation not in _CHANGES:
        raise PoisonError(f"operation {operation!r} is unknown: this program reads {', '.join(sorted(_CHANGES))}")
    try:
        return _changes(record, str(operation), settings, load_version)
    except (ContractError, KeyError, TypeError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise PoisonError(f"a record of operation {operation}: {reason}", "record") from error


def _record(data: bytes) -> dict[str, Any]:
    try:
        record = read_json(data)
    except ValueError as error:
        raise PoisonError(f"a record is no JSON: {error}", "record") from error
    if not isinstance(record, dict) or not isinstance(record.get("metadata"), dict):
        raise PoisonError("a record has no metadata, so it does not come from DMS", "record")
    return record


def _changes(
    record: Mapping[str, Any], operation: str, settings: DocumentSettings, load_version: int | None
) -> tuple[Change, ...]:
    metadata, row = record["metadata"], record["data"]
    before = record.get(BEFORE) or {}
    if RESERVED in row:
        raise ContractError(f"the table has a column {RESERVED!r}, which documents reserve: rename it or omit it")
    at = moment(metadata.get("commit-timestamp") or metadata["timestamp"])
    if operation == "load":
        version = pack_version(settings.epoch) if load_version is None else load_version
    else:
        version = _version(metadata, settings.epoch)
    if operation == "delete":
        # Some engines send the row before its deletion as `data`, some as before image.
        return (Change(_id({**before, **row}, settings), version, at, None),)
    found = Change(_id(row, settings), version, at, row, _unsent(row, settings))
    was = _id({**row, **before}, settings)
    return (found,) if was == found.id else (Change(was, version, at, None), found)


def _id(row: Mapping[str, Any], settings: DocumentSettings) -> str:
    return document_id([row[column] for column in settings.id])


def _version(metadata: Mapping[str, Any], epoch: int) -> int:
    if "stream-position" not in metadata:
        raise ContractError(
            "stream-position is missing: switch IncludeTransactionDetails on in the Kinesis endpoint of the DMS task"
        )
    position = parse_stream_position(metadata["stream-position"])
    # Numbers within the event are exact. Those within the transaction only have to order the rows of one event,
    # which holds far fewer than 16,384 (binlog_row_event_max_size), so the low bits do.
    record = position.row if position.row is not None else int(metadata["transaction-record-id"]) % RECORDS
    return pack_version(epoch, position.file, position.position, record)


def _unsent(row: Mapping[str, Any], settings: DocumentSettings) -> tuple[str, ...]:
    """Columns whose values did not come; before images have no LOBs (DMS user guide, "Before image task settings")."""
    marked = [column for column, value in row.items() if value == settings.lob_marker]
    return (*marked, *(column for column in settings.lobs if column not in row))
