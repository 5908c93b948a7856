from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livemove.rds.parameters import plan_parameters
from livemove.runbook.errors import NeedsPerson


def row(name: str, value: str | None, kind: str = "dynamic", modifiable: bool = True) -> dict[str, Any]:
    found = {"ParameterName": name, "ApplyType": kind, "IsModifiable": modifiable}
    return found if value is None else {**found, "ParameterValue": value}


GROUP = [
    row("binlog_format", "MIXED", "static"),
    row("max_connections", "100"),
    row("event_scheduler", "ON"),
    row("log_bin", "1", "static", modifiable=False),
    row("sync_binlog", None),
]


def test_only_what_differs_is_sent_each_with_its_method() -> None:
    plan = plan_parameters("g", GROUP, {"binlog_format": "ROW", "max_connections": 100, "sync_binlog": 1}, cluster=True)
    assert [call.parameters["Parameters"] for call in plan.calls] == [
        [
            {"ParameterName": "binlog_format", "ParameterValue": "ROW", "ApplyMethod": "pending-reboot"},
            {"ParameterName": "sync_binlog", "ParameterValue": "1", "ApplyMethod": "immediate"},
        ]
    ]
    assert plan.reboot == ("binlog_format",)
    assert plan.text() == "binlog_format: MIXED → ROW (after a reboot)\nsync_binlog: unset → 1 (at once)"


def test_a_group_that_is_right_needs_no_call() -> None:
    plan = plan_parameters("default.mysql8.0", GROUP, {"event_scheduler": True, "log_bin": "ON"}, cluster=False)
    assert (plan.calls, plan.reboot, plan.text()) == ((), (), "nothing to change")


@pytest.mark.parametrize(("before", "after"), [("ON", "OFF"), ("1", "OFF"), ("ON", "ON_PERMISSIVE"), ("0", "1")])
def test_other_words_for_on_and_off_are_not_mixed_up(before: str, after: str) -> None:
    assert plan_parameters("g", [row("gtid-mode", before)], {"gtid-mode": after}, cluster=False).calls


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(NeedsPerson) as caught:
        plan_parameters("g", GROUP, {"no_such": 1, "log_bin": 0}, cluster=True)
    assert "no parameter no_such" in str(caught.value)
    assert "log_bin is 1" in str(caught.value)


def test_groups_of_rds_itself_are_not_changed() -> None:
    with pytest.raises(NeedsPerson, match="make one"):
        plan_parameters("default.aurora-mysql8.0", GROUP, {"binlog_format": "ROW"}, cluster=True)


@given(st.integers(0, 70))
def test_no_call_takes_more_than_twenty_and_all_are_sent_once(count: int) -> None:
    names = [f"p{n:02}" for n in range(count)]
    plan = plan_parameters("g", [row(name, "0") for name in names], dict.fromkeys(names, 1), cluster=False)
    sent = [[entry["ParameterName"] for entry in call.parameters["Parameters"]] for call in plan.calls]
    assert all(len(batch) <= 20 for batch in sent)
    assert [name for batch in sent for name in batch] == names
