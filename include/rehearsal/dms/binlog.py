"""The source's binary log as records: from a GTID set on, transaction by transaction."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pymysql
from pymysqlreplication import BinLogStreamReader
from pymysqlreplication.event import GtidEvent, QueryEvent, RotateEvent, XidEvent
from pymysqlreplication.gtid import Gtid, GtidSet
from pymysqlreplication.row_event import DeleteRowsEvent, RowsEvent, TableMapEvent, UpdateRowsEvent, WriteRowsEvent

from rehearsal.dms.records import Place, Record, Style, change, control
from rehearsal.dms.source import Source
from rehearsal.dms.tables import Table
from rehearsal.errors import RehearsalError

# It asks for names in the binary log; they come from the source's catalog instead (`_describe`).
logging.getLogger("pymysqlreplication").setLevel(logging.ERROR)

SERVER_ID = 5000
HEARTBEAT_SECONDS = 1
RECONNECT_SECONDS = 0.2
PURGED = 1236
_DDL = re.compile(r"\s*(?:/\*.*?\*/\s*)?(CREATE|ALTER|DROP|RENAME|TRUNCATE)\s+(?:TABLE\s+)?", re.IGNORECASE | re.DOTALL)
_NAME = re.compile(r"(?:`?[^`.\s]+`?\.)?`?([^`.\s;]+)`?")
_OPERATIONS: dict[type[RowsEvent], str] = {
    WriteRowsEvent: "insert",
    UpdateRowsEvent: "update",
    DeleteRowsEvent: "delete",
}


@dataclass(frozen=True)
class Transaction:
    """The end of a transaction: its records came before it.

    :ivar gtid: `source:number`.
    """

    gtid: str


class Binlog:
    """A reader of the binary log that comes back when the server does.

    :param executed: GTID set of what is not wanted any more.
    :param style: how records are written; asked for each time, as faults change it.
    :param reopened: called when the open transaction is read anew from its beginning.
    """

    def __init__(self, source: Source, executed: str, style: Callable[[], Style], reopened: Callable[[], None]) -> None:
        self._source = source
        self._style = style
        self._reopened = reopened
        self._read = GtidSet(executed)
        self._tables = {name: table for schema in source.schemas for name, table in source.tables(schema).items()}
        self._gtid, self._begin, self._commit, self._record = "", 0, datetime.fromtimestamp(0, UTC), 0
        self._inside = False
        self._previous: tuple[int, int] | None = None
        self._stream = BinLogStreamReader(
            connection_settings=self._source.endpoint.settings(),
            server_id=SERVER_ID,
            # By it the server knows a replica that comes back from another one.
            slave_uuid=str(uuid.uuid4()),
            auto_position=executed,
            blocking=True,
            only_events=[
                *_OPERATIONS, TableMapEvent, GtidEvent, QueryEvent, XidEvent, RotateEvent,
            ],
            only_schemas=source.schemas,
            slave_heartbeat=HEARTBEAT_SECONDS,
            # A table that is altered gets another number in the binary log, so what a number means is read once.
            freeze_schema=True,
            pymysql_wrapper=self._connect,
            enable_logging=False,
        )  # fmt: skip

    def __iter__(self) -> Iterator[Record | Transaction]:
        """All that follows, without end.

        :raises RehearsalError: the server has purged what is wanted.
        """
        while True:
            try:
                # Ends when the server does.
                for event in self._stream:
                    yield from self._handle(event)
            except pymysql.err.MySQLError as error:
                if error.args and error.args[0] == PURGED:
                    raise RehearsalError(
                        f"The source has purged binary logs that the task still needs ({error.args[1]}). Remove the "
                        "task's folder and start it again, for a full load, and keep binary logs longer."
                    ) from None
            with suppress(pymysql.err.MySQLError, OSError):
                self._stream.close()
            time.sleep(RECONNECT_SECONDS)

    def _connect(self, **settings: Any) -> Any:
        """Connect, as often as it takes, and go on behind the last whole transaction."""
        if hasattr(self, "_stream"):
            self._stream.auto_position = str(self._read)
            # A server that comes back gives the numbers of tables anew.
            self._stream.table_map.clear()
            self._reopened()
        while True:
            try:
                return pymysql.connect(**settings)
            except pymysql.err.OperationalError:
                time.sleep(RECONNECT_SECONDS)

    def _handle(self, event: Any) -> Iterator[Record | Transaction]:
        if isinstance(event, GtidEvent):
            self._gtid, self._begin, self._record, self._inside = event.gtid, _start(event), 0, False
            self._commit = _commit_time(event)
        elif isinstance(event, TableMapEvent):
            self._describe(event)
        elif isinstance(event, RowsEvent):
            yield from self._rows(event)
        elif isinstance(event, XidEvent):
            yield self._ended()
        elif isinstance(event, QueryEvent):
            yield from self._statement(event)

    def _ended(self) -> Transaction:
        self._read.merge_gtid(Gtid(self._gtid))
        return Transaction(self._gtid)

    def _describe(self, event: TableMapEvent) -> None:
        """Tell the reader what the binary log does not say: signs, character sets, names of choices."""
        table = self._tables.get(f"{event.schema}.{event.table}")
        if table is None or len(table.columns) != len(event.columns):
            return
        for column, known in zip(event.columns, table.columns, strict=True):
            column.name = known.name
            column.unsigned = known.unsigned
            # The reader leaves bytes alone whose character set Python does not know.
            column.character_set_name = known.charset or "binary"
            if known.type == "enum":
                # The number 0 is the empty text that an invalid value became.
                column.enum_values = ["", *known.choices]
            elif known.type == "set":
                column.set_values = known.choices

    def _rows(self, event: RowsEvent) -> Iterator[Record]:
        table = self._tables.get(f"{event.schema}.{event.table}")
        if table is None:
            return
        operation = _OPERATIONS[type(event)]
        start, style, now = _start(event), self._style(), datetime.now(UTC)
        for number, row in enumerate(event.rows):
            after = row["after_values"] if operation == "update" else row["values"]
            before = row["before_values"] if operation == "update" else None
            self._record += 1
            place = Place(
                str(self._stream.log_file), start, event.packet.log_pos, number, self._begin, self._commit,
                self._record, self._previous,
            )  # fmt: skip
            self._previous = (place.transaction, place.record)
            yield change(table, operation, _whole(table, after), before, style, place, now)

    def _statement(self, event: QueryEvent) -> Iterator[Record | Transaction]:
        """BEGIN, COMMIT, a savepoint, or a statement that is a transaction of its own, such as a definition."""
        text = event.query if isinstance(event.query, str) else event.query.decode(errors="replace")
        schema = event.schema.decode() if isinstance(event.schema, bytes) else str(event.schema)
        if text.strip().upper() == "BEGIN":
            self._inside = True
            return
        if word := _DDL.match(text):
            for name in self._source.schemas:
                if name == schema or name in text:
                    yield from self._altered(name, word[1].upper(), text[word.end() :])
        # CREATE TABLE ... SELECT stands inside of its transaction, as savepoints do.
        if not self._inside or text.strip().upper() in ("COMMIT", "ROLLBACK"):
            yield self._ended()

    def _altered(self, schema: str, word: str, rest: str) -> Iterator[Record]:
        known = {name: table for name, table in self._tables.items() if table.schema == schema}
        now, style = datetime.now(UTC), self._style()
        found = self._source.tables(schema)
        if word == "TRUNCATE":
            emptied = _NAME.match(rest)
            if emptied and (table := known.get(f"{schema}.{emptied[1]}")):
                yield control(table, "truncate-table", style, now)
            return
        for gone in known.keys() - found.keys():
            yield control(known[gone], "rename-table" if word == "RENAME" else "drop-table", style, now)
            del self._tables[gone]
        for name, table in found.items():
            if name not in known:
                yield control(table, "create-table", style, now)
            elif table != known[name]:
                yield control(table, _alteration(known[name], table), style, now)
        self._tables |= found


def _alteration(was: Table, now: Table) -> str:
    """DMS's word for a change of columns (KinesisSettings, IncludeTableAlterOperations)."""
    before, after = [column.name for column in was.columns], [column.name for column in now.columns]
    if len(after) > len(before):
        return "add-column"
    if len(after) < len(before):
        return "drop-column"
    return "rename-column" if before != after else "change-columns"


def _whole(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    if row.keys() != {column.name for column in table.columns}:
        raise RehearsalError(
            f"{table.full_name} was altered after a change that the task reads only now, so that its columns are not "
            f"known any more ({len(row)} then, {len(table.columns)} now). Remove the task's folder for a full load."
        )
    return row


def _start(event: Any) -> int:
    """Where an event begins: it says where it ends, and how long it is."""
    return int(event.packet.log_pos) - int(event.packet.event_size)


def _commit_time(event: GtidEvent) -> datetime:
    """Time of the commit; behind the logical clock stand 7 bytes of microseconds (MySQL source, `Gtid_event`)."""
    microseconds = int.from_bytes(event.packet.read(7), "little") & ((1 << 55) - 1)
    return datetime.fromtimestamp(microseconds / 1e6, UTC)
