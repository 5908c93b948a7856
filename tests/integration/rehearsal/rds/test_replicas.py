"""Replicas that the service manages: an Aurora cluster and an instance of an RDS instance, and their promotion."""

from __future__ import annotations

import json
import time

import pytest
from botocore.exceptions import ClientError

from rehearsal.mysql.server import MySqlServer
from tests.fixtures.waiting import until
from tests.integration.rehearsal.rds.conftest import Play, catches_up, channel, executed, replicates


def test_an_aurora_replica_has_the_data_and_goes_on_replicating(play: Play) -> None:
    source = play.rds.server("shop")
    replica = play.aurora_replica()
    until(lambda: replicates(replica))
    source.execute("INSERT INTO shop.audit (what) VALUES ('later')")
    assert catches_up(replica, source)
    assert replica.value("SELECT COUNT(*) FROM shop.audit WHERE what = 'later'") == 1
    assert executed(replica) == executed(source)
    assert play.cluster("shop-aurora")["ReplicationSourceIdentifier"] == play.instance("shop")["DBInstanceArn"]
    assert play.instance("shop")["ReadReplicaDBClusterIdentifiers"] == ["shop-aurora"]


def test_the_copy_is_consistent_under_writes(play: Play) -> None:
    source = play.rds.server("shop")
    play.set("shop-aurora", {"gtid-mode": "ON", "enforce_gtid_consistency": "ON"}, cluster=True)
    play.client.create_db_cluster(
        DBClusterIdentifier="shop-aurora",
        Engine="aurora-mysql",
        ReplicationSourceIdentifier="arn:aws:rds:ap-northeast-1:123456789012:db:shop",
        DBClusterParameterGroupName="shop-aurora",
    )
    with source.root() as connection, connection.cursor() as cursor:
        number = 0
        while play.cluster("shop-aurora")["Status"] == "creating":
            for _ in range(20):
                number += 1
                cursor.execute("INSERT INTO shop.audit (what) VALUES (%s)", (f"row {number}",))
    assert number > 20
    play.member("shop-aurora")
    replica = play.rds.server("shop-aurora")
    assert catches_up(replica, source)
    assert replica.value("SELECT COUNT(DISTINCT what) FROM shop.audit") == number


def test_aurora_discards_account_statements_and_heartbeats_but_keeps_their_gtids(play: Play) -> None:
    source, replica = play.rds.server("shop"), play.aurora_replica()
    source.execute(
        "CREATE USER late@'%' IDENTIFIED BY 'x'",
        "GRANT SELECT ON shop.* TO late@'%'",
        "ALTER USER app@'%' ACCOUNT LOCK",
        "USE shop",
        "DROP USER late@'%'",
        "CREATE USER later@'%'",
    )
    play.rds.control.heartbeat("shop", 2)
    assert catches_up(replica, source)
    assert executed(replica) == executed(source)
    assert replica.value("SELECT COUNT(*) FROM mysql.user WHERE user IN ('late', 'later')") == 0
    assert replica.value("SELECT account_locked FROM mysql.user WHERE user = 'app'") == "N"
    assert replicates(replica)


def test_events_arrive_disabled_while_those_of_the_copy_stay_enabled(play: Play) -> None:
    source, replica = play.rds.server("shop"), play.aurora_replica()
    source.execute("CREATE EVENT shop.late ON SCHEDULE EVERY 1 HOUR DO SELECT 1")
    assert catches_up(replica, source)
    events = replica.rows(
        "SELECT event_name AS name, status AS status FROM information_schema.events WHERE event_schema = 'shop'"
    )
    assert {event["name"]: event["status"] for event in events} == {
        "sum_up_sales": "ENABLED",
        "forget_audit": "ENABLED",
        "late": "SLAVESIDE_DISABLED",
    }


def test_a_managed_replica_refuses_external_replication(play: Play) -> None:
    replica = play.aurora_replica()
    with pytest.raises(Exception, match="Permission Denied: This instance is a RDS Read Replica"):
        play.call(replica, "rds_set_external_source_with_auto_position", "127.0.0.1", 1, "u", "p", 1)


