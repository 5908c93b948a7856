"""An RDS API, Airflow's connection to it, and a record of the calls that change something."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from livemove.rds.call import Call
from livemove.rds.hook import RdsHook

REGION = "ap-northeast-1"


def connection(url: str) -> str:
    """An AWS connection whose RDS API is at an address."""
    extra = {"region_name": REGION, "service_config": {"rds": {"endpoint_url": url}}}
    return json.dumps({"conn_type": "aws", "login": "rehearsal", "password": "rehearsal", "extra": extra})


@pytest.fixture(scope="session")
def _moto_url() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def moto_hook(_moto_url: str, monkeypatch: pytest.MonkeyPatch) -> RdsHook:
    """moto's RDS API, empty. It knows no states that take time, no promotion and no Aurora replica of an instance."""
    import requests

    with requests.Session() as session:
        session.trust_env = False
        session.post(f"{_moto_url}/moto-api/reset", timeout=10).raise_for_status()
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", connection(_moto_url))
    return RdsHook()


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The operations that changed something, or were tried, in order."""
    record: list[str] = []
    run = RdsHook.run

    def recorded(self: RdsHook, call: Call) -> dict[str, Any]:
        record.append(call.operation)
        return run(self, call)

    monkeypatch.setattr(RdsHook, "run", recorded)
    return record


@pytest.fixture
def shop(rds_seeded: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The stand-in with the RDS instance `shop`, and Airflow's connection to it."""
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", connection(rds_seeded.endpoint_url))
    return rds_seeded
