"""A stand-in of these tests' own, since they kill it, and an S3 beside it."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.integration.rehearsal.redshift.harness import BUCKET, Client, Lake, StandIn


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def s3_client(endpoint: str) -> Any:
    return boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="y"
    )


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory, endpoint: str) -> Iterator[StandIn]:
    stand_in = StandIn(tmp_path_factory.mktemp("warehouse") / "data", free_port(), endpoint)
    stand_in.start()
    yield stand_in
    stand_in.stop()


@pytest.fixture
def own_stand_in(tmp_path: Path, endpoint: str) -> Iterator[StandIn]:
    """A fresh one, for tests that kill it or fill its disk."""
    stand_in = StandIn(tmp_path / "data", free_port(), endpoint)
    stand_in.start()
    yield stand_in
    if stand_in.process is not None and stand_in.process.poll() is None:
        stand_in.stop()


@pytest.fixture
def lake(s3_client: Any) -> Lake:
    # All servers of moto in one process share what they hold, and other tests reset it.
    s3_client.create_bucket(Bucket=BUCKET)
    return Lake(s3_client, secrets.token_hex(6))


@pytest.fixture
def schema(stand_in: StandIn) -> Iterator[str]:
    name = f"t_{secrets.token_hex(4)}"
    admin = stand_in.connect(autocommit=True)
    admin.run(f"CREATE SCHEMA {name}")
    yield name
    stand_in.faults()
    admin.run(f"DROP SCHEMA {name} CASCADE")
    admin.close()


Connect = Callable[..., Client]


@pytest.fixture
def connect(stand_in: StandIn, schema: str) -> Iterator[Connect]:
    """Open clients that work in this test's schema."""
    clients: list[Client] = []

    def open_client(**options: Any) -> Client:
        client = stand_in.connect(**options)
        client.run(f"SET search_path TO {schema}")
        if not client.connection.autocommit:
            client.commit()
        clients.append(client)
        return client

    yield open_client
    for client in clients:
        client.close()


@pytest.fixture
def client(connect: Connect) -> Client:
    """A client in autocommit mode."""
    return connect(autocommit=True)
