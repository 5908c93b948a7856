"""Kinesis as a process of its own, with the streams of the example."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from rehearsal.errors import RehearsalError
from rehearsal.install.kinesis import node
from rehearsal.paths import Layout
from rehearsal.ports import LOOPBACK, is_open
from rehearsal.processes import Server
from rehearsal.s3 import ACCESS_KEY, SECRET_KEY
from rehearsal.services import REGION, STREAMS

SHARDS = 2
START_SECONDS = 30
ACTIVE_SECONDS = 20


class Kinesis:
    """One Kinesis server.

    :param folder: where it keeps the streams, also while it is down.
    :ivar endpoint_url: for clients of the service `kinesis`.
    """

    def __init__(self, folder: Path, process: Server, port: int, layout: Layout) -> None:
        self.folder = folder
        self.process = process
        self.endpoint_url = f"http://{LOOPBACK}:{port}"
        self._port = port
        self._layout = layout

    def start(self) -> None:
        """Start the server and make the streams that are missing; nothing to do when it runs.

        :raises RehearsalError: it did not come up; with the end of its log.
        """
        if self.process.pid is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            script = Path(__file__).with_name("server.js")
            environment = {**os.environ, "NODE_PATH": str(self._layout.kinesalite / "node_modules")}
            self.process.spawn([*node(self._layout), str(script), str(self._port), str(self.folder)], environment)
        self.process.wait(lambda: is_open(self._port), START_SECONDS, "its port")
        self.create_streams(STREAMS.values())

    def stop(self) -> None:
        """End the server; nothing to do when it does not run."""
        self.process.stop(grace=5)

    def kill(self) -> None:
        """End the server at once (SIGKILL), as a crash does."""
        self.process.kill()

    def create_streams(self, names: Iterable[str], shards: int = SHARDS) -> None:
        """Make those of these streams that are missing and wait until they are active.

        :param shards: of each stream that is made.
        :raises RehearsalError: a stream did not become active.
        """
        client, wanted = self.client(), list(names)
        for name in wanted:
            with contextlib.suppress(client.exceptions.ResourceInUseException):
                client.create_stream(StreamName=name, ShardCount=shards)
        ends = time.monotonic() + ACTIVE_SECONDS
        while waiting := [name for name in wanted if _status(client, name) != "ACTIVE"]:
            if time.monotonic() > ends:
                raise RehearsalError(f"The streams {', '.join(waiting)} did not become active. See {self.process.log}.")
            time.sleep(0.02)

    def client(self) -> Any:
        """A boto3 client of this server."""
        return boto3.client(
            "kinesis",
            endpoint_url=self.endpoint_url,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            config=Config(retries={"max_attempts": 2, "mode": "standard"}, proxies={}),
        )


def _status(client: Any, name: str) -> str:
    found = client.describe_stream_summary(StreamName=name)
    return str(found["StreamDescriptionSummary"]["StreamStatus"])
