"""The writer as a process of its own, for rehearsals and benchmarks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from rehearsal.errors import RehearsalError
from rehearsal.install.native import run_variables
from rehearsal.load import audit
from rehearsal.load.__main__ import PASSWORD
from rehearsal.load.address import Address, Parameter
from rehearsal.load.log import Acknowledged, read
from rehearsal.load.writer import Login, install
from rehearsal.paths import REPOSITORY, Layout

READY_SECONDS = 30


class Load:
    """Writes while the block runs.

    :param log: file that takes the acknowledgements.
    :param ssm_endpoint_url: of the SSM service that holds the parameter.
    :param admin: makes the tables; None if they are there.
    :param rate: transactions a second, all connections together.

    Example::

        with Load(folder / "acknowledged.log", ssm_endpoint_url, Login("app", password, "shop")) as load:
            load.await_writes(1000)
            ...
        assert load.audit().clean
    """

    def __init__(
        self,
        log: Path,
        ssm_endpoint_url: str,
        login: Login,
        *,
        admin: Login | None = None,
        parameter: str = "/shop/database",
        rate: float = 500,
        connections: int = 8,
    ) -> None:
        self.log = log
        self._login = login
        self._admin = admin
        self._parameter = Parameter(parameter, ssm_endpoint_url)
        self._arguments = [
            *("run", "--log", str(log), "--parameter", parameter, "--ssm-endpoint-url", ssm_endpoint_url),
            *("--user", login.user, "--database", login.database),
            *("--rate", str(rate), "--connections", str(connections)),
        ]
        self._process: subprocess.Popen[str] | None = None
        self._run = ""

    def __enter__(self) -> Load:
        if self._admin:
            install(self._admin, self._parameter.address())
        path = os.pathsep.join(filter(None, [str(REPOSITORY / "include"), os.environ.get("PYTHONPATH")]))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "rehearsal.load", *self._arguments],
            env={
                **os.environ,
                **run_variables(Layout.default().tools),
                PASSWORD: self._login.password,
                "PYTHONPATH": path,
            },
            stdout=subprocess.PIPE,
            text=True,
        )
        first = self._process.stdout.readline() if self._process.stdout else ""
        word, _, self._run = first.strip().partition(" ")
        if word != "ready":
            self.stop()
            raise RehearsalError("The writer did not start; its error is above.")
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Let each connection end its write; nothing to do when the writer has ended."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=READY_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise RehearsalError("The writer did not end; it was killed.") from None

    @property
    def acknowledged(self) -> list[Acknowledged]:
        """All acknowledgements so far."""
        return list(read(self.log)) if self.log.exists() else []

    def await_writes(self, number: int, *, server: Address | None = None, seconds: float = 60) -> float:
        """Wait until so many more writes were acknowledged; return the seconds that it took.

        :param server: count only those of this server.
        :raises RehearsalError: they were not within `seconds`.
        """
        began = time.monotonic()

        def count() -> int:
            return sum(server is None or entry.server == str(server) for entry in self.acknowledged)

        wanted = count() + number
        while count() < wanted:
            if self._process and (code := self._process.poll()) is not None:
                raise RehearsalError(f"The writer ended by itself, with code {code}.")
            if time.monotonic() - began > seconds:
                where = f" by {server}" if server else ""
                raise RehearsalError(f"Of {number} writes not all were acknowledged{where} within {seconds:.0f} s.")
            time.sleep(0.1)
        return time.monotonic() - began

    def audit(self) -> audit.Audit:
        """Compare the log with the database that the parameter names now. The writer should have ended."""
        ids, total = audit.present(self._login, self._parameter.address(), self._run)
        return audit.compare(self.acknowledged, ids, total)

    def timed_audit(self) -> dict[str, Any]:
        """The audit as JSON, for benchmarks."""
        return self.audit().as_json()
