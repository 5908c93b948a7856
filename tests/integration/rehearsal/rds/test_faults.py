"""What goes wrong on demand, and what the service does by itself."""

from __future__ import annotations

import time

import boto3
import pymysql
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from rehearsal.errors import RehearsalError
from tests.fixtures.waiting import until
from tests.integration.rehearsal.rds.conftest import BINLOG, Play, catches_up, channel, executed, replicates


def test_throttled_calls_succeed_with_boto3s_retries_and_fail_without(play: Play) -> None:
    play.rds.control.throttle("DescribeDBInstances", 2)
    client = boto3.client(
        "rds",
        endpoint_url=play.rds.endpoint_url,
        region_name="ap-northeast-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
        config=Config(retries={"max_attempts": 0}),
    )
    for _ in range(2):
        with pytest.raises(ClientError) as refused:
            client.describe_db_instances()
        assert refused.value.response["Error"]["Code"] == "Throttling"
    assert len(client.describe_db_instances()["DBInstances"]) == 1


def test_any_error_of_the_api_can_be_injected(play: Play) -> None:
    play.rds.control.fail("Reboot.*", "InvalidDBInstanceStateFault")
    with pytest.raises(play.client.exceptions.InvalidDBInstanceStateFault):
        play.client.reboot_db_instance(DBInstanceIdentifier="shop")
    with pytest.raises(RehearsalError):
        play.rds.control.fail("Reboot.*", "NoSuchFault")
    play.client.reboot_db_instance(DBInstanceIdentifier="shop")
    play.instance_is("shop")


def test_a_cut_link_stops_one_replica_and_no_client(play: Play) -> None:
    source, replica = play.rds.server("shop"), play.aurora_replica()
    play.rds.control.cut("shop-aurora")
    until(lambda: channel(replica)["Last_IO_Errno"] == 2003)
    assert channel(replica)["Replica_IO_Running"] == "Connecting"
    assert channel(replica)["Source_Port"] == source.port
    source.execute("INSERT INTO shop.audit (what) VALUES ('while it was cut')")
    time.sleep(1.2)
    assert replica.value("SELECT COUNT(*) FROM shop.audit") == 0
    play.rds.control.mend("shop-aurora")
    assert catches_up(replica, source)
    assert replica.value("SELECT COUNT(*) FROM shop.audit") == 1


def test_a_server_killed_without_recovery_stays_away_until_told(play: Play) -> None:
    play.rds.control.kill("shop", recover=False)
    time.sleep(1.5)
    assert not play.rds.server("shop").answers()
    play.rds.control.recover("shop")
    assert play.rds.server("shop").answers()


def test_a_replica_reconnects_after_its_source_was_killed(play: Play) -> None:
    source, replica = play.rds.server("shop"), play.aurora_replica()
    play.rds.control.kill("shop")
    until(source.answers)
    until(lambda: "DB instance restarted" in play.events("shop")[-1:])
    source.execute("INSERT INTO shop.audit (what) VALUES ('afterwards')")
    until(lambda: replicates(replica))
    assert catches_up(replica, source)


def test_the_collation_trap_can_be_set_and_taken_away(play: Play) -> None:
    server = play.rds.server("shop")
    play.rds.control.collation_trap("shop")
    with pytest.raises(pymysql.err.MySQLError) as refused:
        play.call(server, "rds_set_configuration", "binlog retention hours", 24)
    assert refused.value.args[0] == 1267
    assert refused.value.args[1] == (
        "Illegal mix of collations (utf8mb3_general_ci,IMPLICIT) and (utf8mb3_unicode_ci,IMPLICIT) for operation '='"
    )
    play.rds.control.collation_trap("shop", on=False)
    play.call(server, "rds_set_configuration", "binlog retention hours", 24)


