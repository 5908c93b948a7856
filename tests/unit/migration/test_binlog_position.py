"""A clone replicates from the place at which it was made, or not at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from livemove.migration.binlog_position import Position, at_creation, prove
from livemove.runbook.errors import NeedsPerson

MADE = datetime(2026, 1, 1, 3, 0, tzinfo=UTC)
PLACE = Position("mysql-bin-changelog.000118", 245880)
REPORT = f"Binlog position from crash recovery is {PLACE.file} {PLACE.offset}"
LATER = "Binlog position from crash recovery is mysql-bin-changelog.000119 157"


def event(minutes: int, message: str) -> dict[str, Any]:
    return {"Date": MADE + timedelta(minutes=minutes), "Message": message}


def test_the_position_is_the_one_of_the_clone_s_first_report() -> None:
    events = [event(1, "DB instance created"), event(2, REPORT), event(9, "DB instance restarted"), event(10, LATER)]
    assert at_creation(events, MADE, "clone-1") == PLACE
    assert at_creation(list(reversed(events)), MADE, "clone-1") == PLACE


def test_a_report_of_an_earlier_clone_of_the_same_name_does_not_count() -> None:
    assert at_creation([event(-60, LATER), event(2, REPORT)], MADE, "clone-1") == PLACE


@pytest.mark.parametrize("message", ["DB instance restarted", "DB instance rebooted"])
def test_a_report_after_a_restart_is_refused_as_it_lies_behind_a_rotation(message: str) -> None:
    with pytest.raises(NeedsPerson, match=r"clone-1 restarted at 2026-01-01 03:01:00 UTC before it reported .*lost"):
        at_creation([event(1, message), event(2, LATER)], MADE, "clone-1")


def test_without_a_report_the_clone_is_refused() -> None:
    with pytest.raises(NeedsPerson, match="no event says `Binlog position"):
        at_creation([event(1, "DB instance created")], MADE, "clone-1")


def test_a_position_that_the_source_has_is_taken() -> None:
    prove(PLACE, {PLACE.file: PLACE.offset, "mysql-bin-changelog.000119": 157}, "source shop")


@pytest.mark.parametrize(
    ("logs", "problem"),
    [
        ({"mysql-bin-changelog.000119": 500_000}, "has no binary log mysql-bin-changelog.000118"),
        ({PLACE.file: PLACE.offset - 1}, "lies behind the end"),
        ({}, r"it has none"),
    ],
)
def test_a_position_that_the_source_lacks_is_refused(logs: dict[str, int], problem: str) -> None:
    with pytest.raises(NeedsPerson, match=problem):
        prove(PLACE, logs, "source shop")
