"""Sessions in the warehouse, as its administrators see them."""

from __future__ import annotations

import json
import os

import pytest

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
