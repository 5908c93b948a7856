"""The retention's binary logs have to fit the storage."""

from __future__ import annotations

import pytest

from livemove.migration.storage import GIB, BinlogRate, growth, judge


def test_growth_counts_new_logs_and_what_the_last_one_gained_and_ignores_a_purge() -> None:
    assert growth({"a": 10, "b": 5}, {"b": 8, "c": 4}) == 7
    assert growth({"a": 10}, {"b": 0}) == 0


@pytest.mark.parametrize(
    ("free", "allocated", "result"),
    [
        (50 * GIB, 100 * GIB, "ok"),
        (15 * GIB, 100 * GIB, "warn"),
        (9 * GIB, 100 * GIB, "stop"),
        (None, 100 * GIB, "ok"),
        (None, 15 * GIB, "warn"),
        (None, None, "ok"),
    ],
)
def test_the_forecast_is_compared_with_what_is_free(free: int | None, allocated: int | None, result: str) -> None:
    rate = BinlogRate(bytes_per_second=10 * GIB / 3600, seconds=5, kept_bytes=0)
    assert judge("source shop", rate, 1, free, allocated).result == result


def test_what_is_kept_already_needs_no_more_room() -> None:
    rate = BinlogRate(bytes_per_second=10 * GIB / 3600, seconds=5, kept_bytes=8 * GIB)
    assert judge("source shop", rate, 1, 5 * GIB, None).result == "ok"
