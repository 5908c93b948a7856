"""The core decides without Airflow, without servers and without clients of them."""

from __future__ import annotations

from tests.fixtures.purity import impure_imports, rooms_imported

CORE = ("contract", "deployment", "documents", "points", "retention", "status")


def test_the_core_imports_neither_airflow_nor_a_client() -> None:
    assert impure_imports("stream", CORE) == ""


def test_the_stream_room_imports_no_other_room() -> None:
    assert rooms_imported("stream") == {"stream", "runbook"}
