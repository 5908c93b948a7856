"""What the stand-in's tests share: a server process that may be killed, and clients as users have them."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg2
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import redshift_connector

from rehearsal.redshift.faults import Fault, write_faults

BUCKET = "lake"
PASSWORD = "wh-Secret-1"


class StandIn:
    """The stand-in as a process, started the way the stack starts it."""

    def __init__(self, folder: Path, port: int, endpoint: str) -> None:
        self.folder = folder
        self.port = port
        self._endpoint = endpoint
        self.process: subprocess.Popen[str] | None = None
        self.log = Path(tempfile.mkdtemp(dir=folder.parent)) / "log"

    def start(self) -> float:
        started = time.monotonic()
        command = [sys.executable, "-m", "rehearsal.redshift", "--port", str(self.port), "--data", str(self.folder)]
        command += ["--s3-endpoint", self._endpoint, "--database", "dev", "--user", "admin"]
        environment = os.environ | {"LIVEMOVE_WAREHOUSE_PASSWORD": PASSWORD, "PYTHONPATH": "include"}
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                command, env=environment, stdout=subprocess.PIPE, stderr=log, text=True, cwd=Path(__file__).parents[4]
            )
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n", self.log.read_text()
        return time.monotonic() - started

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(20) == 0, self.log.read_text()

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def connect(self, *, user: str = "admin", password: str = PASSWORD, autocommit: bool = False) -> Client:
        connection = redshift_connector.connect(
            host="127.0.0.1", port=self.port, database="dev", user=user, password=password, ssl=False
        )
        connection.autocommit = autocommit
        return Client(connection)

    def psycopg2(self) -> Any:
        return psycopg2.connect(host="127.0.0.1", port=self.port, dbname="dev", user="admin", password=PASSWORD)

    def faults(self, *faults: Fault) -> None:
        write_faults(self.folder / "faults.json", faults)


class Client:
    """A connection of the real driver."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.cursor = connection.cursor()

    def run(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        self.cursor.execute(sql, values or None)
        return [tuple(row) for row in self.cursor.fetchall()] if self.cursor.description else []

    def value(self, sql: str, *values: Any) -> Any:
        return self.run(sql, *values)[0][0]

    def fails(self, sql: str, *values: Any) -> dict[str, str]:
        """Run what must be refused, roll back, and return the error's fields."""
        with pytest.raises(redshift_connector.ProgrammingError) as caught:
            self.run(sql, *values)
        if not self.connection.autocommit:
            self.connection.rollback()
        return dict(caught.value.args[0])

    def commit(self) -> None:
        self.connection.commit()

    def rollback(self) -> None:
        self.connection.rollback()

    def close(self) -> None:
        self.connection.close()


class Lake:
    """Objects in S3 that a test loads."""

    def __init__(self, client: Any, prefix: str) -> None:
        self.client = client
        self.prefix = prefix

    def url(self, name: str) -> str:
        return f"s3://{BUCKET}/{self.prefix}/{name}"

    def put(self, name: str, body: bytes) -> str:
        self.client.put_object(Bucket=BUCKET, Key=f"{self.prefix}/{name}", Body=body)
        return self.url(name)

    def parquet(self, name: str, table: pa.Table | dict[str, pa.Array], **options: Any) -> str:
        sink = io.BytesIO()
        pq.write_table(table if isinstance(table, pa.Table) else pa.table(table), sink, **options)
        return self.put(name, sink.getvalue())

    def size(self, url: str) -> int:
        key = url.removeprefix(f"s3://{BUCKET}/")
        return int(self.client.head_object(Bucket=BUCKET, Key=key)["ContentLength"])

    def manifest(self, name: str, *urls: str, **meta: Any) -> str:
        entries = [
            {"url": url, "mandatory": True, "meta": {"content_length": meta.get("length", self.size(url))}}
            for url in urls
        ]
        return self.put(name, json.dumps({"entries": entries}).encode())

    def get(self, name: str) -> bytes:
        return bytes(self.client.get_object(Bucket=BUCKET, Key=f"{self.prefix}/{name}")["Body"].read())

    def names(self) -> list[str]:
        found = self.client.list_objects_v2(Bucket=BUCKET, Prefix=f"{self.prefix}/").get("Contents", [])
        return [entry["Key"].removeprefix(f"{self.prefix}/") for entry in found]


def in_background(action: Callable[[], Any]) -> Background:
    """Run something that may have to wait for a lock."""
    return Background(action)


class Background:
    """An action in a thread of its own."""

    def __init__(self, action: Callable[[], Any]) -> None:
        self.error: BaseException | None = None
        self._action = action
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._action()
        except BaseException as error:
            self.error = error

    def waits(self) -> bool:
        self._thread.join(0.4)
        return self._thread.is_alive()

    def ends(self) -> bool:
        self._thread.join(10)
        return not self._thread.is_alive()
