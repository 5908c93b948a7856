"""The Redshift stand-in as a process of its own; what it imitates is told in redshift/README.md."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from rehearsal.paths import REPOSITORY
from rehearsal.processes import Server
from rehearsal.s3 import ACCESS_KEY, REGION, SECRET_KEY
from rehearsal.services import REDSHIFT_DATABASE, REDSHIFT_USER

PASSWORD_VARIABLE = "LIVEMOVE_WAREHOUSE_PASSWORD"  # noqa: S105 - the name of a variable
START_SECONDS = 60
STOP_SECONDS = 15


class Warehouse:
    """One Redshift stand-in.

    :param folder: its data, and `faults.json` when a test injects faults.
    :param s3_endpoint: where its COPY and UNLOAD find S3.
    """

    def __init__(self, folder: Path, process: Server, port: int, password: str, s3_endpoint: str) -> None:
        self.folder = folder
        self.process = process
        self.port = port
        self.password = password
        self._s3_endpoint = s3_endpoint

    def start(self) -> None:
        """Start the stand-in and its PostgreSQL; nothing to do when it runs.

        :raises RehearsalError: it did not come up; with the end of its log.
        """
        if self.process.pid is not None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        options = {
            "--port": str(self.port),
            "--data": str(self.folder),
            "--s3-endpoint": self._s3_endpoint,
            "--database": REDSHIFT_DATABASE,
            "--user": REDSHIFT_USER,
        }
        environment = {
            **os.environ,
            PASSWORD_VARIABLE: self.password,
            "PYTHONPATH": str(REPOSITORY / "include"),
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": REGION,
        }
        words = [word for option in options.items() for word in option]
        self.process.spawn([sys.executable, "-u", "-m", "rehearsal.redshift", *words], environment)
        self.process.wait(lambda: "ready" in self.process.said(), START_SECONDS, "the line 'ready'")

    def stop(self) -> None:
        """End the stand-in and its PostgreSQL; nothing to do when it does not run."""
        self.process.stop(grace=STOP_SECONDS)

    def kill(self) -> None:
        """End both at once (SIGKILL), as a crash does."""
        self.process.kill()
