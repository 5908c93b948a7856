"""The stand-in as a process of its own."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rehearsal.dms import faults, state
from rehearsal.dms.faults import Faults
from rehearsal.errors import RehearsalError
from rehearsal.paths import REPOSITORY
from rehearsal.ports import LOOPBACK
from rehearsal.processes import Server
from rehearsal.s3 import ACCESS_KEY, SECRET_KEY
from rehearsal.services import MYSQL_USER, REGION

if TYPE_CHECKING:
    from rehearsal.mysql.server import MySqlServer

START_SECONDS = 120
PASSWORD_VARIABLE = "LIVEMOVE_DMS_PASSWORD"  # noqa: S105 - the name of a variable


class Dms:
    """One task: full load, then ongoing replication.

    :param folder: keeps its state, so that it goes on where it was.
    :param password: of the source's user `admin`.
    :param tables: `schema.table`, where `%` stands for any text.
    :param arguments: further ones of `python -m rehearsal.dms`.
    """

    def __init__(
        self,
        folder: Path,
        process: Server,
        source: MySqlServer,
        password: str,
        tables: Sequence[str],
        stream: str,
        endpoint_url: str,
        arguments: Sequence[str] = (),
    ) -> None:
        self.folder = folder
        self.process = process
        self.stream = stream
        self._source = source
        self._password = password
        self._tables = tuple(tables)
        self._endpoint_url = endpoint_url
        self._arguments = tuple(arguments)

    def start(self) -> None:
        """Start the task and wait until its full load is in the stream; nothing to do when it runs.

        :raises RehearsalError: it did not come up; with the end of its log.
        """
        self.start_only()
        self.process.wait(lambda: "ready" in self.process.said(), START_SECONDS, "its full load")

    def start_only(self) -> None:
        """Start the task and let it load; nothing to do when it runs."""
        if self.process.pid is not None:
            return
        argv = [sys.executable, "-u", "-m", "rehearsal.dms", "--port", str(self._source.port), "--user", MYSQL_USER]
        argv += ["--host", LOOPBACK, "--folder", str(self.folder), "--stream", self.stream, "--task", self.process.name]
        argv += [word for table in self._tables for word in ("--table", table)]
        environment = {
            **os.environ,
            PASSWORD_VARIABLE: self._password,
            "PYTHONPATH": str(REPOSITORY / "include"),
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL_KINESIS": self._endpoint_url,
        }
        self.process.spawn([*argv, *self._arguments], environment)

    def stop(self) -> None:
        """End the task; what was read and not written is read again at the next start."""
        self.process.stop(grace=10)

    def kill(self) -> None:
        """End the task at once (SIGKILL): at its next start it writes some records again."""
        self.process.kill()

    @property
    def state(self) -> state.State:
        """How far it is."""
        return state.load(self.folder)

    def inject(self, **values: object) -> None:
        """Behave so from now on; without arguments well again. See `rehearsal.dms.faults.Faults`."""
        faults.write(self.folder, Faults(**values))  # type: ignore[arg-type]

    def wait_written(self, seconds: float = 30) -> None:
        """Wait until all that the source has committed by now is in the stream.

        :raises RehearsalError: it was not after that time, or the task has ended.
        """
        committed = self._source.value("SELECT @@global.gtid_executed")
        ends = time.monotonic() + seconds
        while not self._source.value("SELECT GTID_SUBSET(%s, %s)", (committed, self.state.gtid_executed)):
            if self.process.pid is None:
                raise RehearsalError(f"The DMS stand-in has ended.\n{self.process.log_tail()}")
            if time.monotonic() > ends:
                raise RehearsalError(
                    f"The stream lacks changes after {seconds:.0f} s: committed {committed}, "
                    f"written {self.state.gtid_executed}.\n{self.process.log_tail()}"
                )
            time.sleep(0.05)
