"""The RDS stand-in of a stack: its process, its clients, and the source instance that rehearsals begin with."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from rehearsal.mysql.builds import build
from rehearsal.mysql.server import MySqlServer
from rehearsal.paths import REPOSITORY, Layout
from rehearsal.ports import LOOPBACK
from rehearsal.processes import Server
from rehearsal.progress import doing
from rehearsal.rds.client import Control
from rehearsal.rds.seed import Seed
from rehearsal.s3 import ACCESS_KEY, REGION, SECRET_KEY

if TYPE_CHECKING:
    from rehearsal.stack import Stack

START_SECONDS = 120


class Rds:
    """The RDS API of one stack.

    :ivar endpoint_url: for clients of the service `rds`.
    :ivar control: what a rehearsal does to the service from outside.
    """

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.folder = stack.path / "rds"
        self.process: Server = stack.folder.server("rds")
        self._port = stack.port("rds")
        self.endpoint_url = f"http://{LOOPBACK}:{self._port}"
        self.control = Control(self.endpoint_url)

    @property
    def _layout(self) -> Layout:
        return self._stack.layout

    def start(self) -> None:
        """Start the stand-in with all servers that ran; nothing to do when it runs.

        :raises RehearsalError: it did not come up; with the end of its log.
        """
        if self.process.pid is not None:
            return
        argv = [sys.executable, "-u", "-m", "rehearsal.rds", "--port", str(self._port)]
        argv += ["--stack", str(self._stack.path), "--state", str(self._layout.state)]
        environment = {
            **os.environ,
            "PYTHONPATH": str(REPOSITORY / "include"),
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": REGION,
        }
        self.process.spawn(argv, environment)
        self.process.wait(lambda: "ready" in self.process.said(), START_SECONDS, "the line 'ready'")

    def stop(self) -> None:
        """End the stand-in and its servers."""
        self.process.stop(grace=15)

    def client(self) -> Any:
        """A boto3 client of the API."""
        return boto3.client(
            "rds",
            endpoint_url=self.endpoint_url,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            config=Config(retries={"max_attempts": 2, "mode": "standard"}, proxies={}),
        )

    @property
    def log(self) -> Path:
        """One line of JSON for each call of the API and each change of a state."""
        return self.folder / "log.jsonl"

    def server(self, identifier: str) -> MySqlServer:
        """The MySQL server behind an instance or a cluster, for looking at it as root.

        Start, stop and kill it by `control`, as the service starts again what dies.

        :raises KeyError: there is none of this identifier.
        """
        servers = self.control.servers()
        if identifier not in servers:
            found = self.client().describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"][0]
            identifier = found["DBClusterIdentifier"]
        about = servers[identifier]
        return MySqlServer(
            Path(about["folder"]),
            self._stack.folder.server(f"rds-{identifier}"),
            build(about["version"], self._layout),
            about["port"],
            about["server_id"],
        )

    def seed_once(self) -> None:
        """Make the source instance in a stand-in that has nothing yet: after a migration it may be gone for good."""
        if not self.control.servers():
            with doing("The instance to migrate"):
                self.seed()

    def seed(self, identifier: str = "shop", schema: str = "shop", version: str = "8.0.31") -> None:
        """Make the source instance with its accounts and data, the parameter groups and the application's address.

        Nothing happens when the instance is there with all its data.

        :param version: of RDS for MySQL.
        """
        Seed(self._stack, identifier, schema, version).sow()
