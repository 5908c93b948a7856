"""Loaders are deployed, paused, resumed, rewound and stopped for real; each call may be repeated."""

from __future__ import annotations

import json
import os
import secrets
import signal
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from livemove.runbook.errors import NeedsPerson, TryAgain
from livemove.stream import points
from livemove.stream.deployment import Deployment
from livemove.stream.local import LocalDeployer
from tests.fixtures.rebuild import IndexCase
from tests.fixtures.waiting import until


def await_state(name: str, case: IndexCase, state: str, seconds: float = 60) -> None:
    case.rebuild().loaders.control.await_state(name, state, timeout_seconds=seconds)


def test_a_loader_is_paused_resumed_stopped_and_goes_on_where_it_was(index_case: IndexCase) -> None:
    writer = index_case.seed(20)
    loaders, name = index_case.rebuild().loaders, index_case.live
    assert loaders.deployer.running() == [name]
    wanted = index_case.rebuild().deployment(name, "latest")
    assert loaders.deploy(wanted) == f"{name} runs"

    paused = loaders.pause(name, lease_seconds=60, timeout_seconds=30)
    assert paused.state == "paused"
    writer.send([writer.put(1)])
    assert loaders.behind(name, wanted.stream, 5) == [f"{name} is paused"]
    time.sleep(1)
    assert index_case.documents()["1"]["revision"] == 1
    loaders.resume(name)
    await_state(name, index_case, "running")
    index_case.settle(name)
    index_case.assert_equals_database(writer)

    assert loaders.stop(name) == f"{name} is stopped"
    assert loaders.stop(name) == f"{name} does not run"
    writer.send([writer.put(2)])
    assert loaders.deploy(wanted) == f"{name} was started from its checkpoint"
    await_state(name, index_case, "running")
    index_case.settle(name)
    index_case.assert_equals_database(writer)


def test_a_pause_ends_by_itself_when_its_lease_is_up(index_case: IndexCase) -> None:
    index_case.seed(5)
    loaders = index_case.rebuild().loaders
    loaders.pause(index_case.live, lease_seconds=2, timeout_seconds=30)
    await_state(index_case.live, index_case, "running")


def test_a_rewound_loader_writes_again_what_the_index_has_lost(index_case: IndexCase) -> None:
    writer = index_case.seed(20)
    index_case.ask("PUT", f"/{index_case.live}/_settings", {"index.gc_deletes": "0s"})
    writer.send([writer.put(number) for number in range(1, 6)])
    index_case.settle(index_case.live)
    index_case.ask("POST", f"/{index_case.live}/_delete_by_query?refresh", {"query": {"ids": {"values": ["3", "4"]}}})
    loaders = index_case.rebuild().loaders
    start = points.iso(datetime.now(UTC) - timedelta(hours=1))
    assert start in loaders.rewind(index_case.rebuild().deployment(index_case.live, start))
    await_state(index_case.live, index_case, "running")
    index_case.settle(index_case.live)
    index_case.assert_equals_database(writer)


def test_a_name_that_another_loader_has_is_refused(index_case: IndexCase) -> None:
    index_case.seed(1)
    rebuild = index_case.rebuild()
    other = rebuild.deployment("products-other", "latest", name=index_case.live)
    with pytest.raises(NeedsPerson, match=r"There is a loader .* already"):
        rebuild.loaders.deploy(other)


def test_a_loader_that_cannot_start_says_why(index_case: IndexCase) -> None:
    deployer = LocalDeployer()
    wrong = Deployment("wrong", "nothing", ("ftp://nowhere",), index_case.state, "latest")
    with suppress(TryAgain):  # It may live for a moment longer than it is looked at.
        deployer.deploy(wrong)
    ends = time.monotonic() + 60
    while deployer.state("wrong") == "running" and time.monotonic() < ends:
        time.sleep(0.1)
    assert deployer.state("wrong") == "ended"
    assert "write http" in deployer.last_words("wrong")


def test_no_password_is_among_the_words_of_the_process(index_case: IndexCase, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = f"s3cret-{secrets.token_hex(8)}"
    connection = json.loads(os.environ["AIRFLOW_CONN_AWS_DEFAULT"])
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps({**connection, "password": secret}))
    index_case.seed(1)
    rebuild = index_case.rebuild()
    assert rebuild.loaders.environment()["AWS_SECRET_ACCESS_KEY"] == secret
    pid = json.loads((index_case.loaders / f"{index_case.live}.json").read_text(encoding="utf-8"))["pid"]
    assert secret not in Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8")
    environment = Path(f"/proc/{pid}/environ").read_text(encoding="utf-8")
    assert secret in environment
    assert "AIRFLOW_CONN" not in environment
    assert secret not in (index_case.loaders / f"{index_case.live}.log").read_text(encoding="utf-8")


def test_a_killed_loader_has_ended_and_is_deployed_again(index_case: IndexCase) -> None:
    index_case.seed(1)
    deployer = LocalDeployer()
    pid = json.loads((index_case.loaders / f"{index_case.live}.json").read_text(encoding="utf-8"))["pid"]
    os.kill(pid, signal.SIGKILL)
    until(lambda: deployer.state(index_case.live) == "ended", 10)
    assert deployer.running() == []
    index_case.rebuild().loaders.deploy(index_case.rebuild().deployment(index_case.live, "latest"))
    assert deployer.running() == [index_case.live]
