"""The core decides without Airflow, without servers and without clients of them."""

from __future__ import annotations

from tests.fixtures.purity import impure_imports, rooms_imported

CORE = ("calls", "facts", "faults", "identity", "naming", "parameters", "states", "terraform", "waits")


def test_the_core_imports_neither_airflow_nor_a_client() -> None:
    assert impure_imports("rds", CORE) == ""


def test_the_rds_room_imports_no_other_room() -> None:
    assert rooms_imported("rds") == {"rds", "runbook"}
