"""`./dev run` follows a real run in a real Airflow, which listens on loopback only and ends without a trace."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal import cli, commands
from rehearsal.airflow.follow import run_dag
from rehearsal.services import AIRFLOW
from rehearsal.stack import Stack

NAME = "test-run"


@pytest.fixture(scope="module")
def airflow() -> Iterator[Stack]:
    stack = Stack(NAME)
    stack.down(purge=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIVEMOVE_DAGS", str(Path(__file__).parent / "probe_dags"))
        try:
            stack.up({"airflow"})
            yield stack
        finally:
            stack.down(purge=True)


@pytest.fixture
def dev(airflow: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """`./dev` for this module's stack: exit code, standard output, standard error."""
    monkeypatch.setattr(commands, "MAIN", NAME)

    def called(*words: str) -> tuple[int, str, str]:
        code = cli.main(words)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return called


def test_a_run_that_succeeds_exits_with_0_and_is_told_task_by_task(dev) -> None:
    code, out, err = dev("run", "probe")
    assert code == 0
    assert out == ""
    assert "success          work [gamma]" in err


def test_a_run_that_fails_exits_with_1_with_the_error_and_the_tries(dev) -> None:
    code, out, err = dev("run", "probe", "--json", "--conf", '{"broken": "beta"}')
    assert code == 1
    assert "ValueError: beta is broken: mend it" in err
    outcome = json.loads(out)
    assert outcome["dag_id"] == "probe"
    assert outcome["state"] == "failed"
    tasks = {task["name"]: (task["state"], task["tries"]) for task in outcome["tasks"]}
    assert tasks == {
        "names": ("success", 1),
        "work [alpha]": ("success", 1),
        "work [beta]": ("failed", 2),
        "work [gamma]": ("success", 1),
    }


def test_params_that_the_dag_refuses_exit_with_2_and_the_reason(dev) -> None:
    code, _, err = dev("run", "probe", "--conf", '{"broken": "zeta"}')
    assert code == 2
    assert "'zeta' is not one of" in err


@pytest.mark.parametrize("conf", ["[1", "[]", "3"])
def test_a_conf_that_is_no_json_object_exits_with_2(dev, conf: str) -> None:
    code, _, err = dev("run", "probe", "--conf", conf)
    assert code == 2
    assert "--conf" in err


def test_a_dag_that_is_not_there_exits_with_2(dev, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rehearsal.airflow.follow.FIND_SECONDS", 2)
    code, _, err = dev("run", "nope")
    assert code == 2
    assert "no DAG nope" in err


@pytest.mark.parametrize(("words", "state"), [((), "success"), (("--reject",), "failed")])
def test_an_approval_is_shown_with_its_evidence_and_answered(
    dev, airflow: Stack, words: tuple[str, ...], state: str
) -> None:
    found: list[dict[str, object]] = []

    def follow() -> None:
        found.append(run_dag(airflow.status()["airflow"]["url"], "asks", {}))

    running = threading.Thread(target=follow)
    running.start()
    answered, out, _ = dev("approve", "asks", "--wait", "90", *words)
    assert answered == 0
    assert "Approve the probe" in out
    assert "    rows 7" in out
    running.join(90)
    assert found[0]["state"] == state


def test_where_nothing_waits_approve_says_so(dev) -> None:
    code, _, err = dev("approve", "probe")
    assert code == 1
    assert "No run of probe waits" in err


def test_connections_and_passwords_are_in_private_files_only(airflow: Stack) -> None:
    secret = airflow.password("mysql-admin")
    holding = [path for path in airflow.path.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]
    assert sorted(path.name for path in holding) == ["credentials.json", "environment.sh"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in holding)


def listening_sockets() -> dict[str, str]:
    """Addresses of all listening TCP sockets, as /proc/net/tcp writes them, by the socket's inode."""
    found = {}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A":
                found[f"socket:[{fields[9]}]"] = fields[1]
    return found


def test_every_socket_listens_on_loopback(airflow: Stack) -> None:
    listening = listening_sockets()
    addresses = set()
    for pid in [pid for name in AIRFLOW for pid in airflow.folder.server(name).members()]:
        # A process that reads a DAG's file may end meanwhile.
        with contextlib.suppress(FileNotFoundError):
            addresses |= {listening.get(str(handle.readlink())) for handle in Path(f"/proc/{pid}/fd").iterdir()}
    addresses -= {None}
    assert addresses
    assert all(address.startswith("0100007F:") for address in addresses), addresses


def test_after_a_crash_of_the_scheduler_up_mends_and_down_leaves_no_process(
    airflow: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    crash(airflow, "airflow-scheduler")
    before = {name: airflow.folder.server(name).pid for name in AIRFLOW if name != "airflow-scheduler"}
    monkeypatch.setenv("LIVEMOVE_DAGS", str(Path(__file__).parent / "probe_dags"))
    airflow.up({"airflow"})
    assert airflow.folder.running(*AIRFLOW)
    assert {name: airflow.folder.server(name).pid for name in before} == before
    crash(airflow, "airflow-scheduler")
    members = {pid for name in AIRFLOW for pid in airflow.folder.server(name).members()}
    assert len(members) > len(AIRFLOW)
    airflow.down()
    assert [pid for pid in members if runs(pid)] == []


def runs(pid: int) -> bool:
    """Whether a process runs; one that has ended but was not yet waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def crash(stack: Stack, name: str) -> None:
    server = stack.folder.server(name)
    assert server.pid
    os.kill(server.pid, signal.SIGKILL)
    while server.pid:
        time.sleep(0.02)
