"""A server is found by what it is, not by a number, and ends with all that it started."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rehearsal.errors import RehearsalError
from rehearsal.launch import start_ticks
from rehearsal.processes import Identity, Server, belonging, kill_all
from tests.fixtures.waiting import until

# A parent that starts a child and prints its id: in its session, in another, or in another without our mark.
PARENT = """
import subprocess, sys, time
how = sys.argv[1]
child = subprocess.Popen(["sleep", "300"], start_new_session=how != "together", env={} if how == "unmarked" else None)
print(child.pid, flush=True)
time.sleep(300)
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    found = Server("probe", tmp_path / "run" / "probe.json", tmp_path / "probe.log")
    yield found
    found.kill()


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def with_child(server: Server, how: str) -> int:
    server.spawn([sys.executable, "-c", PARENT, how])
    until(server.said)
    return int(server.said()[0])


def test_a_started_server_is_recorded_and_runs(server: Server) -> None:
    server.spawn(["sleep", "300"])
    again = Server("probe", server.run_file, server.log)
    assert again.pid == server.pid
    assert again.pid is not None
    assert os.getsid(again.pid) == again.pid


def test_a_server_that_runs_is_not_started_twice(server: Server) -> None:
    server.spawn(["sleep", "300"])
    with pytest.raises(RehearsalError, match="already runs"):
        server.spawn(["sleep", "300"])


def test_a_process_with_the_same_number_is_not_taken_for_the_server(server: Server) -> None:
    server.spawn(["sleep", "300"])
    identity = server.identity
    assert identity is not None
    assert identity.alive
    assert not replace(identity, started=identity.started + 1).alive
    assert not replace(identity, boot="another").alive


def test_a_number_that_went_to_another_process_names_no_session_of_ours(server: Server) -> None:
    server.spawn(["sleep", "300"])
    identity = server.identity
    assert identity is not None
    assert identity.session == identity.pid
    assert replace(identity, started=identity.started + 1).session is None
    assert replace(identity, boot="another").session is None


@pytest.mark.parametrize("how", ["together", "apart", "unmarked"])
def test_stopping_ends_what_the_server_started(server: Server, how: str) -> None:
    child = with_child(server, how)
    assert child in server.members()
    server.stop(grace=5)
    assert not alive(child)
    assert not server.run_file.exists()


@pytest.mark.parametrize("how", ["together", "apart"])
def test_what_outlives_a_killed_server_is_found_and_ended(server: Server, how: str) -> None:
    child = with_child(server, how)
    assert server.pid
    os.kill(server.pid, signal.SIGKILL)
    until(lambda: server.pid is None)
    assert alive(child)
    Server("probe", server.run_file, server.log).stop()
    assert not alive(child)


def test_a_server_without_its_run_file_is_found_by_its_environment(server: Server) -> None:
    server.spawn(["sleep", "300"])
    pid = server.pid
    assert pid
    server.run_file.unlink()
    assert pid in belonging(server.run_file.parent)
    kill_all(server.run_file.parent)
    assert not alive(pid)


def test_a_folder_of_run_files_does_not_stand_for_another_with_a_longer_name(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    other = Server("probe", tmp_path / "run-2" / "probe.json", tmp_path / "log")
    other.spawn(["sleep", "300"])
    assert other.pid not in belonging(tmp_path / "run")
    other.kill()


def test_a_server_that_ignores_the_signal_is_killed_after_its_grace(server: Server) -> None:
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(300)"
    server.spawn([sys.executable, "-c", code])
    until(server.said)
    pid = server.pid
    assert pid
    server.stop(grace=0.2)
    assert not alive(pid)


def test_waiting_ends_with_the_log_when_the_server_ends(server: Server) -> None:
    server.spawn([sys.executable, "-c", "raise SystemExit('no such option')"])
    with pytest.raises(RehearsalError, match="no such option"):
        server.wait(lambda: False, 10, "anything")


def test_waiting_ends_when_the_time_is_up(server: Server) -> None:
    server.spawn(["sleep", "300"])
    with pytest.raises(RehearsalError, match=r"not ready after 0 s \(waited for its port\)"):
        server.wait(lambda: False, 0.1, "its port")


def test_the_server_is_recorded_before_it_begins(tmp_path: Path) -> None:
    # The starter is killed at once; what it started must be known all the same.
    code = (
        "import os, sys; from pathlib import Path; from rehearsal.processes import Server\n"
        f"Server('probe', Path({str(tmp_path / 'run.json')!r}), Path({str(tmp_path / 'log')!r}))"
        ".spawn(['sleep', '300']); os.kill(os.getpid(), 9)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3] / "include")}
    subprocess.run([sys.executable, "-c", code], env=environment, check=False)
    orphan = Server("probe", tmp_path / "run.json", tmp_path / "log")
    assert orphan.pid
    orphan.kill()


def test_this_very_process_is_alive() -> None:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    assert Identity(os.getpid(), start_ticks("self"), boot).alive
