"""The stand-in can be left, killed and started again at any moment."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest
import redshift_connector

from rehearsal.redshift.faults import Fault
from rehearsal.unprivileged import hand_over, unprivileged
from tests.fixtures.waiting import until
from tests.integration.rehearsal.redshift.conftest import Connect, free_port
from tests.integration.rehearsal.redshift.harness import Client, Lake, StandIn, in_background

ROLE = "IAM_ROLE default"
LOST = (redshift_connector.Error, OSError, EOFError)


def servers_of(folder: Path) -> list[int]:
    """Find PostgreSQL's processes for a data folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if (entry / "cwd").readlink() == folder / "postgres":
                found.append(int(entry.name))
        except OSError:
            continue
    return found


def test_it_starts_again_in_seconds_with_all_that_was_committed(own_stand_in: StandIn) -> None:
    client = own_stand_in.connect()
    client.run("CREATE TABLE t (id INT PRIMARY KEY)")
    client.run("INSERT INTO t VALUES (1)")
    client.commit()
    client.run("INSERT INTO t VALUES (2)")
    own_stand_in.kill()
    until(lambda: not servers_of(own_stand_in.folder))
    assert own_stand_in.start() < 5
    again = own_stand_in.connect(autocommit=True)
    assert again.run("SELECT id FROM t") == [(1,)]
    again.run("INSERT INTO t VALUES (1)")
    assert again.value("SELECT tbl_rows FROM svv_table_info") == 2


def test_a_dead_server_that_nobody_has_waited_for_is_no_obstacle(own_stand_in: StandIn) -> None:
    own_stand_in.kill()
    until(lambda: not servers_of(own_stand_in.folder))
    zombie = subprocess.Popen(unprivileged(["true"]))
    until(lambda: Path(f"/proc/{zombie.pid}/stat").read_text().split(") ")[1].startswith("Z"))
    lock = own_stand_in.folder / "postgres" / "postmaster.pid"
    rest = lock.read_text().split("\n", 1)[1] if lock.exists() else ""
    lock.write_text(f"{zombie.pid}\n{rest}")
    try:
        own_stand_in.start()
    finally:
        zombie.wait()