def test_a_failed_start_is_an_error_or_a_row(play: Play) -> None:
    play.set("shop-cdc", BINLOG, cluster=True)
    cdc = play.restored("shop-cdc", play.snapshot("shop"))
    play.call(cdc, "rds_set_external_source_with_auto_position", "127.0.0.1", 1, "nobody", "wrong", 1)
    with pytest.raises(pymysql.err.MySQLError, match="Slave has encountered an error"):
        play.call(cdc, "rds_start_replication")
    play.call(cdc, "rds_stop_replication")
    play.rds.control.start_failure("shop-cdc", "row")
    assert play.call(cdc, "rds_start_replication") == [
        ("Replica has encountered an error. Run SHOW REPLICA STATUS; to see the error.",)
    ]


def test_names_of_the_older_kind_warn(play: Play) -> None:
    server = play.rds.server("shop")
    login = ("127.0.0.1", 1, "nobody", "secret", 1, 0)
    assert play.call(server, "rds_set_external_master_with_auto_position", *login) == [1287]
    assert play.call(server, "rds_reset_external_master") == [("Slave has been reset",), 1287]


def test_heartbeats_are_statements_and_advance_an_idle_instance(play: Play) -> None:
    server = play.rds.server("shop")
    before = executed(server)
    play.rds.control.settings(heartbeat=0.3)
    until(lambda: executed(server) != before)
    play.rds.control.settings(heartbeat=0)
    events = server.rows(f"SHOW BINLOG EVENTS IN '{server.rows('SHOW BINARY LOGS')[-1]['Log_name']}'")
    assert "INSERT INTO mysql.rds_heartbeat2(id, value)" in events[-2]["Info"]


def test_aurora_writes_no_heartbeat(play: Play) -> None:
    replica = play.aurora_replica()
    play.client.promote_read_replica_db_cluster(DBClusterIdentifier="shop-aurora")
    play.cluster_is("shop-aurora")
    before = executed(replica)
    play.rds.control.settings(heartbeat=0.2)
    time.sleep(1)
    assert executed(replica) == before


def test_binlogs_without_a_retention_are_purged_but_not_what_a_managed_replica_needs(play: Play) -> None:
    source = play.rds.server("shop")
    play.aurora_replica()
    play.rds.control.cut("shop-aurora")
    source.execute("INSERT INTO shop.audit (what) VALUES ('needed')")
    play.rds.control.settings(purge=0.3)
    time.sleep(1.5)
    assert len(source.rows("SHOW BINARY LOGS")) > 2
    play.rds.control.mend("shop-aurora")
    until(lambda: len(source.rows("SHOW BINARY LOGS")) <= 2)
    assert catches_up(play.rds.server("shop-aurora"), source)


def test_binlogs_within_their_retention_are_kept(play: Play) -> None:
    source = play.rds.server("shop")

    def logs() -> list[str]:
        return [log["Log_name"] for log in source.rows("SHOW BINARY LOGS")]

    play.call(source, "rds_set_configuration", "binlog retention hours", 1)
    # The first one is as old as the copied instance, which may be days.
    source.execute("FLUSH BINARY LOGS")
    recent = logs()[-1]
    play.rds.control.settings(purge=0.2)
    # Each look begins a log and then purges: the first one has done both when there are two.
    until(lambda: len([name for name in logs() if name > recent]) > 1)
    assert recent in logs()


def test_an_instance_without_backups_writes_no_binlog(play: Play) -> None:
    server = play.rds.server("shop")
    play.client.modify_db_instance(DBInstanceIdentifier="shop", BackupRetentionPeriod=0, ApplyImmediately=True)
    play.instance_is("shop")
    assert server.value("SELECT @@global.log_bin") == 0
    assert "Automated backups for this DB instance have been disabled" in play.events("shop")
    with pytest.raises(ClientError, match="Automated backups are not enabled"):
        play.aurora_replica()
    play.client.modify_db_instance(DBInstanceIdentifier="shop", BackupRetentionPeriod=7, ApplyImmediately=True)
    play.instance_is("shop")
    assert server.value("SELECT @@global.log_bin") == 1
