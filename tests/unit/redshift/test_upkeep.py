"""VACUUM and ANALYZE run where their thresholds are passed, and are seen to have helped."""

from __future__ import annotations

import pytest

from livemove.redshift.settings import Upkeep
from livemove.redshift.upkeep import TableHealth, analyze_needed, vacuum_helped, vacuum_needed

LIMITS = Upkeep.model_validate({})


def _health(*, rows: int = 1000, visible: int = 1000, unsorted: float | None = 0, stats_off: float = 0) -> TableHealth:
    return TableHealth(rows, visible, unsorted, stats_off, 12)


@pytest.mark.parametrize(
    ("health", "what"),
    [
        (_health(), None),
        (_health(unsorted=10), None),
        (_health(unsorted=10.1), "FULL"),
        (_health(visible=900), None),
        (_health(visible=899), "DELETE ONLY"),
        (_health(unsorted=11, visible=0), "FULL"),
        (_health(unsorted=None), None),
        (_health(unsorted=None, visible=0), "DELETE ONLY"),
        (_health(rows=0, visible=0), None),
    ],
)
def test_vacuum_runs_above_its_thresholds_only(health: TableHealth, what: str | None) -> None:
    assert vacuum_needed(health, LIMITS) == what


def test_analyze_runs_above_its_threshold_only() -> None:
    assert not analyze_needed(_health(stats_off=10), LIMITS)
    assert analyze_needed(_health(stats_off=10.5), LIMITS)


def test_a_threshold_of_100_percent_switches_it_off() -> None:
    never = Upkeep(vacuum_unsorted_percent=100, vacuum_deleted_percent=100, analyze_stale_percent=100)
    worst = _health(unsorted=100, visible=0, stats_off=100)
    assert vacuum_needed(worst, never) is None
    assert not analyze_needed(worst, never)


def test_rows_that_came_in_since_do_not_count_as_deleted() -> None:
    assert _health(rows=10, visible=12).deleted_percent == 0


@pytest.mark.parametrize(
    ("before", "after", "helped"),
    [
        (_health(unsorted=20), _health(unsorted=0), True),
        (_health(visible=500), _health(rows=500, visible=500), True),
        (_health(unsorted=20), _health(unsorted=20), False),
        (_health(unsorted=None, visible=500), _health(unsorted=None, visible=500), False),
    ],
)
def test_a_vacuum_helped_when_less_is_unsorted_or_deleted(
    before: TableHealth, after: TableHealth, helped: bool
) -> None:
    assert vacuum_helped(before, after) is helped


def test_a_table_s_health_reads_well() -> None:
    assert str(_health(unsorted=12.34, visible=750, stats_off=5)) == (
        "12 MB, 12.3 % unsorted, 25.0 % deleted, statistics 5.0 % off"
    )
    assert "no sort key" in str(_health(unsorted=None))
