"""The rest of the API: what is refused, what is protected, logs, tags, failover."""

from __future__ import annotations

import datetime

import pytest
from botocore.exceptions import ClientError

from tests.fixtures.waiting import until
from tests.integration.rehearsal.rds.conftest import Play


def code(refused: pytest.ExceptionInfo[ClientError]) -> str:
    return str(refused.value.response["Error"]["Code"])


def test_error_codes_are_those_of_the_service(play: Play) -> None:
    with pytest.raises(ClientError) as refused:
        play.instance("nothing")
    assert code(refused) == "DBInstanceNotFound"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404
    with pytest.raises(ClientError) as refused:
        play.cluster("nothing")
    assert code(refused) == "DBClusterNotFoundFault"
    with pytest.raises(ClientError) as refused:
        play.client.create_db_instance_read_replica(DBInstanceIdentifier="shop", SourceDBInstanceIdentifier="shop")
    assert code(refused) == "DBInstanceAlreadyExists"
    play.client.reboot_db_instance(DBInstanceIdentifier="shop")
    with pytest.raises(ClientError) as refused:
        play.client.reboot_db_instance(DBInstanceIdentifier="shop")
    assert code(refused) == "InvalidDBInstanceState"
    with pytest.raises(ClientError) as refused:
        play.client.describe_db_proxies()
    assert code(refused) == "NotImplemented"


def test_protected_databases_cannot_be_deleted(play: Play) -> None:
    play.aurora_replica()
    play.client.modify_db_cluster(DBClusterIdentifier="shop-aurora", DeletionProtection=True)
    play.client.modify_db_instance(DBInstanceIdentifier="shop", DeletionProtection=True)
    with pytest.raises(ClientError, match="deletion protection"):
        play.client.delete_db_cluster(DBClusterIdentifier="shop-aurora", SkipFinalSnapshot=True)
    with pytest.raises(ClientError, match="deletion protection"):
        play.client.delete_db_instance(DBInstanceIdentifier="shop", SkipFinalSnapshot=True)


def test_a_cluster_goes_after_its_instances_and_leaves_a_final_snapshot(play: Play) -> None:
    server = play.aurora_replica()
    with pytest.raises(play.client.exceptions.InvalidDBClusterStateFault, match="still contains DB instances"):
        play.client.delete_db_cluster(DBClusterIdentifier="shop-aurora", SkipFinalSnapshot=True)
    play.client.delete_db_instance(DBInstanceIdentifier="shop-aurora-1")
    with pytest.raises(ClientError, match="FinalDBSnapshotIdentifier is required"):
        play.client.delete_db_cluster(DBClusterIdentifier="shop-aurora")
    play.client.delete_db_cluster(DBClusterIdentifier="shop-aurora", FinalDBSnapshotIdentifier="last")
    until(lambda: not play.client.describe_db_clusters()["DBClusters"])
    assert not server.folder.exists()
    assert server.process.pid is None
    found = play.client.describe_db_cluster_snapshots(DBClusterSnapshotIdentifier="last")["DBClusterSnapshots"][0]
    assert found["DBClusterIdentifier"] == "shop-aurora"


def test_a_failover_restarts_the_server_with_another_writer(play: Play) -> None:
    server = play.aurora_replica()
    with pytest.raises(play.client.exceptions.InvalidDBClusterStateFault):
        play.client.failover_db_cluster(DBClusterIdentifier="shop-aurora")
    play.member("shop-aurora", 2)
    before = server.process.pid
    play.client.failover_db_cluster(DBClusterIdentifier="shop-aurora")
    assert play.cluster("shop-aurora")["Status"] == "failing-over"
    play.cluster_is("shop-aurora")
    writers = {
        each["DBInstanceIdentifier"]: each["IsClusterWriter"]
        for each in play.cluster("shop-aurora")["DBClusterMembers"]
    }
    assert writers == {"shop-aurora-1": False, "shop-aurora-2": True}
    assert server.answers()
    assert server.process.pid != before


def test_a_conversion_to_multi_az_takes_time_but_no_outage(play: Play) -> None:
    before = play.rds.server("shop").process.pid
    play.client.modify_db_instance(DBInstanceIdentifier="shop", MultiAZ=True, ApplyImmediately=True)
    assert play.instance("shop")["DBInstanceStatus"] == "modifying"
    assert play.instance_is("shop")["MultiAZ"] is True
    assert play.rds.server("shop").process.pid == before
    assert "Finished applying modification to convert to a Multi-AZ DB Instance" in play.events("shop")


def test_changes_wait_unless_they_are_to_be_applied_at_once(play: Play) -> None:
    found = play.client.modify_db_instance(DBInstanceIdentifier="shop", MultiAZ=True)["DBInstance"]
    assert found["PendingModifiedValues"] == {"MultiAZ": True}
    assert found["MultiAZ"] is False


def test_tags_are_found_again(play: Play) -> None:
    arn = play.instance("shop")["DBInstanceArn"]
    tags = [{"Key": "livemove:migration", "Value": "example"}, {"Key": "livemove:role", "Value": "source"}]
    play.client.add_tags_to_resource(ResourceName=arn, Tags=tags)
    assert play.instance("shop")["TagList"] == tags
    play.client.remove_tags_from_resource(ResourceName=arn, TagKeys=["livemove:role"])
    assert play.client.list_tags_for_resource(ResourceName=arn)["TagList"] == tags[:1]


def test_the_error_log_is_read_portion_by_portion(play: Play) -> None:
    (file,) = play.client.describe_db_log_files(DBInstanceIdentifier="shop")["DescribeDBLogFiles"]
    portion = play.client.download_db_log_file_portion(
        DBInstanceIdentifier="shop", LogFileName=file["LogFileName"], Marker="0"
    )
    assert "ready for connections" in portion["LogFileData"]
    assert portion["AdditionalDataPending"] is False
    with pytest.raises(play.client.exceptions.DBLogFileNotFoundFault):
        play.client.download_db_log_file_portion(DBInstanceIdentifier="shop", LogFileName="slow")


def test_events_are_those_of_the_time_asked_for(play: Play) -> None:
    now = datetime.datetime.now(datetime.UTC)
    assert "DB instance created" in play.events("shop")
    later = play.client.describe_events(StartTime=now + datetime.timedelta(hours=1), EndTime=now)["Events"]
    assert later == []
    since = play.client.describe_events(StartTime=now - datetime.timedelta(hours=1))["Events"]
    assert len(since) >= 3
    with pytest.raises(ClientError, match="SourceType"):
        play.client.describe_events(SourceIdentifier="shop")


def test_no_password_is_in_the_log_or_the_state(play: Play) -> None:
    play.client.modify_db_instance(DBInstanceIdentifier="shop", MasterUserPassword="a new secret")
    for path in (play.rds.log, play.rds.folder / "state.json"):
        text = path.read_text()
        assert play.stack.password("mysql-admin") not in text
        assert "a new secret" not in text
