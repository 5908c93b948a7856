"""VACUUM and ANALYZE run when thresholds are passed, and tell what they changed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.sync import SyncCase

ROWS = 200


def table_of(case: SyncCase, **upkeep: float) -> None:
    """A table that was copied once, with thresholds."""
    case.source("CREATE TABLE t (id INT NOT NULL PRIMARY KEY, version INT NOT NULL, KEY (version))")
    case.insert("t", [(number, 1) for number in range(ROWS)])
    case.configure({"t": {"watermark": "version"}}, warehouse={"upkeep": upkeep})
    case.copy("t")


def change(case: SyncCase, rows: int) -> dict[str, Any]:
    """Change that many rows, copy them, and return what `maintain` told."""
    case.source(
        f"UPDATE t SET version = (SELECT m + 1 FROM (SELECT MAX(version) AS m FROM t) AS was) WHERE id < {rows}"
    )
    return case.copy("t").maintained


@pytest.mark.parametrize(
    ("limits", "did"),
    [
        ({}, ["VACUUM FULL", "ANALYZE"]),
        ({"vacuum_unsorted_percent": 100}, ["VACUUM DELETE ONLY", "ANALYZE"]),
        ({"vacuum_unsorted_percent": 100, "vacuum_deleted_percent": 100}, ["ANALYZE"]),
        ({"analyze_stale_percent": 100}, ["VACUUM FULL"]),
        ({"vacuum_unsorted_percent": 60, "vacuum_deleted_percent": 60, "analyze_stale_percent": 100}, []),
    ],
)
def test_what_is_done_depends_on_the_thresholds(case: SyncCase, limits: dict[str, float], did: list[str]) -> None:
    table_of(case, **limits)
    told = change(case, ROWS // 2)
    assert told["did"] == did
    assert "33.3 % deleted" in told["before"]
    assert ("0.0 % deleted" in told["after"]) == ("VACUUM" in str(did))
    assert told["helped"]
    case.assert_same("t")


def test_a_small_change_needs_nothing(case: SyncCase) -> None:
    table_of(case)
    assert change(case, ROWS // 50)["did"] == []


def test_maintaining_an_empty_or_absent_table_does_nothing(case: SyncCase) -> None:
    from livemove.redshift import tables

    case.configure({"t": None})
    assert tables.maintain(case.sync, "t") == {"did": []}
