"""The MySQL servers behind instances and clusters: one server is one volume, as a cluster shares one storage."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pymysql.converters import escape_string

from rehearsal.mysql import script
from rehearsal.mysql.builds import build
from rehearsal.mysql.server import MySqlServer
from rehearsal.mysql.template import SQL, template
from rehearsal.paths import Layout
from rehearsal.ports import Ports
from rehearsal.processes import Server

REPLICATION_USER = "rdsrepladmin"
# Small, as a rehearsal has up to six of these servers.
MEMORY: Mapping[str, str | None] = {
    "innodb_buffer_pool_size": "64M",
    "innodb_redo_log_capacity": "32M",
    "max_connections": "100",
    "replica_net_timeout": "30",
}
# Aurora MySQL 3 does not replicate changes of the mysql schema, account statements among them; their GTIDs
# count as executed (Aurora User Guide, "Comparing Aurora MySQL version 2 and version 3").
AURORA_OPTIONS: Mapping[str, str | None] = {"replicate_wild_ignore_table": "mysql.%"}
# A copy is first brought up alone, to be made into what it is to be.
ALONE: Mapping[str, str | None] = {"skip_replica_start": "ON", "event_scheduler": "OFF"}


@dataclass
class Volume:
    """One server and its data.

    :ivar name: the identifier of the instance, or of the cluster.
    :ivar version: the generation of MySQL, see `rehearsal.mysql.builds`.
    :ivar flavour: `rds80`, `rds84` or `aurora3`.
    :ivar master: the master user.
    :ivar options: what its parameter groups said when it started, and dynamic changes since.
    :ivar wanted: whether it is to run; one that dies is started again.
    :ivar source: the volume from which the service itself replicates, if any.
    """

    name: str
    version: str
    flavour: str
    server_id: int
    master: str = "admin"
    options: dict[str, str | None] = field(default_factory=dict)
    wanted: bool = False
    source: str | None = None

    @property
    def aurora(self) -> bool:
        """Whether it is a cluster's."""
        return self.flavour.startswith("aurora")


@dataclass(frozen=True)
class Image:
    """A copy of a volume's data, and what it was when the copy was made."""

    data: Path
    version: str
    flavour: str
    master: str
    gtid_mode: str
    managed: bool
    has_binlog: bool


@dataclass(frozen=True)
class Position:
    """A place in a binary log."""

    file: str
    position: int


