"""What the values of parameter groups become."""

from __future__ import annotations

import pytest

from rehearsal.rds.parameters import AURORA, RDS, effective, enhanced, has_binlog, options, resolved


def test_later_groups_win_over_earlier_ones_and_all_over_the_defaults() -> None:
    found = effective(AURORA, {"binlog_format": "ROW", "event_scheduler": "OFF"}, {"event_scheduler": "ON"})
    assert (found["binlog_format"], found["event_scheduler"], found["binlog_backup"]) == ("ROW", "ON", "1")


@pytest.mark.parametrize(
    ("value", "replica", "expected"),
    [
        ("{TrueIfReplica}", True, "1"),
        ("{TrueIfReplica}", False, "0"),
        ("{TrueIfClusterReplica}", True, "0"),
        ("1", False, "1"),
    ],
)
def test_formulas_depend_on_what_the_server_is(value: str, replica: bool, expected: str) -> None:
    assert resolved(value, replica) == expected


def test_rds_has_a_binlog_with_backups_alone() -> None:
    values = effective(RDS)
    assert options(RDS, values, replica=False, backups=True).get("disable_log_bin") is None
    without = options(RDS, values, replica=False, backups=False)
    assert (without["disable_log_bin"], without["log_bin"]) == ("", None)


def test_aurora_has_a_binlog_when_its_format_says_so_or_when_it_is_enhanced() -> None:
    assert not has_binlog(AURORA, effective(AURORA), backups=True)
    assert has_binlog(AURORA, effective(AURORA, {"binlog_format": "ROW"}), backups=True)
    values = effective(AURORA, {"aurora_enhanced_binlog": "1"})
    assert enhanced(values)
    assert has_binlog(AURORA, values, backups=True)


def test_parameters_of_the_service_alone_are_not_passed_to_the_server() -> None:
    found = options(AURORA, effective(AURORA), replica=False, backups=True)
    assert not {"aurora_enhanced_binlog", "binlog_backup", "performance_schema", "sync_binlog"} & set(found)
    assert found["gtid_mode"] == "OFF_PERMISSIVE"
