"""An Aurora cluster of two: a writer, and a reader that follows it by replication.

On Aurora both share one storage; here the reader replicates with GTID auto-position, so a test can raise its
delay. Both keep the accounts, the procedures and the settings of Aurora MySQL 3.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pymysql.converters import escape_string

from rehearsal.errors import RehearsalError
from rehearsal.files import write_atomically
from rehearsal.mysql.server import MySqlServer
from rehearsal.services import MYSQL_DATABASE, MYSQL_USER

REPLICATION_USER = "rdsrepladmin"
# How long a freshly configured reader may take to connect.
CONNECT_SECONDS = 30


@dataclass(frozen=True)
class Passwords:
    """The passwords of one stack's accounts."""

    admin: str
    replication: str


class Pair:
    """A writer and its reader.

    :param template: the data folder that both start from.
    """

    def __init__(self, writer: MySqlServer, reader: MySqlServer, template: Path, passwords: Passwords) -> None:
        self.writer = writer
        self.reader = reader
        self._template = template
        self._passwords = passwords

    def start(self) -> None:
        """Start both; at the first time set the passwords, make the database and connect the reader.

        :raises RehearsalError: one did not come up, or the reader cannot replicate.
        """
        with ThreadPoolExecutor(max_workers=2) as pool:
            list(pool.map(self._start, (self.writer, self.reader)))
        self._once(
            self.writer,
            "database",
            lambda: self.writer.execute(f"CREATE DATABASE IF NOT EXISTS `{MYSQL_DATABASE}`"),
        )
        self._once(self.reader, "replication", self._connect)
        self.reader.process.wait(self.replicates, CONNECT_SECONDS, "replication from the writer")

    def _start(self, server: MySqlServer) -> None:
        if not server.data.exists():
            server.copy_from(self._template)
        server.start()
        self._once(server, "passwords", lambda: _set_passwords(server, self._passwords))

    @staticmethod
    def _once(server: MySqlServer, step: str, action: Callable[[], None]) -> None:
        """Run a step of the preparation unless its mark, written last, says that it is done."""
        mark = server.folder / f"{step}.done"
        if not mark.exists():
            action()
            write_atomically(mark, "")

    def _connect(self) -> None:
        source = {
            "SOURCE_HOST": "'127.0.0.1'",
            "SOURCE_PORT": self.writer.port,
            "SOURCE_USER": f"'{REPLICATION_USER}'",
            "SOURCE_PASSWORD": f"'{escape_string(self._passwords.replication)}'",
            "SOURCE_SSL": 1,
            "SOURCE_AUTO_POSITION": 1,
            "SOURCE_CONNECT_RETRY": 1,
            "SOURCE_RETRY_COUNT": 86400,
        }
        options = ", ".join(f"{name} = {value}" for name, value in source.items())
        self.reader.execute("STOP REPLICA", f"CHANGE REPLICATION SOURCE TO {options}", "START REPLICA")

    def status(self) -> dict[str, object]:
        """The row of SHOW REPLICA STATUS on the reader, empty when it is no replica."""
        rows = self.reader.rows("SHOW REPLICA STATUS")
        return rows[0] if rows else {}

    def replicates(self) -> bool:
        """Whether both of the reader's threads run."""
        status = self.status()
        return status.get("Replica_IO_Running") == "Yes" and status.get("Replica_SQL_Running") == "Yes"

    def set_delay(self, seconds: int) -> None:
        """Keep the reader this many seconds behind the writer; 0 for none.

        A transaction is applied no earlier than this after its commit on the writer.
        """
        self.reader.execute(
            "STOP REPLICA SQL_THREAD",
            f"CHANGE REPLICATION SOURCE TO SOURCE_DELAY = {int(seconds)}",
            "START REPLICA SQL_THREAD",
        )

    def wait_caught_up(self, seconds: float = 60) -> None:
        """Wait until the reader has applied all that the writer has committed by now.

        :raises RehearsalError: it had not after that time; with its status.
        """
        committed = self.writer.value("SELECT @@global.gtid_executed")
        late = self.reader.value("SELECT WAIT_FOR_EXECUTED_GTID_SET(%s, %s)", (committed, seconds))
        if late != 0:
            status = self.status()
            fields = (
                "Replica_IO_Running",
                "Replica_SQL_Running",
                "Last_IO_Error",
                "Last_SQL_Error",
                "SQL_Delay",
            )
            raise RehearsalError(
                f"{self.reader.name} had not caught up with {self.writer.name} after {seconds:.0f} s: "
                + ", ".join(f"{field} = {status.get(field)}" for field in fields)
            )


def _set_passwords(server: MySqlServer, passwords: Passwords) -> None:
    """Outside the binary log, as each server gets them by itself; the reader refuses writes otherwise."""
    read_only = server.value("SELECT @@global.super_read_only")
    with server.root() as connection, connection.cursor() as cursor:
        cursor.execute("SET sql_log_bin = 0")
        cursor.execute("SET GLOBAL super_read_only = OFF")
        for user, password in ((MYSQL_USER, passwords.admin), (REPLICATION_USER, passwords.replication)):
            cursor.execute("ALTER USER %s@'%%' IDENTIFIED BY %s", (user, password))
        cursor.execute("SET GLOBAL super_read_only = %s", (read_only,))