class Volumes:
    """All volumes of one stand-in.

    :param folder: theirs; each has a folder in it.
    :param runs: the stack's folder of run files.
    :param logs: the stack's folder of logs.
    :param layout: where MySQL and the templates are.
    """

    def __init__(self, folder: Path, runs: Path, logs: Path, layout: Layout, replication_password: str) -> None:
        self._folder = folder
        self._runs = runs
        self._logs = logs
        self._layout = layout
        self._replication_password = replication_password
        self._servers: dict[str, MySqlServer] = {}
        self._lock = threading.RLock()
        self._ports = Ports(folder / "ports.json", list(layout.stacks.glob("*/ports.json")))

    def server(self, volume: Volume) -> MySqlServer:
        """The server of a volume, running or not."""
        with self._lock:
            known = self._servers.get(volume.name)
            # An identifier may come again for something new.
            if known is None or known.server_id != volume.server_id:
                name = f"rds-{volume.name}"
                process = Server(name, self._runs / f"{name}.json", self._logs / f"{name}.log")
                self._servers[volume.name] = MySqlServer(
                    self._folder / volume.name,
                    process,
                    build(volume.version, self._layout),
                    self._port(volume.name, process),
                    volume.server_id,
                )
            return self._servers[volume.name]

    def _configured(self, volume: Volume, overrides: Mapping[str, str | None] | None = None) -> MySqlServer:
        """The server of a volume, set up for its next start."""
        server = self.server(volume)
        aurora = AURORA_OPTIONS if volume.aurora else {}
        server.overrides = {**MEMORY, **aurora, **volume.options, **(overrides or {})}
        return server

    def _port(self, name: str, process: Server) -> int:
        known = self._ports.remembered()
        return known[name] if process.pid is not None and name in known else self._ports.take(name)

    def start(self, volume: Volume) -> None:
        """Start a volume's server; nothing to do when it runs."""
        self._configured(volume).start()

    def stop(self, volume: Volume) -> None:
        """Shut a volume's server down."""
        self.server(volume).stop()

    def create(self, volume: Volume, password: str) -> None:
        """Make an empty database and leave it stopped.

        :param password: of the master user.
        """
        server = self._configured(volume, ALONE)
        server.copy_from(template(server.build, volume.flavour, self._layout))
        server.start()
        try:
            self._set_accounts(server, volume.master, password)
        finally:
            # Quicker than a shutdown, and recovery brings back all that was committed.
            server.kill()

    def _set_accounts(self, server: MySqlServer, master: str, password: str | None) -> None:
        """Outside the binary log, as the service sets them on each server by itself."""
        with server.root() as connection, connection.cursor() as cursor:
            cursor.execute("SET sql_log_bin = 0")
            if master != "admin" and cursor.execute("SELECT 1 FROM mysql.user WHERE user = 'admin' AND host = '%'"):
                cursor.execute("RENAME USER admin@'%%' TO %s@'%%'", (master,))
            if password is not None:
                cursor.execute("ALTER USER %s@'%%' IDENTIFIED BY %s", (master, password))
            cursor.execute("ALTER USER %s@'%%' IDENTIFIED BY %s", (REPLICATION_USER, self._replication_password))

    def set_password(self, volume: Volume, password: str) -> None:
        """Change the master user's password."""
        self._set_accounts(self.server(volume), volume.master, password)

    def image(self, volume: Volume, data: Path) -> Image:
        """Copy a volume's data as of one moment; the server stands still meanwhile, for some 0.1 s.

        :param data: the folder to be made.
        """
        server = self.server(volume)
        scratch = data.with_name(f"{data.name}.new")
        for leftover in (scratch, data):
            shutil.rmtree(leftover, ignore_errors=True)
        scratch.parent.mkdir(parents=True, exist_ok=True)
        with _standing_still(server.process.pid):
            subprocess.run(["cp", "-a", str(server.data), str(scratch)], check=True)
        for leftover in scratch.glob("*.sock*"):
            leftover.unlink()
        scratch.rename(data)
        mode = volume.options.get("gtid_mode") or "ON"
        return Image(
            data,
            volume.version,
            volume.flavour,
            volume.master,
            mode,
            volume.source is not None,
            "disable_log_bin" not in volume.options,
        )

    def restore(self, volume: Volume, image: Image, *, keep_binlogs: bool, keep_channel: bool) -> Position | None:
        """Make a volume from an image and leave it stopped.

        :param keep_binlogs: whether the binary logs are part of the new volume; its GTIDs are in any case.
        :param keep_channel: whether replication that a person set up goes on in the copy.
        :returns: where the copied binary log ended, None when there was none.
        """
        gtid = {"gtid_mode": image.gtid_mode, "enforce_gtid_consistency": "ON"}
        binlog = {"log_bin": "mysql-bin-changelog", "disable_log_bin": None}
        server = self._configured(volume, {**ALONE, **gtid, **binlog})
        server.copy_from(image.data)
        before = sorted(server.data.glob("mysql-bin-changelog.0*"))
        server.start()
        try:
            # Recovery has cut the last file that there was before to what is whole.
            end = Position(before[-1].name, before[-1].stat().st_size) if before else None
            if image.managed or not keep_channel:
                server.execute("RESET REPLICA ALL", *_managed(False))
            if image.flavour != volume.flavour:
                self._convert(server, volume)
            self._set_accounts(server, volume.master, None)
            if not keep_binlogs:
                _forget_binlogs(server)
        finally:
            server.kill()
        return end

    def _convert(self, server: MySqlServer, volume: Volume) -> None:
        """Exchange the procedures of one engine for those of another."""
        routines = server.rows(
            "SELECT routine_type AS kind, routine_name AS name FROM information_schema.routines "
            "WHERE routine_schema = 'mysql' AND definer = 'rdsadmin@localhost'"
        )
        with server.root() as connection, connection.cursor() as cursor:
            cursor.execute("SET sql_log_bin = 0")
            for routine in routines:
                cursor.execute(f"DROP {routine['kind']} mysql.`{routine['name']}`")
            # What the scripts remove must be there.
            cursor.execute(
                "CREATE TABLE IF NOT EXISTS mysql.rds_heartbeat2 (id int NOT NULL PRIMARY KEY, value bigint)"
            )
            for path in (SQL / "procedures.sql", SQL / f"{volume.flavour}.sql"):
                text = path.read_text(encoding="utf-8").replace("admin@'%'", f"'{escape_string(volume.master)}'@'%'")
                for statement in script.statements(text):
                    cursor.execute(statement)
            cursor.execute("UPDATE mysql.rds_configuration SET value = NULL WHERE name = 'binlog retention hours'")

    def replicate(self, volume: Volume, source: Volume, position: Position | None) -> None:
        """Let a volume replicate from another, managed by the service itself; its server must run.

        :param position: where to begin when the two do not both use GTIDs.
        """
        by_gtid = {volume.options.get("gtid_mode"), source.options.get("gtid_mode")} == {"ON"}
        options: dict[str, str | int] = {
            "SOURCE_HOST": "'127.0.0.1'",
            "SOURCE_PORT": self.server(source).port,
            "SOURCE_USER": f"'{REPLICATION_USER}'",
            "SOURCE_PASSWORD": f"'{escape_string(self._replication_password)}'",
            "SOURCE_SSL": 1,
            "SOURCE_CONNECT_RETRY": 1,
            "SOURCE_RETRY_COUNT": 86400,
            "SOURCE_AUTO_POSITION": int(by_gtid),
        }
        if not by_gtid and position is not None:
            options |= {"SOURCE_LOG_FILE": f"'{position.file}'", "SOURCE_LOG_POS": position.position}
        text = ", ".join(f"{name} = {value}" for name, value in options.items())
        self.server(volume).execute(
            "STOP REPLICA", f"CHANGE REPLICATION SOURCE TO {text}", *_managed(True), "START REPLICA"
        )

    def release(self, volume: Volume) -> None:
        """End the replication that the service manages, after all that was received has been applied."""
        server = self.server(volume)
        server.execute("STOP REPLICA IO_THREAD")
        _applied(server)
        server.execute("STOP REPLICA", "RESET REPLICA ALL", *_managed(False))

    def remove(self, volume: Volume) -> None:
        """End a volume's server and remove its data; its port stays its own, as a name in DNS would."""
        server = self.server(volume)
        server.kill()
        shutil.rmtree(server.folder, ignore_errors=True)
        self._servers.pop(volume.name, None)

    def log_file(self, volume: Volume) -> Path:
        """The error log of a volume's server."""
        return self.server(volume).process.log


def _managed(on: bool) -> tuple[str, str]:
    change = f"UPDATE mysql.rdslocal_setting SET value = '{int(on)}' WHERE name = 'managed replica'"
    return "SET sql_log_bin = 0", change


def _applied(server: MySqlServer) -> None:
    row: dict[str, Any] = (server.rows("SHOW REPLICA STATUS") or [{}])[0]
    received = str(row.get("Retrieved_Gtid_Set") or "").replace("\n", "")
    if received and row.get("Replica_SQL_Running") == "Yes":
        server.value("SELECT WAIT_FOR_EXECUTED_GTID_SET(%s, 60)", (received,))


def _forget_binlogs(server: MySqlServer) -> None:
    """Begin the binary logs anew, with all GTIDs so far purged."""
    executed = str(server.value("SELECT @@global.gtid_executed")).replace("\n", "")
    reset = "RESET BINARY LOGS AND GTIDS" if server.build.version >= "9" else "RESET MASTER"
    server.execute(reset, *([f"SET GLOBAL gtid_purged = '{executed}'"] if executed else []))


@contextmanager
def _standing_still(pid: int | None) -> Iterator[None]:
    if pid is None:
        yield
        return
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
