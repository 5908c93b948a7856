"""The frontend/backend protocol, version 3, as both sides of the stand-in speak it."""

from __future__ import annotations

import select
import socket
import struct
from collections.abc import Mapping

_HEADER = struct.Struct("!cI")
_RECEIVE_BYTES = 256 * 1024
_FLUSH_BYTES = 64 * 1024

PROTOCOL_3 = 196608
CANCEL_REQUEST = 80877102
SSL_REQUEST = 80877103
GSS_REQUEST = 80877104


class DisconnectedError(Exception):
    """Raised when the other side has closed the connection."""


class Channel:
    """A socket that carries protocol messages, buffered both ways.

    :param sock: a connected stream socket; the channel closes it.
    """

    def __init__(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self._in = bytearray()
        self._start = 0
        self._out = bytearray()

    def close(self) -> None:
        """Close the socket; closing twice is harmless."""
        self.sock.close()

    def send(self, kind: bytes, body: bytes = b"") -> None:
        """Queue a message.

        :param kind: the message's type byte.
        :param body: what follows its length.
        """
        self._out += _HEADER.pack(kind, len(body) + 4)
        self._out += body
        if len(self._out) > _FLUSH_BYTES:
            self.flush()

    def send_startup(self, body: bytes) -> None:
        """Queue a start-up message, which has no type byte."""
        self._out += struct.pack("!I", len(body) + 4) + body

    def flush(self) -> None:
        """Send what is queued."""
        try:
            self.sock.sendall(self._out)
        except OSError as error:
            raise DisconnectedError(str(error)) from error
        self._out.clear()

    def flush_while_reading(self) -> None:
        """Send what is queued and read meanwhile, so that two full socket buffers cannot block each other."""
        view = memoryview(bytes(self._out))
        self._out.clear()
        while view:
            readable, writable, _ = select.select([self.sock], [self.sock], [])
            if readable:
                self._fill()
            if writable:
                try:
                    view = view[self.sock.send(view) :]
                except OSError as error:
                    raise DisconnectedError(str(error)) from error

    def receive(self) -> tuple[bytes, bytes]:
        """Return the next message as its type byte and body.

        :raises DisconnectedError: the other side has closed the connection.
        """
        while not self.has_message():
            self._fill()
        kind, length = _HEADER.unpack_from(self._in, self._start)
        first = self._start + 5
        self._start += 1 + length
        return kind, bytes(self._in[first : self._start])

    def receive_startup(self) -> bytes:
        """Return the body of a start-up message."""
        while len(self._in) < 4 or len(self._in) < struct.unpack_from("!I", self._in)[0]:
            self._fill()
        length = struct.unpack_from("!I", self._in)[0]
        body = bytes(self._in[4:length])
        del self._in[:length]
        return body

    def has_message(self) -> bool:
        """Tell whether a whole message is buffered."""
        available = len(self._in) - self._start
        if available < 5:
            return False
        return available > int(_HEADER.unpack_from(self._in, self._start)[1])

    def is_closed(self) -> bool:
        """Tell, without waiting, whether the other side has closed the connection."""
        if not select.select([self.sock], [], [], 0)[0]:
            return False
        try:
            return self.sock.recv(1, socket.MSG_PEEK) == b""
        except OSError:
            return True

    def _fill(self) -> None:
        if self._start:
            del self._in[: self._start]
            self._start = 0
        try:
            data = self.sock.recv(_RECEIVE_BYTES)
        except OSError as error:
            raise DisconnectedError(str(error)) from error
        if not data:
            raise DisconnectedError("closed by the other side")
        self._in += data


def cstring(text: str) -> bytes:
    """Encode a string as the protocol wants it, with its final zero."""
    return text.encode() + b"\0"


def split_cstring(body: bytes) -> tuple[bytes, bytes]:
    """Return the first zero-terminated string of `body`, and the rest."""
    first, _, rest = body.partition(b"\0")
    return first, rest


def pack_fields(fields: Mapping[str, str]) -> bytes:
    """Build the body of an ErrorResponse or NoticeResponse."""
    return b"".join(code.encode() + cstring(value) for code, value in fields.items()) + b"\0"


def unpack_fields(body: bytes) -> dict[str, str]:
    """Read the body of an ErrorResponse or NoticeResponse."""
    parts = (part.decode(errors="replace") for part in body.split(b"\0") if part)
    return {part[0]: part[1:] for part in parts}


def unpack_row(body: bytes) -> list[bytes | None]:
    """Read the values of a DataRow."""
    (count,) = struct.unpack_from("!H", body)
    values: list[bytes | None] = []
    position = 2
    for _ in range(count):
        (length,) = struct.unpack_from("!i", body, position)
        position += 4
        values.append(None if length < 0 else body[position : position + length])
        position += max(length, 0)
    return values


def pack_row(values: list[bytes | None]) -> bytes:
    """Build the body of a DataRow."""
    parts = [struct.pack("!H", len(values))]
    for value in values:
        parts.append(struct.pack("!i", -1) if value is None else struct.pack("!i", len(value)) + value)
    return b"".join(parts)


def bind_body(portal: str, statement: str, values: list[str | None]) -> bytes:
    """Build the body of a Bind message with text parameters and text results."""
    encoded = [None if value is None else value.encode() for value in values]
    return cstring(portal) + cstring(statement) + b"\0\0" + pack_row(encoded) + b"\0\0"
