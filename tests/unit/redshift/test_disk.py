"""A load that would fill the disk is seen before it begins."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livemove.redshift.disk import MB, Disk, forecast
from livemove.redshift.settings import DiskGuard


def _guard(**more: float) -> DiskGuard:
    return DiskGuard.model_validate(more)


@pytest.mark.parametrize(("size", "fits"), [(32 * MB, True), (32 * MB + 1, False), (0, True)])
def test_two_and_a_half_times_the_rows_must_fit_beside_a_tenth_of_the_disk(size: int, fits: bool) -> None:
    # 1000 MB, 100 of them to stay free, 820 taken: 80 are left.
    outlook = forecast(size, Disk(1000, 820, "stv_partitions"), _guard())
    assert outlook.fits is fits


def test_a_forecast_tells_its_figures_and_where_they_come_from() -> None:
    outlook = forecast(1000 * MB, Disk(10_000, 4_000, "stv_partitions"), _guard(factor=3, keep_free_percent=5))
    assert str(outlook) == (
        "3,000 MB needed (3 x the uncompressed bytes), 6,000 MB free of 10,000 MB (from stv_partitions), "
        "500 MB of them to stay free"
    )


def test_a_disk_that_is_more_than_full_has_nothing_free() -> None:
    assert Disk(100, 120, "x").free_mb == 0
    assert not forecast(1, Disk(100, 120, "x"), _guard(keep_free_percent=0)).fits


@given(st.integers(0, 2**50), st.integers(0, 2**50))
def test_more_rows_never_need_less(one: int, other: int) -> None:
    disk = Disk(10**9, 0, "x")
    small, large = (forecast(size, disk, _guard()).needed_mb for size in sorted((one, other)))
    assert small <= large
    assert large * MB >= max(one, other) * 2.5 - 1
