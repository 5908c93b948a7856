"""Time zone tables hold what the zones did."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.mysql.timezones import FIRST, LAST, rule, transitions

ZONES = [
    "Europe/Paris",
    "America/New_York",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Asia/Tokyo",
    "Pacific/Apia",
]


def test_a_change_is_found_to_the_second() -> None:
    changes = dict(transitions(ZoneInfo("Europe/Paris")))
    spring = int(datetime(2024, 3, 31, 1, tzinfo=UTC).timestamp())
    assert changes[spring] == (7200, True, "CEST")
    assert spring - 1 not in changes


def test_a_zone_that_never_changes_has_no_transitions() -> None:
    assert list(transitions(ZoneInfo("UTC"))) == []


@pytest.mark.parametrize("name", ZONES)
@given(second=st.integers(FIRST, LAST))
def test_the_last_change_before_any_moment_gives_its_rule(name: str, second: int) -> None:
    zone = ZoneInfo(name)
    holds = rule(zone, FIRST)
    for moment, after in _changes(name):
        if moment <= second:
            holds = after
    assert holds == rule(zone, second)


_known: dict[str, list[tuple[int, tuple[int, bool, str]]]] = {}


def _changes(name: str) -> list[tuple[int, tuple[int, bool, str]]]:
    if name not in _known:
        _known[name] = list(transitions(ZoneInfo(name)))
    return _known[name]
