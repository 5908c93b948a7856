"""One MySQL server: its folder, its process, and root's connection over its socket."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import pymysql
from pymysql.connections import Connection

from rehearsal.files import write_atomically
from rehearsal.mysql.builds import Build
from rehearsal.mysql.config import SOCKET, option_file
from rehearsal.processes import Server

START_SECONDS = 60
STOP_SECONDS = 20
RootConnection: TypeAlias = "Connection[Any]"


class MySqlServer:
    """A server in a folder of its own.

    :param folder: holds `my.cnf`, `data` and `tmp`.
    :param process: its process, known by its run file.
    :param port: on the loopback interface.
    :param server_id: unique among servers that replicate.
    :param read_only: refuse all writes but replication's.
    :param overrides: options of `my.cnf` that this server has otherwise, see `option_file`.
    """

    def __init__(
        self,
        folder: Path,
        process: Server,
        build: Build,
        port: int,
        server_id: int,
        read_only: bool = False,
        overrides: Mapping[str, str | None] | None = None,
    ) -> None:
        self.folder = folder
        self.process = process
        self.build = build
        self.port = port
        self.server_id = server_id
        self._read_only = read_only
        self.overrides = dict(overrides or {})

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.folder / "data"

    @property
    def name(self) -> str:
        """What people call it."""
        return self.process.name

    @property
    def running(self) -> bool:
        """Whether its process runs."""
        return self.process.pid is not None

    def write_options(self) -> Path:
        """Write `my.cnf` and return its path."""
        (self.folder / "tmp").mkdir(parents=True, exist_ok=True)
        options = self.folder / "my.cnf"
        text = option_file(self.build, self.folder, self.port, self.server_id, self._read_only, self.overrides)
        write_atomically(options, text)
        return options

    def copy_from(self, template: Path) -> None:
        """Take another server's data folder (that one must not run), under a UUID of its own."""
        scratch = self.folder / "data.new"
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.copytree(template, scratch)
        (scratch / "auto.cnf").unlink(missing_ok=True)
        scratch.rename(self.data)

    def start(self) -> None:
        """Start the server and wait until root can log in; nothing to do when it runs.

        :raises RehearsalError: it did not come up; with the end of its log.
        """
        if not self.running:
            options = self.write_options()
            # After a kill: mysqld would refuse to start when the id in the lock is in use again.
            for leftover in (SOCKET, f"{SOCKET}.lock"):
                (self.data / leftover).unlink(missing_ok=True)
            argv = [*self.build.command, f"--defaults-file={options}"]
            self.process.spawn(argv, self.build.environment)
        self.process.wait(self.answers, START_SECONDS, "a login over its socket")

    def answers(self) -> bool:
        """Whether root can log in now."""
        try:
            with self.root():
                return True
        except (OSError, pymysql.err.OperationalError):
            return False

    def stop(self) -> None:
        """Shut the server down; nothing to do when it does not run."""
        if self.running and self.answers():
            self._dismiss_replicas()
        self.process.stop(grace=STOP_SECONDS)

    def _dismiss_replicas(self) -> None:
        """End the connections of replicas, for which a shutdown waits ten seconds; they come back."""
        dumping = [row["Id"] for row in self.rows("SHOW PROCESSLIST") if row["Command"].startswith("Binlog Dump")]
        self.execute(*(f"KILL {thread}" for thread in dumping))

    def kill(self) -> None:
        """End the server at once (SIGKILL), as a crash does."""
        self.process.kill()

    def restart(self) -> None:
        """Shut the server down and start it again on the same port."""
        self.stop()
        self.start()

    @contextmanager
    def root(self) -> Iterator[RootConnection]:
        """A connection as root@localhost, in autocommit mode, closed at the end of the block."""
        # The socket is reached through an open folder, so that the path stays short.
        handle = os.open(self.data, os.O_RDONLY | os.O_DIRECTORY)
        try:
            connection: RootConnection = pymysql.connect(
                unix_socket=f"/proc/self/fd/{handle}/{SOCKET}",
                user="root",
                autocommit=True,
                charset="utf8mb4",
            )
        finally:
            os.close(handle)
        with connection:
            yield connection

    def execute(self, *statements: str) -> None:
        """Run statements as root, in one session."""
        with self.root() as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def rows(self, statement: str, values: Sequence[object] = ()) -> list[dict[str, Any]]:
        """Run one statement as root and return its rows."""
        with self.root() as connection, connection.cursor(pymysql.cursors.DictCursor) as cursor:
            cursor.execute(statement, tuple(values) or None)
            return list(cursor.fetchall())

    def value(self, statement: str, values: Sequence[object] = ()) -> Any:
        """Run one statement as root and return the first column of its first row, or None."""
        rows = self.rows(statement, values)
        return next(iter(rows[0].values())) if rows else None
