"""A connection to the PostgreSQL behind the stand-in."""

from __future__ import annotations

import hashlib
import select
import socket
import struct

from .wire import PROTOCOL_3, Channel, DisconnectedError, bind_body, cstring, split_cstring, unpack_fields, unpack_row

_INTERNAL = "_rehearsal"

Row = list[str | None]


class BackendError(Exception):
    """PostgreSQL has answered with an error.

    :param fields: the fields of the ErrorResponse.
    """

    def __init__(self, fields: dict[str, str]) -> None:
        super().__init__(f"{fields.get('C', '?')}: {fields.get('M', '?')}")
        self.fields = fields


class Backend(Channel):
    """A channel to PostgreSQL that can also run statements of the stand-in's own.

    :param address: host and port.
    """

    def __init__(self, address: tuple[str, int]) -> None:
        super().__init__(socket.create_connection(address))
        self.notices: list[dict[str, str]] = []
        self.parameters: dict[str, str] = {}
        self.tag = ""
        self._open = False
        self.watched: Channel | None = None

    def receive(self) -> tuple[bytes, bytes]:
        """Return the next message; meanwhile the watched client must not go away.

        :raises DisconnectedError: PostgreSQL or the client has closed its connection.
        """
        watched = self.watched
        while watched is not None and not self.has_message():
            readable, _, _ = select.select([self.sock, watched.sock], [], [])
            if self.sock in readable:
                break
            if watched.is_closed():
                raise DisconnectedError("closed by the client")
            watched = None  # it only sends ahead
        kind, body = super().receive()
        if kind == b"S":
            name, value = split_cstring(body)
            self.parameters[name.decode()] = value[:-1].decode()
        return kind, body

    def log_in(self, user: str, password: str, database: str) -> None:
        """Start a session with an MD5 password, and wait until it is ready.

        :raises BackendError: PostgreSQL refuses the session.
        """
        parameters = cstring("user") + cstring(user) + cstring("database") + cstring(database)
        self.send_startup(struct.pack("!I", PROTOCOL_3) + parameters + b"\0")
        self.flush()
        while True:
            kind, body = self.receive()
            if kind == b"R" and struct.unpack_from("!I", body)[0] == 5:
                self.send(b"p", cstring(md5_answer(user, password, body[4:8])))
                self.flush()
            elif kind == b"E":
                raise BackendError(unpack_fields(body))
            elif kind == b"Z":
                return

    def run(self, sql: str, *values: str | int | None) -> list[Row]:
        """Run one statement inside the transaction that is open, by a prepared statement of its own.

        :param sql: the statement, its parameters written as $1, $2.
        :param values: the parameters; PostgreSQL reads them as text.
        :returns: the rows, values as text.
        :raises BackendError: PostgreSQL refuses it; it then ignores everything until the next Sync.
        """
        self.start(sql, *values)
        rows = []
        while True:
            kind, body = self.receive()
            if kind == b"D":
                rows.append([None if value is None else value.decode() for value in unpack_row(body)])
            elif kind == b"E":
                raise BackendError(unpack_fields(body))
            elif kind == b"N":
                self.notices.append(unpack_fields(body))
            elif kind in (b"C", b"I"):
                self.tag = body[:-1].decode()
                self.finish()
                return rows

    def start(self, sql: str, *values: str | int | None) -> None:
        """Send a statement of the stand-in's own; the caller reads the answers and then calls `finish`."""
        texts = [None if value is None else str(value) for value in values]
        if self._open:  # left by a statement that failed
            self._send_close()
        self._open = True
        self.send(b"P", cstring(_INTERNAL) + cstring(sql) + b"\0\0")
        self.send(b"B", bind_body(_INTERNAL, _INTERNAL, texts))
        self.send(b"E", cstring(_INTERNAL) + b"\0\0\0\0")
        self.send(b"H")
        self.flush()

    def finish(self) -> None:
        """Close what `start` has opened, so that the names are free again."""
        self._send_close()
        self.send(b"H")
        self.flush()
        closed = 0
        while closed < 2:
            kind, body = self.receive()
            closed += kind == b"3"
            if kind == b"E":
                raise BackendError(unpack_fields(body))
        self._open = False

    def _send_close(self) -> None:
        self.send(b"C", b"P" + cstring(_INTERNAL))
        self.send(b"C", b"S" + cstring(_INTERNAL))

    def sync(self) -> tuple[bytes, BackendError | None]:
        """End the implicit transaction.

        :returns: the transaction status (`I`, `T` or `E`), and the error if the implicit commit failed.
        """
        self.send(b"S")
        self.flush()
        error = None
        while True:
            kind, body = self.receive()
            if kind == b"E":
                error = BackendError(unpack_fields(body))
            elif kind == b"Z":
                return body, error

    def command(self, sql: str, *values: str | int | None) -> list[Row]:
        """Run one statement in a transaction of its own, on a connection that is used for nothing else.

        :raises BackendError: PostgreSQL refuses it; the connection stays usable.
        """
        try:
            rows = self.run(sql, *values)
        except BackendError:
            self.sync()
            raise
        error = self.sync()[1]
        if error is not None:
            raise error
        return rows

    def script(self, sql: str) -> None:
        """Run several statements, without parameters, as one transaction.

        :raises BackendError: PostgreSQL refuses one of them.
        """
        self.send(b"Q", cstring(sql))
        self.flush()
        error = None
        while True:
            kind, body = self.receive()
            if kind == b"E":
                error = BackendError(unpack_fields(body))
            elif kind == b"Z":
                if error is not None:
                    raise error
                return

    def __enter__(self) -> Backend:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.send(b"X")
            self.flush()
        except DisconnectedError:
            pass
        self.close()


def md5_answer(user: str, password: str, salt: bytes) -> str:
    """Return the answer to an MD5 password request."""
    return "md5" + _md5(_md5((password + user).encode()).encode() + salt)


def md5_stored(user: str, password: str) -> str:
    """Return the form in which PostgreSQL keeps a password, so that no statement holds it in clear."""
    return "md5" + _md5((password + user).encode())


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()  # what the protocol asks for


def quote(name: str) -> str:
    """Quote an identifier."""
    return '"' + name.replace('"', '""') + '"'
