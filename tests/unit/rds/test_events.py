from __future__ import annotations

from livemove.rds.events import crash_recovery_position


def test_the_position_is_read_from_the_words_of_the_event() -> None:
    messages = ["DB instance created", "Binlog position from crash recovery is mysql-bin-changelog.000003 4278"]
    assert crash_recovery_position(messages) == ("mysql-bin-changelog.000003", 4278)


def test_the_first_position_counts_as_later_ones_are_of_the_clones_own_binlog() -> None:
    text = "Binlog position from crash recovery is mysql-bin-changelog.{} 154"
    assert crash_recovery_position([text.format("000118"), text.format("000002")]) == (
        "mysql-bin-changelog.000118",
        154,
    )


def test_no_such_event_is_no_position() -> None:
    assert crash_recovery_position(["DB instance restarted"]) is None
