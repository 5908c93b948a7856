"""The rds_* procedures answer as the RDS and Aurora User Guides say, through a user without privileges."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pymysql
import pytest

from rehearsal.mysql.builds import build
from rehearsal.mysql.pair import Pair
from rehearsal.mysql.server import MySqlServer
from rehearsal.mysql.template import FLAVOURS, template
from rehearsal.paths import Layout
from rehearsal.ports import Ports
from rehearsal.processes import Server

pytestmark = pytest.mark.every_mysql

GTID = "aaaaaaaa-0000-0000-0000-000000000001"
Calls = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture
def call(mysql_writer) -> Calls:
    """CALL a procedure as `admin` and return the rows of all its result sets."""

    def called(name: str, *values: object) -> list[tuple[Any, ...]]:
        with mysql_writer.cursor() as cursor:
            cursor.execute(f"CALL mysql.{name}({', '.join(['%s'] * len(values))})", values)
            rows = list(cursor.fetchall())
            while cursor.nextset():
                rows += cursor.fetchall()
            return rows

    return called


def error_of(call: Calls, name: str, *values: object) -> tuple[int, str]:
    with pytest.raises(pymysql.err.MySQLError) as refused:
        call(name, *values)
    return refused.value.args


def test_binlog_retention_is_unset_at_first_and_kept_once_set(call: Calls) -> None:
    assert ("binlog retention hours", None) in [row[:2] for row in call("rds_show_configuration")]
    call("rds_set_configuration", "binlog retention hours", 168)
    assert ("binlog retention hours", "168") in [row[:2] for row in call("rds_show_configuration")]
    call("rds_set_configuration", "binlog retention hours", None)


@pytest.mark.parametrize("hours", [0, 2161])
def test_aurora_keeps_binlogs_for_ninety_days_at_most(call: Calls, hours: int) -> None:
    expected = "For binlog retention hours the value must be between 1 and 2160 inclusive or be NULL"
    assert error_of(call, "rds_set_configuration", "binlog retention hours", hours) == (1644, expected)


def test_an_unknown_configuration_parameter_is_named(call: Calls) -> None:
    expected = "Cannot set unknown configuration parameter 'x' using mysql.rds_set_configuration."
    assert error_of(call, "rds_set_configuration", "x", 1) == (1644, expected)


def test_replication_cannot_be_stopped_or_started_where_there_is_none(call: Calls) -> None:
    assert error_of(call, "rds_stop_replication") == (
        1644,
        "Slave is already stopped or may not be configured. Run SHOW SLAVE STATUS\\G;",
    )
    number, text = error_of(call, "rds_start_replication")
    assert number == 1644
    assert text.startswith("You can't start replication because the replica isn't configured.")


def test_auto_position_takes_five_arguments_on_aurora(call: Calls) -> None:
    number, text = error_of(call, "rds_set_external_source_with_auto_position", "h", 3306, "u", "p", 0, 0)
    assert number == 1318
    assert "expected 5, got 6" in text


def test_names_of_rds_are_unknown_to_aurora(call: Calls) -> None:
    assert error_of(call, "rds_set_external_master", "h", 3306, "u", "p", "f", 4, 0)[0] == 1305


def test_a_skipped_transaction_counts_as_executed_and_purged(mysql: Pair, call: Calls) -> None:
    position = 1 + int(mysql.writer.value("SELECT COUNT(*) FROM mysql.rds_history"))
    gtid = f"{GTID}:{position}"
    assert call("rds_skip_transaction_with_gtid", gtid) == [("Transaction has been skipped successfully.",)]
    assert mysql.writer.value("SELECT GTID_SUBSET(%s, @@global.gtid_executed)", (gtid,)) == 1
    assert mysql.writer.value("SELECT GTID_SUBSET(%s, @@global.gtid_purged)", (gtid,)) == 1
    # What was skipped is not in the binary log, so it does not reach the reader.
    mysql.writer.execute("CREATE DATABASE skipped", "DROP DATABASE skipped")
    time.sleep(1)
    own = mysql.writer.value("SELECT @@server_uuid")
    executed = mysql.reader.value("SELECT @@global.gtid_executed")
    assert own in executed
    assert GTID not in executed
    # Mended from the far end, as a runbook has to.
    mysql.reader.execute(f"SET GLOBAL gtid_purged = '+{gtid}'")
    mysql.wait_caught_up(10)


def test_a_range_of_transactions_cannot_be_skipped(call: Calls) -> None:
    assert error_of(call, "rds_skip_transaction_with_gtid", f"{GTID}:1-3")[0] == 1774


def test_calls_leave_a_record_but_no_binlog_entry(mysql: Pair, call: Calls) -> None:
    before = mysql.writer.value("SELECT @@global.gtid_executed")
    number = mysql.writer.value("SELECT COUNT(*) FROM mysql.rds_history")
    call("rds_set_external_source", "127.0.0.1", 3306, "nobody", "secret", "mysql-bin-changelog.000001", 4, 0)
    call("rds_reset_external_source")
    assert mysql.writer.value("SELECT COUNT(*) FROM mysql.rds_history") == number + 2
    assert mysql.writer.value("SELECT @@global.gtid_executed") == before


@pytest.mark.parametrize("flavour", FLAVOURS)
def test_each_flavour_has_the_names_of_its_engine(mysql_version: str, flavour: str, tmp_path: Path) -> None:
    layout = Layout.default()
    program = build(mysql_version, layout)
    process = Server("MySQL", tmp_path / "run.json", tmp_path / "log")
    server = MySqlServer(tmp_path, process, program, Ports(tmp_path / "ports.json").take("mysql"), server_id=9)
    server.copy_from(template(program, flavour, layout))
    try:
        server.start()
        names = {
            row["n"]
            for row in server.rows(
                "SELECT routine_name AS n FROM information_schema.routines WHERE routine_schema = 'mysql'"
            )
        }
        assert server.value("SELECT @@global.gtid_executed") == ""
    finally:
        server.kill()
    assert ("rds_set_external_master" in names) == (flavour in ("rds80", "rds84"))
    assert ("rds_set_external_source" in names) == (flavour in ("rds84", "aurora3"))
    assert ("rds_gtid_purged" in names) == (flavour == "aurora3")
    assert ("rds_set_external_source_gtid_purged" in names) == (flavour != "aurora3")
