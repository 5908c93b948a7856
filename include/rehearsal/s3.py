"""S3 on the loopback interface: moto as a process of its own.

moto keeps what it stores in memory and in temporary files: objects live until the server ends, so a restart
begins with an empty bucket. Objects above 32 MB go to temporary files, which lie in the stack's folder.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from rehearsal.paths import REPOSITORY
from rehearsal.ports import LOOPBACK, is_open
from rehearsal.processes import Server
from rehearsal.services import BUCKET, REGION

# moto accepts every key; these say what they are.
ACCESS_KEY = SECRET_KEY = "rehearsal"  # noqa: S105
START_SECONDS = 60
# A part of the sync fits; through a file it would cost the server twice the time.
IN_MEMORY_BYTES = 32 * 2**20
__all__ = ["ACCESS_KEY", "BUCKET", "REGION", "S3", "SECRET_KEY"]


class S3:
    """One S3 server.

    :param folder: where its temporary files lie.
    """

    def __init__(self, folder: Path, process: Server, port: int) -> None:
        self._folder = folder
        self.process = process
        self.endpoint_url = f"http://{LOOPBACK}:{port}"
        self._port = port

    def start(self) -> None:
        """Start the server and create the bucket; nothing to do when it runs.

        :raises RehearsalError: it did not come up; with the end of its log.
        """
        if self.process.pid is None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder.mkdir(parents=True)
            argv = [sys.executable, "-m", "rehearsal.moto", "-H", LOOPBACK, "-p", str(self._port)]
            environment = {
                **os.environ,
                "PYTHONPATH": str(REPOSITORY / "include"),
                "TMPDIR": str(self._folder),
                "MOTO_S3_DEFAULT_KEY_BUFFER_SIZE": str(IN_MEMORY_BYTES),
            }
            self.process.spawn(argv, environment)
        self.process.wait(lambda: is_open(self._port), START_SECONDS, "its port")
        client = self.client()
        with contextlib.suppress(client.exceptions.BucketAlreadyOwnedByYou):
            client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})

    def client(self) -> Any:
        """A boto3 client of this server."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint_url,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            config=Config(retries={"max_attempts": 2}),
        )
