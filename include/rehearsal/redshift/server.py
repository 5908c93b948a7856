"""Listen for clients, log them in to PostgreSQL, and give each a session."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import struct
import threading
from pathlib import Path

from rehearsal.errors import RehearsalError
from rehearsal.ports import LOOPBACK

from . import errors
from .backend import Backend, BackendError
from .faults import Faults
from .postgres import Postgres
from .session import Session
from .sources import Storage
from .wire import (
    CANCEL_REQUEST,
    GSS_REQUEST,
    PROTOCOL_3,
    SSL_REQUEST,
    Channel,
    DisconnectedError,
    cstring,
    pack_fields,
    split_cstring,
    unpack_fields,
)

# What Redshift says its version is, which the driver reads.
SERVER_VERSION = "8.0.2"
_PASSED_ON = ("user", "database", "client_encoding", "application_name")
_AUTHENTICATED = 0


class Warehouse:
    """What all sessions of one stand-in share.

    :param postgres: the running PostgreSQL.
    :param storage: the S3 of COPY and UNLOAD.
    :param folder: the data folder, which also holds `faults.json`.
    """

    def __init__(self, postgres: Postgres, storage: Storage, folder: Path) -> None:
        self.postgres = postgres
        self.storage = storage
        self.faults = Faults(folder / "faults.json", self.die)
        self.vacuum_lock = threading.Lock()
        self._secrets: dict[int, bytes] = {}

    def connect(self) -> Backend:
        """Open a superuser's session, in which each statement sees what others have committed."""
        session = self.postgres.connect()
        session.command("SET default_transaction_isolation = 'read committed'")
        return session

    def table_id(self, table: str, search_path: str) -> int:
        """Return the number of a table, 0 if it is not found."""
        with self.postgres.connect() as session:
            session.command("SELECT set_config('search_path', $1, false)", search_path)
            found = session.command("SELECT to_regclass($1)::oid", table)[0][0]
        return int(found or 0)

    def die(self) -> None:
        """Kill PostgreSQL and this process at once, as a crash of the warehouse would."""
        self.postgres.kill()
        os.kill(os.getpid(), signal.SIGKILL)

    def know(self, pid: int, secret: bytes) -> None:
        """Keep what a cancel request for this process needs."""
        self._secrets[pid] = secret

    def cancel(self, pid: int) -> None:
        """Stop what a process of PostgreSQL runs."""
        secret = self._secrets.pop(pid, None)
        if secret is not None:
            self.forward_cancel(struct.pack("!II", CANCEL_REQUEST, pid) + secret)

    def forward_cancel(self, body: bytes) -> None:
        """Hand a client's cancel request on to PostgreSQL."""
        with contextlib.suppress(OSError), socket.create_connection(self.postgres.address) as channel:
            channel.sendall(struct.pack("!I", len(body) + 4) + body)
            channel.recv(1)  # PostgreSQL closes when it has passed the request on


def serve(listener: socket.socket, warehouse: Warehouse, stopping: int) -> None:
    """Accept clients until told to stop or until PostgreSQL ends.

    :param listener: the listening socket.
    :param stopping: a file descriptor that becomes readable when the server is to stop.
    """
    while warehouse.postgres.is_running():
        readable, _, _ = select.select([listener.fileno(), stopping], [], [], 1.0)
        if stopping in readable:
            return
        if listener.fileno() in readable:
            sock, _ = listener.accept()
            threading.Thread(target=_welcome, args=(sock, warehouse), daemon=True).start()


def listen(port: int) -> socket.socket:
    """Listen on a port of the loopback interface.

    :raises RehearsalError: another process listens on it.
    """
    try:
        return socket.create_server((LOOPBACK, port), backlog=64)
    except OSError as error:
        raise RehearsalError(f"The Redshift stand-in cannot listen on port {port}: {error.strerror}.") from error


def _welcome(sock: socket.socket, warehouse: Warehouse) -> None:
    client = Channel(sock)
    try:
        body = _startup(client)
        (code,) = struct.unpack_from("!I", body)
        if code == CANCEL_REQUEST:
            warehouse.forward_cancel(body)
        elif code == PROTOCOL_3:
            _log_in(client, warehouse, _parameters(body[4:]))
    except (DisconnectedError, OSError):
        pass
    finally:
        client.close()


def _startup(client: Channel) -> bytes:
    """Read the start-up message; encryption is declined first, if the client asks for it."""
    while True:
        body = client.receive_startup()
        if struct.unpack_from("!I", body)[0] not in (SSL_REQUEST, GSS_REQUEST):
            return body
        client.sock.sendall(b"N")


def _parameters(body: bytes) -> dict[str, str]:
    words = [word.decode() for word in body.split(b"\0")]
    return dict(zip(words[::2], words[1::2], strict=False))


def _log_in(client: Channel, warehouse: Warehouse, parameters: dict[str, str]) -> None:
    """Let PostgreSQL check the password, and start the session.

    The driver's own start-up parameters, which PostgreSQL does not know, are left out.
    """
    backend = Backend(warehouse.postgres.address)
    try:
        passed = b"".join(cstring(name) + cstring(parameters[name]) for name in _PASSED_ON if name in parameters)
        backend.send_startup(struct.pack("!I", PROTOCOL_3) + passed + b"\0")
        backend.flush()
        pid = _authenticate(client, backend, warehouse)
    except BackendError as error:
        client.send(b"E", pack_fields(errors.translate(error.fields)))
        client.flush()
        backend.close()
    except BaseException:
        backend.close()
        raise
    else:
        driver = "client_protocol_version" in parameters
        Session(client, backend, warehouse, user=parameters["user"], pid=pid, driver=driver).run()


def _authenticate(client: Channel, backend: Backend, warehouse: Warehouse) -> int:
    pid = 0
    while True:
        kind, body = backend.receive()
        if kind == b"E":
            raise BackendError(unpack_fields(body))
        if kind == b"S" and split_cstring(body)[0] == b"server_version":
            body = cstring("server_version") + cstring(SERVER_VERSION)
        if kind == b"K":
            (pid,) = struct.unpack_from("!I", body)
            warehouse.know(pid, body[4:])
        client.send(kind, body)
        if kind == b"Z":
            client.flush()
            return pid
        if kind == b"R" and struct.unpack_from("!I", body)[0] != _AUTHENTICATED:
            client.flush()
            backend.send(*client.receive())
            backend.flush()
