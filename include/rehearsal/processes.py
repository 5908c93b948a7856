"""Servers as processes: started so that they are always found again, and stopped with all they started.

Three marks find a server's processes, as none of them holds alone: the session (Airflow's tasks leave it),
the descent (lost when a parent dies), and the variable LIVEMOVE_RUN in the environment (overwritten by
programs that set their title, such as PostgreSQL).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rehearsal import launch
from rehearsal.errors import RehearsalError
from rehearsal.files import read_json

MARK = "LIVEMOVE_RUN"
LOG_TAIL_LINES = 15


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()


@dataclass(frozen=True)
class Identity:
    """A process that cannot be taken for a later one of the same id."""

    pid: int
    started: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> Identity | None:
        """The process that has this id now."""
        process = _Process.read(pid)
        return cls(pid, process.started, _boot()) if process else None

    @property
    def alive(self) -> bool:
        """Whether this very process runs (a zombie does not)."""
        process = _Process.read(self.pid)
        if process is None or process.state == "Z" or process.started != self.started:
            return False
        return self._this_boot

    @property
    def session(self) -> int | None:
        """The session that this process leads or led, or None when the number can be another's by now.

        A session's id is not given to a new process while one of its members lives (setsid(2)), so the
        members are ours unless a process that began at another time has the id.
        """
        process = _Process.read(self.pid)
        ours = process is None or process.started == self.started
        return self.pid if ours and self._this_boot else None

    @property
    def _this_boot(self) -> bool:
        return self.boot == _boot()


@dataclass(frozen=True)
class _Process:
    """One line of /proc/PID/stat."""

    pid: int
    parent: int
    session: int
    state: str
    started: int

    @classmethod
    def read(cls, pid: int) -> _Process | None:
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
        fields = stat.rpartition(")")[2].split()
        return cls(pid, int(fields[1]), int(fields[3]), fields[0], int(fields[19]))

    def marked(self, prefix: bytes) -> bool:
        """Whether its environment says that it belongs to a run file below `prefix`."""
        try:
            environment = Path(f"/proc/{self.pid}/environ").read_bytes()
        except OSError:
            return False
        return f"{MARK}=".encode() + prefix in b"\0" + environment


def _all() -> Iterator[_Process]:
    for entry in os.listdir("/proc"):  # noqa: PTH208 - one call for hundreds of names
        if entry.isdigit() and (process := _Process.read(int(entry))) and process.state != "Z":
            yield process


def _with_descendants(roots: set[int], processes: Sequence[_Process]) -> set[int]:
    found = set(roots)
    while True:
        more = {process.pid for process in processes if process.parent in found} - found
        if not more:
            return found
        found |= more


def belonging(mark: Path, session: int | None = None) -> set[int]:
    """Ids of all processes that belong to a run file, or to any run file in a folder.

    :param mark: a run file, or a folder of run files.
    :param session: the id of the server's first process, whose session its children share.
    """
    processes = list(_all())
    # A folder matches all run files in it, a file only itself: "writer" must not match "writer-2".
    prefix = os.fsencode(mark) + (b"/" if mark.is_dir() else b"\0")
    roots = {p.pid for p in processes if p.marked(prefix) or (session is not None and p.session == session)}
    return _with_descendants(roots, processes) - {os.getpid()}


class Server:
    """A server process and all that it starts, known by its run file.

    :param name: what people call it.
    :param run_file: where it is recorded.
    :param log: where its output goes.
    """

    def __init__(self, name: str, run_file: Path, log: Path) -> None:
        self.name = name
        self.run_file = run_file
        self.log = log
        self._child: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    @property
    def identity(self) -> Identity | None:
        """The recorded process, whether it runs or not."""
        record = read_json(self.run_file)
        return Identity(**record) if record else None

    @property
    def pid(self) -> int | None:
        """The id of the running process, or None."""
        if self._child is not None:
            self._child.poll()  # a child of ours that has ended is no zombie any more
        identity = self.identity
        return identity.pid if identity and identity.alive else None

    def spawn(
        self, argv: Sequence[str], environment: Mapping[str, str] | None = None, folder: Path | None = None
    ) -> None:
        """Start the process in a session of its own and return as soon as it is recorded.

        :param environment: all of its environment; this process's own when None.
        :param folder: its working directory.
        :raises RehearsalError: it already runs, or could not be started.
        """
        if self.pid is not None:
            raise RehearsalError(f"{self.name} already runs (process {self.pid}).")
        self.run_file.parent.mkdir(parents=True, exist_ok=True)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        # What outlived a crash would be in the way of its successor.
        self.kill()
        env = {**(os.environ if environment is None else environment), MARK: str(self.run_file)}
        with self.log.open("ab") as output:
            self._log_start = output.tell()
            self._child = subprocess.Popen(
                [sys.executable, "-I", "-S", launch.__file__, str(self.run_file), *argv],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=env,
                cwd=folder,
            )
        self.wait(self.run_file.exists, 20, "its run file")

    def wait(self, ready: Callable[[], bool], seconds: float, what: str, pause: float = 0.03) -> None:
        """Wait until `ready()` holds.

        :param pause: seconds between two looks.
        :raises RehearsalError: the process ended, or the time was up; with the end of its log.
        """
        deadline = time.monotonic() + seconds
        while not ready():
            if self._ended():
                raise RehearsalError(f"{self.name} ended while it was started.\n{self.log_tail()}")
            if time.monotonic() > deadline:
                raise RehearsalError(
                    f"{self.name} was not ready after {seconds:.0f} s (waited for {what}).\n{self.log_tail()}"
                )
            time.sleep(pause)

    def _ended(self) -> bool:
        if self._child is not None:
            return self._child.poll() is not None
        return self.pid is None

    def said(self) -> list[str]:
        """The lines that the server has written since this object started it."""
        with self.log.open("rb") as file:
            file.seek(self._log_start)
            return file.read().decode(errors="replace").splitlines()

    def log_tail(self, lines: int = LOG_TAIL_LINES) -> str:
        """The end of the log, with its path."""
        try:
            text = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
        except FileNotFoundError:
            text = []
        return "\n".join([f"The end of {self.log}:", *(f"    {line}" for line in text)])

    def members(self) -> set[int]:
        """Ids of the server's processes, also of those that outlived the first one."""
        identity = self.identity
        return belonging(self.run_file, identity.session if identity else None)

    def stop(self, grace: float = 10, everyone: bool = False) -> None:
        """End the server and all that it started; nothing to do when nothing runs.

        :param grace: seconds between SIGTERM and SIGKILL.
        :param everyone: SIGTERM goes to all processes at once, for a server that does not pass it on.
        :raises RehearsalError: a process could not be ended.
        """
        pid = self.pid
        members = self.members()
        # Some can be told by their descent alone, which is lost once the server has ended.
        started = {process for member in members if (process := Identity.of(member))}
        _signal(members if everyone else {pid} if pid else set(), signal.SIGTERM)
        _until(lambda: self.pid is None and not (everyone and self.members()), grace)
        self.kill(started)

    def kill(self, also: Collection[Identity] = ()) -> None:
        """End the server and all that it started at once (SIGKILL), and forget it.

        :param also: further processes to end, known to be the server's.
        :raises RehearsalError: a process could not be ended.
        """

        def left() -> set[int]:
            return self.members() | {process.pid for process in also if process.alive}

        if not _until(lambda: not _signal(left(), signal.SIGKILL), 10):
            raise RehearsalError(f"{self.name}: processes {sorted(left())} could not be ended; end them as root.")
        if self._child is not None:
            self._child.wait()
            self._child = None
        self.run_file.unlink(missing_ok=True)


def kill_all(folder: Path) -> None:
    """End every process that belongs to a run file in `folder`, whether that file still exists or not."""
    _until(lambda: not _signal(belonging(folder), signal.SIGKILL), 10)


def _signal(pids: set[int], number: signal.Signals) -> set[int]:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
    return pids


def _until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.03)
    return True
