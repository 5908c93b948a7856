"""The writing connections: each has a thread, which writes on schedule and looks before it writes again."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import MySQLdb
from botocore.exceptions import BotoCoreError, ClientError
from MySQLdb.constants import CLIENT

from rehearsal.load.address import Address, Parameter
from rehearsal.load.log import Acknowledged, AcknowledgementLog

RETRY_SECONDS = 0.05
NETWORK_SECONDS = 5
# Ids have an index that is not unique: a duplicate must be possible, or looking for one proves nothing.
TABLES = (
    "CREATE TABLE IF NOT EXISTS load_writes (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, "
    "write_id VARCHAR(64) NOT NULL, worker INT NOT NULL, written_at DATETIME(6) NOT NULL, KEY (write_id))",
    "CREATE TABLE IF NOT EXISTS load_totals (worker INT NOT NULL PRIMARY KEY, writes BIGINT NOT NULL)",
)
_WRITE = (
    "BEGIN; INSERT INTO load_writes (write_id, worker, written_at) VALUES (%s, %s, UTC_TIMESTAMP(6)); "
    "INSERT INTO load_totals VALUES (%s, 1) ON DUPLICATE KEY UPDATE writes = writes + 1; COMMIT"
)
_FAILURES = (MySQLdb.Error, BotoCoreError, ClientError, OSError)


@dataclass(frozen=True)
class Login:
    """How the application logs in."""

    user: str
    password: str
    database: str


class _Session:
    """One connection, and what is needed to know later whether it has ended."""

    def __init__(self, address: Address, login: Login) -> None:
        self.address = address
        self._connection: Any = MySQLdb.connect(
            host=address.host,
            port=address.port,
            user=login.user,
            password=login.password,
            database=login.database,
            connect_timeout=NETWORK_SECONDS,
            read_timeout=NETWORK_SECONDS,
            write_timeout=NETWORK_SECONDS,
            charset="utf8mb4",
            autocommit=True,
            client_flag=CLIENT.MULTI_STATEMENTS,
        )
        self.thread_id: int = self._connection.thread_id()
        self.server: str = self.rows("SELECT @@server_uuid")[0][0]

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement and return the rows of its first result; errors of all results are raised."""
        with contextlib.closing(self._connection.cursor()) as cursor:
            cursor.execute(statement, values or None)
            found = list(cursor.fetchall())
            while cursor.nextset() is not None:
                pass
            return found

    def close(self) -> None:
        """Close the connection, whatever state it is in."""
        with contextlib.suppress(MySQLdb.Error):
            self._connection.close()


class Worker(threading.Thread):
    """Writes on one connection until it is told to stop.

    :param number: of this worker; part of its ids.
    :param run: what makes the ids of this run unlike those of others.
    :param pause: seconds from one write to the next.
    """

    def __init__(
        self,
        number: int,
        run: str,
        parameter: Parameter,
        login: Login,
        log: AcknowledgementLog,
        stopping: threading.Event,
        pause: float,
    ) -> None:
        super().__init__(name=f"writer-{number}", daemon=True)
        self._number = number
        self._run_name = run
        self._parameter = parameter
        self._login = login
        self._log = log
        self._stopping = stopping
        self._pause = pause
        self._session: _Session | None = None
        self._previous: _Session | None = None
        self.last_error = ""

    def run(self) -> None:
        """Write one id after the other; an id is left only when it is acknowledged."""
        for write_id in self._ids():
            # Unknown: whether an earlier try is in the database although its acknowledgement was lost.
            unknown = False
            while not self._try(write_id, unknown):
                unknown = True
                if self._stopping.wait(RETRY_SECONDS):
                    return
        if self._session:
            self._session.close()

    def _ids(self) -> Iterator[str]:
        due, number = time.monotonic(), 0
        while not self._stopping.wait(max(0.0, due - time.monotonic())):
            yield f"{self._run_name}-{self._number}-{number}"
            # What could not be written in time is not made up for: an application's users do not queue.
            due, number = max(due + self._pause, time.monotonic()), number + 1

    def _try(self, write_id: str, unknown: bool) -> bool:
        try:
            session = self._session = self._session or self._connect()
            if not (unknown and self._is_there(session, write_id)):
                session.rows(_WRITE, write_id, self._number, self._number)
        except _FAILURES as error:
            self.last_error = f"{type(error).__name__}: {error}"
            if self._session:
                self._session.close()
                self._previous, self._session = self._session, None
            return False
        self._log.append(Acknowledged(write_id, time.time(), str(session.address)))
        return True

    def _connect(self) -> _Session:
        session = _Session(self._parameter.address(), self._login)
        try:
            self._await_end_of_previous(session)
        except BaseException:
            session.close()
            raise
        self._previous = None
        return session

    def _await_end_of_previous(self, session: _Session) -> None:
        """A session that lost its client may still be committing; only when it is gone does looking tell."""
        previous = self._previous
        if previous is None or previous.server != session.server:
            return
        while session.rows("SELECT 1 FROM information_schema.processlist WHERE id = %s", previous.thread_id):
            if self._stopping.wait(RETRY_SECONDS):
                return

    @staticmethod
    def _is_there(session: _Session, write_id: str) -> bool:
        return bool(session.rows("SELECT 1 FROM load_writes WHERE write_id = %s LIMIT 1", write_id))


def install(login: Login, address: Address) -> None:
    """Create the tables."""
    session = _Session(address, login)
    try:
        for statement in TABLES:
            session.rows(statement)
    finally:
        session.close()
