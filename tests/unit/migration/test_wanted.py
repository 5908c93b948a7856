"""What each database is to be, and the calls that are missing for it."""

from __future__ import annotations

from typing import Any

import pytest

from livemove.migration.settings import Role
from livemove.migration.wanted import creation_calls, family, parameter_calls, parameters, same, snapshot_of
from livemove.runbook.errors import NeedsPerson
from tests.unit.migration.samples import known, rows, settings


def changed(role: Role, found: list[dict[str, Any]] | None, **carried: str) -> dict[str, str]:
    """Parameters that the calls would set."""
    given = known(parameters={role: found} if found is not None else {}, carried=carried)
    made = parameter_calls(settings(), role, given)
    listed = [row for call in made for row in call.parameters.get("Parameters", ())]
    return {row["ParameterName"]: row["ParameterValue"] for row in listed}


def test_the_enhanced_binlog_is_for_the_target_alone_as_dms_cannot_read_it() -> None:
    assert parameters(Role.TARGET)["aurora_enhanced_binlog"] == "1"
    assert parameters(Role.CDC)["aurora_enhanced_binlog"] == "0"
    assert "aurora_enhanced_binlog" not in parameters(Role.FALLBACK)


@pytest.mark.parametrize("role", [Role.TARGET, Role.CDC, Role.FALLBACK])
def test_events_are_off_before_a_database_has_ever_run(role: Role) -> None:
    assert changed(role, None)["event_scheduler"] == "OFF"


def test_a_group_that_is_right_is_left_alone_however_its_values_are_spelled() -> None:
    assert changed(Role.FALLBACK, rows({**parameters(Role.FALLBACK), "event_scheduler": "0"})) == {}
    assert changed(Role.FALLBACK, rows({**parameters(Role.FALLBACK), "gtid-mode": "OFF_PERMISSIVE"})) == {
        "gtid-mode": "ON"
    }


def test_what_aurora_does_not_let_be_set_is_left_out_only_where_that_is_known() -> None:
    found = rows({**parameters(Role.CDC), "binlog_row_image": "minimal"}, fixed=("binlog_row_image",))
    assert changed(Role.CDC, found) == {}
    with pytest.raises(NeedsPerson, match="gtid-mode is OFF"):
        changed(Role.CDC, rows({**parameters(Role.CDC), "gtid-mode": "OFF"}, fixed=("gtid-mode",)))


def test_what_the_source_has_is_set_where_the_application_will_be() -> None:
    for role in (Role.TARGET, Role.FALLBACK):
        found = rows({**parameters(role), "sql_mode": ""})
        assert changed(role, found, sql_mode="ANSI_QUOTES", time_zone="Asia/Tokyo") == {"sql_mode": "ANSI_QUOTES"}
    assert "sql_mode" not in changed(Role.CDC, rows({**parameters(Role.CDC), "sql_mode": ""}), sql_mode="ANSI_QUOTES")


def test_what_replication_needs_goes_before_what_the_source_has() -> None:
    assert changed(Role.FALLBACK, None, event_scheduler="ON")["event_scheduler"] == "OFF"


@pytest.mark.parametrize(
    ("role", "source", "name"),
    [
        (Role.TARGET, "8.0.35", "aurora-mysql8.0"),
        (Role.FALLBACK, "8.0.35", "mysql8.0"),
        (Role.FALLBACK, "8.4.3", "mysql8.4"),
    ],
)
def test_the_family_of_a_group_fits_the_engine(role: Role, source: str, name: str) -> None:
    assert family(settings(), role, source) == name


def test_a_snapshot_is_not_taken_again_once_what_it_must_follow_was_made_anew() -> None:
    first = snapshot_of(settings(), Role.FALLBACK, known(made={Role.CDC: "20260101000000"}))
    second = snapshot_of(settings(), Role.FALLBACK, known(made={Role.CDC: "20260102000000"}))
    assert first != second
    assert {first[:18], second[:18]} == {"shop-for-fallback-"}


def test_the_fallback_is_made_with_backups_and_in_one_zone() -> None:
    restore = creation_calls(settings(), Role.FALLBACK, known())[-1]
    assert (restore.parameters["MultiAZ"], restore.parameters["BackupRetentionPeriod"]) == (False, 1)


@pytest.mark.parametrize(
    ("one", "other", "alike"), [("ON", "1", True), ("OFF", "DISABLED", True), ("ROW", "row", True), ("1", "0", False)]
)
def test_values_of_a_server_are_compared_by_what_they_mean(one: str, other: str, alike: bool) -> None:
    assert same(one, other) is alike
