"""Sessions in the warehouse: their name, their end, and whose errors are theirs."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from airflow.sdk.exceptions import AirflowTaskTimeout

from livemove.runbook.errors import NeedsPerson
from rehearsal.redshift.faults import Fault, write_faults
from tests.fixtures.sync import SyncCase

NAME = "SELECT current_setting('application_name')"


def test_sessions_bear_our_name(case: SyncCase) -> None:
    case.configure({"t": None})
    with case.sync.warehouse.session() as warehouse:
        assert warehouse.value(NAME) == "livemove"


def test_a_name_in_the_connections_extra_wins(case: SyncCase, monkeypatch: pytest.MonkeyPatch) -> None:
    case.configure({"t": None})
    variable = f"AIRFLOW_CONN_{case.sync.warehouse.get_conn_id().upper()}"
    connection = json.loads(os.environ[variable])
    connection["extra"] = {**connection["extra"], "application_name": "nightly sync"}
    monkeypatch.setenv(variable, json.dumps(connection))
    with case.sync.warehouse.session() as warehouse:
        assert warehouse.value(NAME) == "nightly sync"


def test_what_redshift_refuses_needs_a_person(case: SyncCase) -> None:
    case.configure({"t": None})
    faults(case, Fault("select 1", "error", message="permission denied for relation t", code="42501"))
    with (
        pytest.raises(NeedsPerson, match="Redshift refuses: permission denied"),
        case.sync.warehouse.session() as found,
    ):
        found.value("SELECT 1")


def test_what_another_service_refuses_during_a_session_is_not_taken_for_redshifts(case: SyncCase) -> None:
    case.configure({"t": None})
    refused = PermissionError("AssumeRole: User is not authorized to perform: sts:AssumeRole")
    with pytest.raises(PermissionError) as raised, case.sync.warehouse.session():
        raise refused
    assert raised.value is refused


@pytest.mark.parametrize("full", [False, True])
def test_a_time_out_during_copy_does_not_wait_for_its_end_and_the_next_attempt_merges(
    case: SyncCase, full: bool
) -> None:
    from livemove.redshift import tables

    case.source("CREATE TABLE t (id INT NOT NULL PRIMARY KEY, version INT NOT NULL, KEY (version))")
    case.insert("t", [(number, 1) for number in range(100)])
    case.configure({"t": {"watermark": "version"}})
    case.copy("t")
    case.source("UPDATE t SET version = 2 WHERE id < 10")
    folder = case.extract("t", full_reload=full)["folder"]
    tables.stage(case.sync, "t", folder)
    before = case.rows("t"), case.state
    faults(case, Fault("^copy", "sleep", seconds=12))
    began = time.monotonic()
    with timed_out(after_seconds=1), pytest.raises(AirflowTaskTimeout):
        tables.merge(case.sync, "t", folder)
    assert time.monotonic() - began < 8
    assert (case.rows("t"), case.state) == before
    tables.merge(case.sync, "t", folder)
    case.assert_same("t")


def faults(case: SyncCase, *faults: Fault) -> None:
    """Let things go wrong, each once."""
    write_faults(case.stack.warehouse.folder / "faults.json", faults)


@contextmanager
def timed_out(*, after_seconds: float) -> Iterator[None]:
    """Stop what runs as Airflow does at the end of `execution_timeout`: by an error out of a signal's handler."""

    def stop(*_: object) -> None:
        raise AirflowTaskTimeout("Timeout")

    was = signal.signal(signal.SIGUSR1, stop)
    timer = threading.Timer(after_seconds, os.kill, (os.getpid(), signal.SIGUSR1))
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        signal.signal(signal.SIGUSR1, was)
