"""Snapshots, restores and clones, with what they carry and what they refuse."""

from __future__ import annotations

import re

import pytest
from botocore.exceptions import ClientError

from tests.fixtures.waiting import until
from tests.integration.rehearsal.rds.conftest import BINLOG, Play, catches_up, channel, executed, replicates

POSITION = re.compile(r"Binlog position from crash recovery is (mysql-bin-changelog\.\d+) (\d+)")


def positions(play: Play, instance: str) -> list[tuple[str, int]]:
    return [(found[1], int(found[2])) for event in play.events(instance) if (found := POSITION.fullmatch(event))]


def test_the_whole_chain_replicates_and_the_fallback_loses_nothing(play: Play) -> None:
    source, target = play.rds.server("shop"), play.aurora_replica()
    play.set("shop-cdc", BINLOG, cluster=True)
    play.set("shop-fallback", BINLOG)
    play.cluster_snapshot("shop-aurora")
    cdc = play.restored("shop-cdc", "snap")
    assert channel(cdc) == {}
    play.replicate(cdc, target)
    play.snapshot("shop")
    play.client.restore_db_instance_from_db_snapshot(
        DBInstanceIdentifier="shop-fallback", DBSnapshotIdentifier="snap", DBParameterGroupName="shop-fallback"
    )
    play.instance_is("shop-fallback")
    fallback = play.rds.server("shop-fallback")
    play.replicate(fallback, cdc)
    source.execute("INSERT INTO shop.audit (what) VALUES ('through the chain')")
    for server in (target, cdc, fallback):
        assert catches_up(server, source)
        assert server.value("SELECT COUNT(*) FROM shop.audit WHERE what = 'through the chain'") == 1
    uuids = {server.value("SELECT @@server_uuid") for server in (source, target, cdc, fallback)}
    assert len(uuids) == 4
    play.client.promote_read_replica_db_cluster(DBClusterIdentifier="shop-aurora")
    play.cluster_is("shop-aurora")
    until(lambda: replicates(cdc))
    target.execute("INSERT INTO shop.audit (what) VALUES ('on Aurora')")
    assert catches_up(fallback, target)
    assert fallback.value("SELECT COUNT(*) FROM shop.audit WHERE what = 'on Aurora'") == 1


def test_a_purged_heartbeat_of_the_fallback_stops_the_way_back(play: Play) -> None:
    play.set("shop-cdc", BINLOG, cluster=True)
    arn = play.snapshot("shop")
    cdc = play.restored("shop-cdc", arn)
    # Both begin equal; then the RDS instance writes a heartbeat and purges it.
    play.rds.control.heartbeat("shop", 3)
    assert len(play.rds.control.purge("shop")) == 1
    with pytest.raises(Exception, match="Slave has encountered an error"):
        play.replicate(cdc, play.rds.server("shop"))
    found = until(lambda: channel(cdc)["Last_IO_Error"])
    assert "1236" in found
    assert "purged required binary logs" in found
    assert channel(cdc)["Last_IO_Errno"] == 13114


def test_an_rds_instance_cannot_be_restored_from_aurora(play: Play) -> None:
    play.aurora_replica()
    play.cluster_snapshot("shop-aurora")
    arn = play.client.describe_db_cluster_snapshots()["DBClusterSnapshots"][0]["DBClusterSnapshotArn"]
    for named in ({"DBSnapshotIdentifier": arn}, {"DBClusterSnapshotIdentifier": "snap"}):
        with pytest.raises(ClientError, match="Aurora"):
            play.client.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="back", **named)
    with pytest.raises(play.client.exceptions.DBSnapshotNotFoundFault):
        play.client.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="back", DBSnapshotIdentifier="snap")


def test_a_snapshot_has_the_data_of_its_moment(play: Play) -> None:
    source = play.rds.server("shop")
    play.snapshot("shop")
    source.execute("INSERT INTO shop.audit (what) VALUES ('too late')")
    play.client.restore_db_instance_from_db_snapshot(
        DBInstanceIdentifier="old", DBSnapshotIdentifier="snap", DBParameterGroupName="shop"
    )
    play.instance_is("old")
    old = play.rds.server("old")
    assert old.value("SELECT COUNT(*) FROM shop.audit") == 0
    assert old.value("SELECT GTID_SUBTRACT(%s, @@global.gtid_executed)", (executed(source),)) != ""
    assert old.value("SELECT status FROM information_schema.events WHERE event_name = 'forget_audit'") == "ENABLED"


def test_a_clone_tells_its_position_and_replication_from_there_loses_nothing(play: Play) -> None:
    source = play.aurora_replica()
    play.client.promote_read_replica_db_cluster(DBClusterIdentifier="shop-aurora")
    play.cluster_is("shop-aurora")
    source.execute("INSERT INTO shop.audit (what) VALUES ('before the clone')")
    clone = play.clone("shop-aurora", "clone")
    source.execute("INSERT INTO shop.audit (what) VALUES ('after the clone')")
    ((file, position),) = positions(play, "clone-1")
    login = ("127.0.0.1", source.port, "replication", play.stack.password("rds-replication"))
    play.call(clone, "rds_set_external_source", *login, file, position, 1)
    play.call(clone, "rds_start_replication")
    until(lambda: clone.value("SELECT COUNT(*) FROM shop.audit WHERE what = 'after the clone'") == 1)
    assert clone.value("SELECT COUNT(*) FROM shop.audit") == 2
    # A restart begins another file: what it tells then is no place in the source's binlog any more.
    play.client.reboot_db_instance(DBInstanceIdentifier="clone-1")
    play.instance_is("clone-1")
    assert len(positions(play, "clone-1")) == 2
    assert positions(play, "clone-1")[1] != (file, position)


def test_files_of_an_enhanced_binlog_are_absent_from_a_clone(play: Play) -> None:
    play.aurora_replica(aurora_enhanced_binlog="1", binlog_backup="0", binlog_replication_globaldb="0")
    source = play.rds.server("shop-aurora")
    clone = play.clone("shop-aurora", "clone")
    first = clone.rows("SHOW BINARY LOGS")[0]["Log_name"]
    assert first == "mysql-bin-changelog.000001"
    assert clone.value("SELECT @@global.gtid_purged").replace("\n", "") == executed(source)


def test_a_clone_without_groups_has_no_binlog(play: Play) -> None:
    play.aurora_replica()
    clone = play.clone("shop-aurora", "clone", group="default.aurora-mysql8.0")
    assert clone.value("SELECT @@global.log_bin") == 0
    assert clone.value("SELECT COUNT(*) FROM shop.customers") == 500


@pytest.mark.parametrize("kept", [True, False])
def test_a_copy_of_an_external_replica_carries_its_channel_or_not(play: Play, kept: bool) -> None:
    play.rds.control.settings(copied_channels=kept)
    play.set("shop-cdc", BINLOG, cluster=True)
    arn = play.snapshot("shop")
    cdc = play.restored("shop-cdc", arn)
    play.replicate(cdc, play.rds.server("shop"))
    clone = play.clone("shop-cdc", "clone", group="shop-cdc")
    assert bool(channel(clone)) == kept