def test_a_promotion_restarts_the_writer_and_takes_its_time(play: Play) -> None:
    source, replica = play.rds.server("shop"), play.aurora_replica()
    started = replica.process.pid
    play.rds.control.settings(promote=3)
    began = time.time()
    play.client.promote_read_replica_db_cluster(DBClusterIdentifier="shop-aurora")
    assert play.cluster("shop-aurora")["Status"] == "promoting"
    until(lambda: not replica.answers())
    until(replica.answers)
    assert time.time() - began >= 2.9
    cluster = play.cluster_is("shop-aurora")
    assert "ReplicationSourceIdentifier" not in cluster
    assert replica.process.pid != started
    assert channel(replica) == {}
    line = next(
        line for line in map(json.loads, reversed(play.rds.log.read_text().splitlines())) if line["kind"] == "promotion"
    )
    assert line["identifier"] == "shop-aurora"
    assert line["seconds"] >= 2.9
    assert line["accepted"] == pytest.approx(began, abs=1)
    before = executed(source)
    replica.execute("INSERT INTO shop.audit (what) VALUES ('on Aurora')")
    assert executed(replica) != before
    assert "Promoted Read Replica cluster to a stand-alone database cluster" in play.events("shop-aurora", "db-cluster")
    # Nothing refuses the source's end any more.
    play.client.delete_db_instance(DBInstanceIdentifier="shop", SkipFinalSnapshot=True)


def test_a_cluster_that_is_no_replica_cannot_be_promoted(play: Play) -> None:
    play.aurora_replica()
    play.client.promote_read_replica_db_cluster(DBClusterIdentifier="shop-aurora")
    with pytest.raises(play.client.exceptions.InvalidDBClusterStateFault):
        play.client.promote_read_replica_db_cluster(DBClusterIdentifier="shop-aurora")
    play.cluster_is("shop-aurora")
    with pytest.raises(play.client.exceptions.InvalidDBClusterStateFault, match="not a read replica"):
        play.client.promote_read_replica_db_cluster(DBClusterIdentifier="shop-aurora")


def test_the_source_of_an_aurora_replica_has_one_and_cannot_be_deleted(play: Play) -> None:
    play.aurora_replica()
    with pytest.raises(ClientError) as refused:
        play.client.delete_db_instance(DBInstanceIdentifier="shop", SkipFinalSnapshot=True)
    assert refused.value.response["Error"]["Code"] == "InvalidDBInstanceState"
    with pytest.raises(ClientError, match="already has an Aurora read replica"):
        play.aurora_replica("second")


def test_an_instance_replica_is_read_only_until_it_is_promoted(play: Play) -> None:
    play.client.create_db_instance_read_replica(DBInstanceIdentifier="copy", SourceDBInstanceIdentifier="shop")
    found = play.instance_is("copy")
    replica: MySqlServer = play.rds.server("copy")
    assert found["ReadReplicaSourceDBInstanceIdentifier"] == "shop"
    assert found["StatusInfos"] == [{"StatusType": "read replication", "Normal": True, "Status": "replicating"}]
    assert play.instance("shop")["ReadReplicaDBInstanceIdentifiers"] == ["copy"]
    assert replica.rows("SELECT @@global.read_only, @@global.log_bin") == [
        {"@@global.read_only": 1, "@@global.log_bin": 0}
    ]
    # Accounts do reach an RDS replica.
    play.rds.server("shop").execute("CREATE USER late@'%'")
    assert catches_up(replica, play.rds.server("shop"))
    assert replica.value("SELECT COUNT(*) FROM mysql.user WHERE user = 'late'") == 1
    play.client.promote_read_replica(DBInstanceIdentifier="copy")
    until(lambda: "ReadReplicaSourceDBInstanceIdentifier" not in play.instance("copy"))
    play.instance_is("copy")
    assert replica.rows("SELECT @@global.read_only, @@global.log_bin") == [
        {"@@global.read_only": 0, "@@global.log_bin": 1}
    ]
    assert channel(replica) == {}


def test_without_gtid_on_both_sides_a_replica_follows_by_position(play: Play) -> None:
    source = play.rds.server("shop")
    play.set("shop", {"gtid-mode": "OFF_PERMISSIVE"})
    play.client.reboot_db_instance(DBInstanceIdentifier="shop")
    play.instance_is("shop")
    source.execute("INSERT INTO shop.audit (what) VALUES ('before')")
    replica = play.aurora_replica(**{"gtid-mode": "OFF_PERMISSIVE"})
    source.execute("INSERT INTO shop.audit (what) VALUES ('after')")
    until(lambda: replica.value("SELECT COUNT(*) FROM shop.audit WHERE what = 'after'") == 1)
    assert replica.value("SELECT COUNT(*) FROM shop.audit WHERE what = 'before'") == 1
    assert channel(replica)["Auto_Position"] == 0
