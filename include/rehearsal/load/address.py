"""Where the database is, by the SSM parameter that the application reads."""

from __future__ import annotations

import threading
import time
from typing import Any, NamedTuple

import boto3
from botocore.config import Config

from rehearsal.s3 import ACCESS_KEY, REGION, SECRET_KEY


class Address(NamedTuple):
    """A server's host and port."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read `host:port`."""
        host, _, port = text.strip().rpartition(":")
        return cls(host, int(port))


class Parameter:
    """The parameter, read at most once in `fresh_seconds` for all threads together.

    :param name: for instance /shop/database.
    :param endpoint_url: of the SSM service.
    """

    def __init__(self, name: str, endpoint_url: str | None, fresh_seconds: float = 0.05) -> None:
        self.name = name
        self._fresh_seconds = fresh_seconds
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._address: Address | None = None
        self._client: Any = boto3.client(
            "ssm",
            endpoint_url=endpoint_url,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            config=Config(retries={"max_attempts": 1}, connect_timeout=2, read_timeout=2),
        )

    def address(self) -> Address:
        """The database's address now."""
        with self._lock:
            if self._address is None or time.monotonic() - self._read_at > self._fresh_seconds:
                answer = self._client.get_parameter(Name=self.name)
                self._address = Address.parse(answer["Parameter"]["Value"])
                self._read_at = time.monotonic()
            return self._address
