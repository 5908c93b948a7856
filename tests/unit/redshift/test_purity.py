"""The core decides without Airflow, without servers and without clients of them."""

from __future__ import annotations

from tests.fixtures.purity import impure_imports, rooms_imported

CORE = (
    *("blocks", "disk", "drift", "examination", "extraction", "findings", "manifest", "names", "plan_text", "plans"),
    *("settings", "statements", "swap", "types", "upkeep", "window"),
)


def test_the_core_imports_neither_airflow_nor_a_client() -> None:
    assert impure_imports("redshift", CORE) == ""


def test_the_redshift_room_imports_no_other_room() -> None:
    assert rooms_imported("redshift") == {"redshift", "runbook"}
