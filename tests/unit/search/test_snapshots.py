"""The newest snapshot that is whole, fresh and holds the index."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from livemove.search.snapshots import Snapshot, choose, is_read_only

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def snapshot(name: str, hours: float, **changes: Any) -> Snapshot:
    values: dict[str, Any] = {"state": "SUCCESS", "indices": ("products-1",), "failed": 0, **changes}
    return Snapshot(name=name, started_at=NOW - timedelta(hours=hours), **values)


def chosen(*snapshots: Snapshot) -> tuple[str | None, list[str]]:
    found, refused = choose(list(snapshots), "products-1", "p-", NOW - timedelta(hours=24))
    return found.name if found else None, refused


def test_the_newest_good_one_is_chosen() -> None:
    assert chosen(snapshot("p-1", 9), snapshot("p-2", 3), snapshot("p-3", 5)) == ("p-2", [])


def test_newer_ones_that_are_not_good_are_named_with_the_reason() -> None:
    found, refused = chosen(
        snapshot("p-1", 9),
        snapshot("p-2", 1, state="PARTIAL", failed=2),
        snapshot("p-3", 2, indices=("other",)),
        snapshot("p-4", 3, state="IN_PROGRESS"),
        snapshot("p-5", 4, failed=1),
        snapshot("other", 0),
    )
    assert found == "p-1"
    assert refused == [
        "p-2: its state is PARTIAL, 2 shards are missing",
        "p-3: it does not hold products-1",
        "p-4: its state is IN_PROGRESS",
        "p-5: 1 shards are missing",
    ]


def test_one_that_is_too_old_is_not_taken() -> None:
    assert chosen(snapshot("p-1", 25)) == (None, ["p-1: started at 2026-01-30 11:00 UTC, too old"])


@pytest.mark.parametrize(
    ("repository", "expected"),
    [
        ({"type": "fs", "settings": {}}, False),
        ({"type": "fs", "settings": {"readonly": "true"}}, True),
        ({"type": "s3", "settings": {"readonly": True}}, True),
        ({"type": "url", "settings": {}}, True),
    ],
)
def test_a_repository_may_be_for_reading_only(repository: dict[str, Any], expected: bool) -> None:
    assert is_read_only(repository) is expected
