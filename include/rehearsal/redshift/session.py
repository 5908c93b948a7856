"""One client's session: its messages in, PostgreSQL's answers out, Redshift's behaviour in between."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import errors, special
from .backend import Backend, BackendError
from .dialect.lexer import render, split
from .dialect.statement import Control, Statement
from .dialect.translate import translate, translate_tokens
from .errors import RedshiftError
from .faults import ConnectionFaultError
from .results import changed_rows, command_tag, describe, hexadecimal
from .wire import Channel, DisconnectedError, cstring, pack_fields, split_cstring, unpack_fields

if TYPE_CHECKING:
    from .server import Warehouse

IDLE, IN_TRANSACTION, FAILED = b"I", b"T", b"E"


@dataclass
class Prepared:
    """A prepared statement: the client's text, its translation, and where its result has VARBYTE values."""

    text: str
    statement: Statement
    varbytes: frozenset[int] = frozenset()


class Session:
    """A logged-in client.

    :param client: the client's channel.
    :param backend: its session in PostgreSQL, just logged in.
    :param warehouse: what all sessions share.
    :param user: the client's user.
    :param pid: the process that serves it in PostgreSQL.
    :param driver: the client is redshift_connector.
    """

    def __init__(
        self, client: Channel, backend: Backend, warehouse: Warehouse, *, user: str, pid: int, driver: bool
    ) -> None:
        self.client = client
        self.backend = backend
        self.warehouse = warehouse
        self.user = user
        self.pid = pid
        self._driver = driver
        self.status = IDLE
        self.settings: dict[str, str] = {}
        self.when_idle: list[tuple[str, ...]] = []
        self._own_transaction = False
        self._locked: set[str] = set()
        self._skipping = False
        self._several = False
        self._statements: dict[bytes, Prepared] = {}
        self._portals: dict[bytes, Prepared] = {}
        self._handlers: dict[bytes, Callable[[bytes], None]] = {
            b"Q": self._query,
            b"P": self._parse,
            b"B": self._bind,
            b"D": self._describe,
            b"E": self._execute,
            b"C": self._close,
            b"H": lambda _: self.client.flush(),
            b"S": lambda _: self._sync(),
        }

    def run(self) -> None:
        """Serve the client until it leaves."""
        self.backend.watched = self.client
        try:
            while True:
                kind, body = self.client.receive()
                if kind == b"X":
                    return
                if kind in self._handlers and (not self._skipping or kind in (b"S", b"Q")):
                    self._guarded(self._handlers[kind], body)
        except (DisconnectedError, ConnectionFaultError):
            self.warehouse.cancel(self.pid)
        finally:
            self.client.close()
            self.backend.close()

    def notice(self, message: str) -> None:
        """Tell the client something (level INFO)."""
        self.client.send(b"N", pack_fields({"S": "INFO", "C": "00000", "M": message}))

    def commit(self) -> None:
        """Commit the open transaction, the client's or our own."""
        self.backend.run("COMMIT")
        self._transaction_ended()

    def begin(self) -> None:
        """Open a transaction of our own around the statement, unless the client has one."""
        if self.status == IDLE and not self._own_transaction:
            self.backend.run("BEGIN")
            self._own_transaction = True

    def lock(self, table: str) -> None:
        """Take the table's write lock until the end of the transaction.

        Writers of one table queue, readers go on (Developer Guide, "Managing concurrent write operations").
        As the lock comes before the transaction's snapshot, a waiting writer then sees what the other has
        written.

        :param table: the table in PostgreSQL's quotes.
        """
        self.begin()
        if table not in self._locked:
            self.backend.run(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")
            self._locked.add(table)

    def note_write(self, table: str, command: str, rows: int, *, in_order: bool = False) -> None:
        """Count changed rows, and fail if the disk is full now.

        :param table: the table in PostgreSQL's quotes.
        :param command: first word of the command tag.
        :param in_order: the rows were sorted while they were written.
        :raises RedshiftError: the database is larger than the disk.
        """
        sql = "SELECT rs.note_write($1::text::regclass, $2, $3, $4)"
        if self.backend.run(sql, table, command, rows, "t" if in_order else "f")[0][0] == "t":
            raise disk_full(0)

    # Messages

    def _guarded(self, handler: Callable[[bytes], None], body: bytes) -> None:
        try:
            handler(body)
        except BackendError as error:
            self._failed(error)
        except RedshiftError as error:
            self._refuse(error)

    def _query(self, body: bytes) -> None:
        """Run a simple query by the extended protocol, which allows steps of our own in between."""
        self._guarded(self._query_statements, body)
        self._sync()

    def _query_statements(self, body: bytes) -> None:
        prepared = [
            Prepared(render(tokens).strip(), translate_tokens(tokens, case_sensitive=self._case_sensitive()))
            for tokens in split(split_cstring(body)[0].decode())
        ]
        if not prepared:
            self.client.send(b"I")
        self._several = len(prepared) > 1
        for one in prepared:
            self._prepare(b"", one, b"\0\0")
            self._bind_portal(b"", one, b"\0" + struct.pack("!HHH", 0, 0, 0))
            self._describe_into(one, b"P\0", forward=frozenset({b"T"}))
            self._run_portal(one, b"\0" + struct.pack("!I", 0))

    def _case_sensitive(self) -> bool:
        return self.settings.get("enable_case_sensitive_identifier") in ("on", "true", "1")

    def _parse(self, body: bytes) -> None:
        name, rest = split_cstring(body)
        sql, types = split_cstring(rest)
        text = sql.decode()
        self._several = False
        self._prepare(name, Prepared(text, translate(text, case_sensitive=self._case_sensitive())), types)
        self.client.send(b"1")

    def _prepare(self, name: bytes, prepared: Prepared, types: bytes) -> None:
        self._take_locks(prepared.statement)
        self._send(b"P", name + b"\0" + cstring(prepared.statement.sql) + types)
        self._answer({b"1"})
        self._statements[name] = prepared

    def _bind(self, body: bytes) -> None:
        portal, rest = split_cstring(body)
        name, _ = split_cstring(rest)
        prepared = self._statements.get(name)
        if prepared is None:
            raise RedshiftError(f'prepared statement "{name.decode()}" does not exist', code="26000")
        self._bind_portal(portal, prepared, rest)
        self.client.send(b"2")

    def _bind_portal(self, portal: bytes, prepared: Prepared, rest: bytes) -> None:
        self._take_locks(prepared.statement)
        self._send(b"B", portal + b"\0" + rest)
        self._answer({b"2"})
        self._portals[portal] = prepared

    def _describe(self, body: bytes) -> None:
        known = self._portals if body[:1] == b"P" else self._statements
        prepared = known.get(split_cstring(body[1:])[0], Prepared("", Statement("")))
        self._describe_into(prepared, body, forward=frozenset({b"t", b"T", b"n"}))

    def _describe_into(self, prepared: Prepared, body: bytes, forward: frozenset[bytes]) -> None:
        self._send(b"D", body)
        kind, answer = self._answer({b"T", b"n"}, forward=forward - {b"T"})
        if kind == b"T":
            answer, prepared.varbytes = describe(answer)
            self.client.send(b"T", answer)

    def _close(self, body: bytes) -> None:
        self._send(b"C", body)
        self._answer({b"3"}, forward={b"3"})

    def _execute(self, body: bytes) -> None:
        portal, _ = split_cstring(body)
        prepared = self._portals.get(portal)
        if prepared is None:
            raise RedshiftError(f'portal "{portal.decode()}" does not exist', code="34000")
        self._run_portal(prepared, body)

    def _run_portal(self, prepared: Prepared, body: bytes) -> None:
        self.warehouse.faults.strike(prepared.text, "before")
        tag = self._perform(prepared, body)
        if not self._several:
            self._settle()
        self.warehouse.faults.strike(prepared.text, "after")
        if tag:
            self.client.send(b"C", cstring(tag))

    def _perform(self, prepared: Prepared, body: bytes) -> str | None:
        statement = prepared.statement
        if statement.alone and (self.status != IDLE or self._several):
            raise errors.in_transaction(statement.alone)
        if statement.control is not Control.NONE and self._own_transaction:
            self.commit()
        self._take_locks(statement)
        if statement.before or statement.after or statement.counts:
            self.begin()
        for sql, *values in statement.before:
            self.backend.run(sql, *values)
        if statement.special is not None:
            return special.perform(self, statement.special)
        tag = self._relay(body, prepared.varbytes)
        if tag is None:
            return None
        self._afterwards(statement, tag)
        return statement.tag or command_tag(tag)

    def _afterwards(self, statement: Statement, tag: str) -> None:
        rows = changed_rows(tag)
        for sql in statement.follow_up:
            self.backend.run(sql)
            rows = max(rows, changed_rows(self.backend.tag))
        if statement.counts:
            command = (statement.tag or tag).split(" ", 1)[0]
            self.note_write(statement.counts, command, rows, in_order=command == "SELECT")
        for sql, *values in statement.after:
            self.backend.run(sql, *values)
        if statement.control is Control.BEGIN:
            self.status = IN_TRANSACTION
        elif statement.control is Control.END:
            self._transaction_ended()
        self.settings |= statement.settings

    def _relay(self, body: bytes, varbytes: frozenset[int]) -> str | None:
        """Let PostgreSQL run a portal, pass the rows on, and return the command tag."""
        self._send(b"E", body)
        kind, answer = self._answer({b"C", b"I", b"s"}, forward={b"D", b"I", b"s"}, varbytes=varbytes)
        return answer[:-1].decode() if kind == b"C" else None

    def _take_locks(self, statement: Statement) -> None:
        for table in statement.writes:
            self.lock(table)

    def _send(self, kind: bytes, body: bytes) -> None:
        self.backend.send(kind, body)
        self.backend.send(b"H")
        self.backend.flush()

    def _answer(
        self,
        last: Collection[bytes],
        *,
        forward: Collection[bytes] = (),
        varbytes: frozenset[int] = frozenset(),
    ) -> tuple[bytes, bytes]:
        """Read PostgreSQL's messages up to one of the kinds in `last`, and pass some kinds on to the client.

        :raises BackendError: PostgreSQL answers with an error.
        """
        while True:
            kind, body = self.backend.receive()
            if kind == b"E":
                raise BackendError(unpack_fields(body))
            if kind == b"D" and varbytes:
                body = hexadecimal(body, varbytes, twice=self._driver)
            if kind in forward or kind in (b"N", b"S"):
                self.client.send(kind, body)
            if kind in last:
                return kind, body

    # Ends of transactions

    def _settle(self) -> None:
        """Make a single statement's effect final before the client hears of it."""
        if self._own_transaction:
            self.commit()

    def _transaction_ended(self) -> None:
        self.status = IDLE
        self._own_transaction = False
        self._locked.clear()

    def _sync(self) -> None:
        if self._own_transaction and not self._skipping:
            self._guarded(lambda _: self.commit(), b"")
        status, error = self.backend.sync()
        if error is not None:
            self._failed(error)
        if self._own_transaction:
            self.backend.script("ROLLBACK")
            status = IDLE
        self.status = status
        self._skipping = self._several = False
        if status == IDLE:
            self._transaction_ended()
            for sql, *values in self.when_idle:
                with contextlib.suppress(BackendError):  # a table of the transaction that has failed
                    self.backend.command(sql, *values)
            self.when_idle.clear()
        self.client.send(b"Z", status)
        self.client.flush()

    def _refuse(self, error: RedshiftError) -> None:
        """Let PostgreSQL itself raise our error, so that it fails the transaction as any other does."""
        try:
            self.backend.run("SELECT rs.raise($1, $2, $3, $4)", error.message, error.code, error.detail, error.hint)
        except BackendError as raised:
            self._failed(raised)

    def _failed(self, error: BackendError) -> None:
        self._skipping = True
        table = next(iter(self._locked), None)
        if error.fields.get("C") == errors.DISK_FULL:
            # What was written and rolled back takes no space in Redshift; PostgreSQL has to cut it off.
            self.when_idle += [(f"VACUUM (TRUNCATE, SKIP_LOCKED) {name}",) for name in self._locked]
        table_id = 0
        if table and error.fields.get("C") == "40001":
            table_id = self.warehouse.table_id(table, self.backend.parameters.get("search_path", ""))
        self.client.send(b"E", pack_fields(errors.translate(error.fields, table_id=table_id, pid=self.pid)))


def disk_full(query: int) -> RedshiftError:
    """Return the error of a warehouse whose disk is full."""
    return errors.internal("Disk Full", 1016, "node: 0", query)
