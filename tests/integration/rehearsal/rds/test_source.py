"""The source instance that a rehearsal begins with."""

from __future__ import annotations

import pymysql
import pytest

from rehearsal.rds.service import Rds
from rehearsal.stack import Stack
from tests.fixtures.waiting import until


def login(
    stack: Stack, rds: Rds, identifier: str = "shop", user: str = "admin", password: str = ""
) -> pymysql.Connection:
    return pymysql.connect(
        host="127.0.0.1",
        port=rds.server(identifier).port,
        user=user,
        password=password or stack.password("mysql-admin"),
        autocommit=True,
    )


def test_the_seeded_source_can_be_migrated(rds_seeded: Rds) -> None:
    server = rds_seeded.server("shop")
    assert server.rows("SELECT @@global.gtid_mode, @@global.binlog_format, @@global.log_bin, @@global.read_only") == [
        {"@@global.gtid_mode": "ON", "@@global.binlog_format": "ROW", "@@global.log_bin": 1, "@@global.read_only": 0}
    ]
    assert server.value("SELECT COUNT(*) FROM shop.payments") == 500
    assert server.value("SELECT COUNT(*) FROM information_schema.events WHERE status = 'ENABLED'") == 2


def test_seeding_again_changes_nothing(rds_seeded: Rds) -> None:
    server = rds_seeded.server("shop")
    before = server.value("SELECT @@global.gtid_executed")
    rds_seeded.seed()
    assert server.value("SELECT @@global.gtid_executed") == before


def test_the_replication_user_logs_in_with_its_hostile_password(stack: Stack, rds_seeded: Rds) -> None:
    password = stack.password("rds-replication")
    assert {"'", '"', "\\", "%"} <= set(password)
    with login(stack, rds_seeded, user="replication", password=password) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW MASTER STATUS")
        assert cursor.fetchone()[0].startswith("mysql-bin-changelog.")


def test_the_master_user_is_no_superuser(stack: Stack, rds_seeded: Rds) -> None:
    with login(stack, rds_seeded) as connection, connection.cursor() as cursor:
        with pytest.raises(pymysql.err.OperationalError) as refused:
            cursor.execute("SET GLOBAL read_only = 1")
        assert refused.value.args[0] == 1227


def test_a_killed_server_comes_back_with_all_that_was_committed(rds_seeded: Rds) -> None:
    server = rds_seeded.server("shop")
    server.execute("INSERT INTO shop.audit (what) VALUES ('before the crash')")
    rds_seeded.control.kill("shop")
    until(server.answers, 30)
    assert server.value("SELECT COUNT(*) FROM shop.audit WHERE what = 'before the crash'") == 1


def test_resources_and_servers_survive_a_restart_of_the_stand_in(rds_seeded: Rds) -> None:
    port = rds_seeded.server("shop").port
    rds_seeded.stop()
    rds_seeded.start()
    found = rds_seeded.client().describe_db_instances(DBInstanceIdentifier="shop")["DBInstances"][0]
    assert (found["DBInstanceStatus"], found["Endpoint"]["Port"]) == ("available", port)
    assert rds_seeded.server("shop").value("SELECT COUNT(*) FROM shop.customers") == 500
