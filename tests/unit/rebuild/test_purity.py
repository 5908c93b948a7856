"""Settings and plans are made without Airflow, without servers and without clients of them."""

from __future__ import annotations

from tests.fixtures.purity import impure_imports, rooms_imported


def test_the_core_imports_neither_airflow_nor_a_client() -> None:
    assert impure_imports("rebuild", ("plan", "settings")) == ""


def test_the_rebuild_room_joins_search_and_stream_and_no_other() -> None:
    assert rooms_imported("rebuild") == {"rebuild", "runbook", "search", "stream"}