def test_two_on_one_folder_are_refused(own_stand_in: StandIn) -> None:
    own_stand_in.connect(autocommit=True).run("CREATE TABLE t (id INT)")
    command = [sys.executable, "-m", "rehearsal.redshift", "--port", str(free_port())]
    command += ["--data", str(own_stand_in.folder), "--s3-endpoint", "http://127.0.0.1:1"]
    environment = os.environ | {"LIVEMOVE_WAREHOUSE_PASSWORD": "x", "PYTHONPATH": "include"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert "is in use by" in done.stderr
    assert own_stand_in.connect().value("SELECT count(*) FROM t") == 0


def test_sigterm_leaves_no_process_behind(own_stand_in: StandIn) -> None:
    client = own_stand_in.connect()
    client.run("CREATE TABLE t (id INT)")
    assert servers_of(own_stand_in.folder)
    own_stand_in.stop()
    assert servers_of(own_stand_in.folder) == []


def test_two_of_them_do_not_meet(own_stand_in: StandIn, stand_in: StandIn) -> None:
    own_stand_in.connect(autocommit=True).run("CREATE TABLE only_here (id INT)")
    assert stand_in.connect().fails("SELECT * FROM only_here")["C"] == "42P01"


def test_a_second_one_on_the_same_port_says_so(stand_in: StandIn, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "rehearsal.redshift", "--port", str(stand_in.port), "--data", str(tmp_path / "d")]
    environment = os.environ | {"LIVEMOVE_WAREHOUSE_PASSWORD": "x", "PYTHONPATH": "include"}
    done = subprocess.run(
        [*command, "--s3-endpoint", "http://127.0.0.1:1"], env=environment, capture_output=True, text=True, timeout=20
    )
    assert done.returncode == 1
    assert f"port {stand_in.port}" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_password_it_does_not_start(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "rehearsal.redshift", "--port", str(free_port()), "--data", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": "include", "LIVEMOVE_WAREHOUSE_PASSWORD": ""}
    done = subprocess.run([*command, "--s3-endpoint", "x"], env=environment, capture_output=True, text=True, timeout=20)
    assert done.returncode == 2
    assert "LIVEMOVE_WAREHOUSE_PASSWORD" in done.stderr


def test_a_client_that_leaves_during_copy_leaves_nothing(connect: Connect, client: Client, lake: Lake) -> None:
    client.run("CREATE TABLE t (id BIGINT, v VARCHAR(100))")
    count = 400_000
    url = lake.parquet("p", {"id": pa.array(range(count), pa.int64()), "v": pa.array(["x" * 100] * count)})
    leaving = connect(autocommit=True)
    pid = leaving.value("SELECT pg_backend_pid()")
    waiting = in_background(lambda: leaving.run(f"COPY t FROM '{url}' {ROLE} PARQUET"))
    until(
        lambda: client.value("SELECT count(*) FROM pg_stat_progress_copy WHERE pid = %s AND bytes_processed > 0", pid)
    )
    leaving.connection._usock.shutdown(2)
    assert waiting.ends()
    until(lambda: client.value("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", pid) == 0)
    client.run("INSERT INTO t VALUES (1, 'the lock is free')")
    assert client.value("SELECT count(*) FROM t") == 1


def test_a_client_that_leaves_while_it_waits_for_a_lock_is_forgotten(connect: Connect, client: Client) -> None:
    client.run("CREATE TABLE t (id INT)")
    holder, leaving = connect(), connect(autocommit=True)
    holder.run("INSERT INTO t VALUES (1)")
    pid = leaving.value("SELECT pg_backend_pid()")
    waiting = in_background(lambda: leaving.run("INSERT INTO t VALUES (2)"))
    assert waiting.waits()
    leaving.connection._usock.shutdown(2)
    until(lambda: client.value("SELECT count(*) FROM pg_stat_activity WHERE pid = %s", pid) == 0)
    holder.commit()
    assert client.run("SELECT id FROM t") == [(1,)]


def test_a_fault_gives_its_error_as_often_as_it_says(stand_in: StandIn, client: Client) -> None:
    client.run("CREATE TABLE t (id INT)")
    stand_in.faults(Fault("insert into t", "error", message="no luck", code="XX000", count=2))
    for _ in range(2):
        assert client.fails("INSERT INTO t VALUES (1)")["M"] == "no luck"
    client.run("INSERT INTO t VALUES (1)")
    assert client.value("SELECT count(*) FROM t") == 1


@pytest.mark.parametrize(("when", "rows"), [("before", 0), ("after", 1)])
def test_a_connection_closed_at_commit_leaves_the_client_in_doubt(
    stand_in: StandIn, connect: Connect, client: Client, when: str, rows: int
) -> None:
    client.run("CREATE TABLE t (id INT)")
    doomed = connect()
    doomed.run("INSERT INTO t VALUES (1)")
    stand_in.faults(Fault("^commit", "close", when=when))  # type: ignore[arg-type]
    with pytest.raises(LOST):
        doomed.commit()
    until(lambda: client.value("SELECT count(*) FROM pg_locks WHERE relation = 't'::regclass") == 0)
    assert client.value("SELECT count(*) FROM t") == rows


@pytest.mark.parametrize(("when", "rows"), [("before", 0), ("after", 1)])
def test_an_automatic_commit_is_done_before_a_fault_after_it(
    stand_in: StandIn, connect: Connect, client: Client, when: str, rows: int
) -> None:
    client.run("CREATE TABLE t (id INT)")
    doomed = connect(autocommit=True)
    stand_in.faults(Fault("^insert", "close", when=when))  # type: ignore[arg-type]
    with pytest.raises(LOST):
        doomed.run("INSERT INTO t VALUES (1)")
    assert client.value("SELECT count(*) FROM t") == rows


def _load_and_commit(client: Client, url: str) -> None:
    client.run(f"COPY t FROM '{url}' {ROLE} PARQUET")
    client.commit()


@pytest.mark.parametrize(
    ("match", "when", "rows"), [("^copy", "after", 0), ("^commit", "before", 0), ("^commit", "after", 1)]
)
def test_a_warehouse_that_dies_keeps_what_was_committed_and_nothing_else(
    own_stand_in: StandIn, lake: Lake, match: str, when: str, rows: int
) -> None:
    url = lake.parquet("p", {"id": pa.array([1], pa.int32())})
    client = own_stand_in.connect()
    client.run("CREATE TABLE t (id INT)")
    client.commit()
    own_stand_in.faults(Fault(match, "die", when=when))  # type: ignore[arg-type]
    with pytest.raises(LOST):
        _load_and_commit(client, url)
    assert own_stand_in.process is not None
    assert own_stand_in.process.wait(10) == -9
    own_stand_in.start()
    again = own_stand_in.connect(autocommit=True)
    assert again.value("SELECT count(*) FROM t") == rows


def test_a_sleep_holds_the_statement_back(stand_in: StandIn, client: Client) -> None:
    stand_in.faults(Fault("select 42", "sleep", seconds=0.5))
    started = time.monotonic()
    client.run("SELECT 42")
    assert time.monotonic() - started >= 0.5


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root can become someone else")
def test_it_runs_as_an_ordinary_user_too(tmp_path: Path) -> None:
    home = tmp_path / "home with a space"
    home.mkdir(mode=0o700)
    hand_over(home)
    command = [sys.executable, "-m", "rehearsal.redshift", "--port", str(free_port()), "--data", str(home / "data")]
    command = unprivileged([*command, "--s3-endpoint", "http://127.0.0.1:1"])
    environment = os.environ | {"LIVEMOVE_WAREHOUSE_PASSWORD": "x", "PYTHONPATH": "include", "HOME": str(home)}
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
    finally:
        process.terminate()
        assert process.wait(20) == 0
