"""What moto does right, as a second opinion beside our own stand-in."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from livemove.rds import operators, sensors, steps
from livemove.rds.call import Call
from livemove.rds.faults import NotThere
from livemove.rds.hook import RdsHook
from livemove.rds.naming import TAG_MADE_FROM, TAG_MIGRATION
from livemove.rds.parameters import plan_parameters
from livemove.rds.states import Kind, remedy
from livemove.rds.triggers import WaitTrigger
from livemove.rds.waits import Wait
from livemove.runbook.errors import TryAgain
from tests.integration.rds.play import fired, play

CLASS = "db.r6g.large"
QUICK: dict[str, Any] = {"poll_seconds": 0.05, "timeout_seconds": 20}


@pytest.fixture
def shop(moto_hook: RdsHook) -> RdsHook:
    """An RDS instance `shop` with backups, and its snapshot."""
    moto_hook.conn.create_db_instance(
        DBInstanceIdentifier="shop",
        DBInstanceClass=CLASS,
        Engine="mysql",
        AllocatedStorage=20,
        MasterUsername="admin",
        MasterUserPassword="long-enough",
        BackupRetentionPeriod=1,
    )
    moto_hook.conn.create_db_snapshot(DBInstanceIdentifier="shop", DBSnapshotIdentifier="shop-s")
    return moto_hook


@pytest.fixture
def aurora(moto_hook: RdsHook) -> RdsHook:
    """An Aurora cluster `aurora` with two instances, and its snapshot."""
    moto_hook.conn.create_db_cluster(
        DBClusterIdentifier="aurora", Engine="aurora-mysql", MasterUsername="admin", MasterUserPassword="long-enough"
    )
    for number in (1, 2):
        moto_hook.conn.create_db_instance(
            DBInstanceIdentifier=f"aurora-{number}",
            DBClusterIdentifier="aurora",
            DBInstanceClass=CLASS,
            Engine="aurora-mysql",
        )
    moto_hook.conn.create_db_cluster_snapshot(DBClusterIdentifier="aurora", DBClusterSnapshotIdentifier="aurora-s")
    return moto_hook


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_restored_instance_is_made_once_and_adopted_afterwards(
    shop: RdsHook, called: list[str], deferrable: bool
) -> None:
    operator = operators.RestoreInstanceFromSnapshotOperator(
        task_id="restore",
        identifier="shop-fallback",
        snapshot="shop-s",
        instance_class=CLASS,
        tags={TAG_MIGRATION: "shop"},
        deferrable=deferrable,
        **QUICK,
    )
    first = play(operator)
    assert play(operator) == first
    assert (first["identifier"], first["state"], first["port"]) == ("shop-fallback", "available", 3306)
    assert called == ["RestoreDBInstanceFromDBSnapshot"]
    assert shop.tags(first["arn"]) == {TAG_MIGRATION: "shop", TAG_MADE_FROM: "shop-s"}


def test_a_worker_that_dies_after_the_call_leaves_what_the_next_one_adopts(
    shop: RdsHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, calls = RdsHook.run, []

    def killed(self: RdsHook, call: Call) -> dict[str, Any]:
        calls.append(call.operation)
        run(self, call)
        raise KeyboardInterrupt

    operator = operators.CreateReadReplicaOperator(
        task_id="replica", identifier="shop-reports", source="shop", deferrable=True, **QUICK
    )
    with monkeypatch.context() as patched:
        patched.setattr(RdsHook, "run", killed)
        with pytest.raises(KeyboardInterrupt):
            play(operator)
        assert play(operator)["identifier"] == "shop-reports"
    assert calls == ["CreateDBInstanceReadReplica"]
    assert len(shop.conn.describe_db_instances()["DBInstances"]) == 2


def test_another_database_of_that_name_is_refused(shop: RdsHook, called: list[str]) -> None:
    operator = operators.CreateReadReplicaOperator(task_id="replica", identifier="shop", source="blog", **QUICK)
    with pytest.raises(AirflowFailException, match="is another one"):
        play(operator)
    assert called == []


def test_a_missing_source_is_told_before_anything_is_made(moto_hook: RdsHook, called: list[str]) -> None:
    operator = operators.CreateReadReplicaOperator(task_id="replica", identifier="a", source="shop", **QUICK)
    with pytest.raises(AirflowFailException, match="there is no instance shop"):
        play(operator)
    assert called == []


def test_a_source_without_backups_is_refused(shop: RdsHook, called: list[str]) -> None:
    shop.conn.modify_db_instance(DBInstanceIdentifier="shop", BackupRetentionPeriod=0, ApplyImmediately=True)
    operator = operators.CreateReadReplicaOperator(task_id="replica", identifier="a", source="shop", **QUICK)
    with pytest.raises(AirflowFailException, match="no automated backups"):
        play(operator)
    assert called == []


def test_no_instance_is_restored_from_a_snapshot_of_a_cluster(aurora: RdsHook, called: list[str]) -> None:
    operator = operators.RestoreInstanceFromSnapshotOperator(
        task_id="restore", identifier="a", snapshot="aurora-s", **QUICK
    )
    with pytest.raises(AirflowFailException, match="cannot be restored as an RDS instance"):
        play(operator)
    assert called == []


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_restored_cluster_has_a_writer(aurora: RdsHook, called: list[str], deferrable: bool) -> None:
    operator = operators.RestoreClusterFromSnapshotOperator(
        task_id="restore",
        identifier="cdc",
        snapshot="aurora-s",
        instance_class=CLASS,
        deferrable=deferrable,
        **QUICK,
    )
    assert play(operator)["identifier"] == "cdc"
    play(operator)
    assert called == ["RestoreDBClusterFromSnapshot", "CreateDBInstance"]
    cluster = aurora.cluster("cdc")
    assert cluster is not None
    assert [member["DBInstanceIdentifier"] for member in cluster["DBClusterMembers"]] == ["cdc-1"]


def test_only_what_differs_is_modified(shop: RdsHook, called: list[str]) -> None:
    operator = operators.ModifyInstanceOperator(
        task_id="modify", identifier="shop", changes={"BackupRetentionPeriod": 7, "DBInstanceClass": CLASS}, **QUICK
    )
    play(operator)
    play(operator)
    assert called == ["ModifyDBInstance"]
    assert (shop.instance("shop") or {})["BackupRetentionPeriod"] == 7


def test_a_change_that_cannot_be_seen_is_refused(shop: RdsHook, called: list[str]) -> None:
    operator = operators.ModifyInstanceOperator(task_id="m", identifier="shop", changes={"Backups": 7}, **QUICK)
    with pytest.raises(AirflowFailException, match="does not show Backups"):
        play(operator)
    assert called == []


def test_a_standby_is_made_once(shop: RdsHook, called: list[str]) -> None:
    operator = operators.MakeMultiAzOperator(task_id="standby", identifier="shop", **QUICK)
    play(operator)
    play(operator)
    assert called == ["ModifyDBInstance"]
    assert (shop.instance("shop") or {})["MultiAZ"] is True


def test_a_failover_to_the_writer_is_none(aurora: RdsHook, called: list[str]) -> None:
    operator = operators.FailoverClusterOperator(task_id="failover", identifier="aurora", to="aurora-2", **QUICK)
    play(operator)
    play(operator)
    assert called == ["FailoverDBCluster"]
    stranger = operators.FailoverClusterOperator(task_id="stranger", identifier="aurora", to="shop", **QUICK)
    with pytest.raises(AirflowFailException, match="aurora-2, aurora-1"):
        play(stranger)


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_deleted_instance_leaves_its_snapshot(shop: RdsHook, called: list[str], deferrable: bool) -> None:
    operator = operators.DeleteInstanceOperator(task_id="delete", identifier="shop", deferrable=deferrable, **QUICK)
    assert play(operator)["state"] == "deleted"
    play(operator)
    assert called == ["DeleteDBInstance"]
    assert shop.snapshot("shop-final") is not None


def test_an_instance_that_is_gone_without_its_snapshot_is_a_persons_business(moto_hook: RdsHook) -> None:
    operator = operators.DeleteInstanceOperator(task_id="delete", identifier="shop", **QUICK)
    with pytest.raises(AirflowFailException, match="neither does its final"):
        play(operator)


def test_what_something_replicates_from_is_not_deleted(shop: RdsHook, called: list[str]) -> None:
    shop.conn.create_db_instance_read_replica(DBInstanceIdentifier="shop-r", SourceDBInstanceIdentifier="shop")
    operator = operators.DeleteInstanceOperator(task_id="delete", identifier="shop", **QUICK)
    with pytest.raises(AirflowFailException, match="shop-r replicates from it"):
        play(operator)
    assert called == []


def test_what_serves_is_not_deleted(shop: RdsHook, called: list[str]) -> None:
    arn = shop.arn_of_instance("shop")
    shop.conn.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "livemove:serves", "Value": "yes"}])
    operator = operators.DeleteInstanceOperator(task_id="delete", identifier="shop", **QUICK)
    with pytest.raises(AirflowFailException, match="livemove:serves"):
        play(operator)
    assert called == []


def test_protection_is_lifted_only_when_told(shop: RdsHook, called: list[str]) -> None:
    shop.conn.modify_db_instance(DBInstanceIdentifier="shop", DeletionProtection=True, ApplyImmediately=True)
    with pytest.raises(AirflowFailException, match="protected"):
        play(operators.DeleteInstanceOperator(task_id="no", identifier="shop", **QUICK))
    play(operators.DeleteInstanceOperator(task_id="yes", identifier="shop", lift_protection=True, **QUICK))
    assert called == ["ModifyDBInstance", "DeleteDBInstance"]


def test_a_cluster_is_deleted_with_its_instances(aurora: RdsHook, called: list[str]) -> None:
    operator = operators.DeleteClusterOperator(task_id="delete", identifier="aurora", deferrable=True, **QUICK)
    assert play(operator)["state"] == "deleted"
    assert called == ["DeleteDBInstance", "DeleteDBInstance", "DeleteDBCluster"]
    assert aurora.snapshot("aurora-final", cluster=True) is not None
    assert aurora.instance("aurora-1") is None


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_sensor_waits_for_a_state_and_gives_up_in_time(shop: RdsHook, deferrable: bool) -> None:
    fine = sensors.InstanceStateSensor(task_id="fine", identifier="shop", deferrable=deferrable, **QUICK)
    assert play(fine)["state"] == "available"
    never = sensors.ClusterStateSensor(
        task_id="never", identifier="no-such", deferrable=deferrable, poll_seconds=0.05, timeout_seconds=0.3
    )
    with pytest.raises(TryAgain, match=r"cluster no-such: does not exist \(yet\)"):
        play(never)
    gone = sensors.ClusterStateSensor(task_id="gone", identifier="no-such", states=["deleted"], **QUICK)
    assert play(gone)["state"] == "deleted"


def test_a_state_that_waiting_does_not_heal_ends_the_wait_in_the_triggerer(shop: RdsHook) -> None:
    shop.conn.stop_db_instance(DBInstanceIdentifier="shop")
    trigger = WaitTrigger(
        waits=[Wait(Kind.INSTANCE, "shop").as_json()], ends_at=time.time() + 20, limit_seconds=20, poll_seconds=0.05
    )
    event = asyncio.run(fired(trigger))
    assert event == {"problem": "instance shop is stopped. Remedy: " + remedy("stopped") + "."}
    sensor = sensors.InstanceStateSensor(task_id="sensor", identifier="shop", **QUICK)
    with pytest.raises(AirflowFailException, match=r"is stopped\. Remedy: start it"):
        sensor.resume({}, event, ends_at=0)


def test_more_than_twenty_parameters_go_in_several_calls(shop: RdsHook, called: list[str]) -> None:
    steps.set_parameters(shop, "many", {}, cluster=False, family="mysql8.0")
    rows = [
        {"ParameterName": f"p{n}", "ApplyType": "dynamic", "IsModifiable": True, "ParameterValue": "0"}
        for n in range(45)
    ]
    plan = plan_parameters("many", rows, {row["ParameterName"]: 1 for row in rows}, cluster=False)
    for call in plan.calls:
        shop.run(call)
    assert called == ["CreateDBParameterGroup", *["ModifyDBParameterGroup"] * 3]
    described = shop.conn.describe_db_parameters(DBParameterGroupName="many")["Parameters"]
    assert len(described) == 45


def test_an_endpoint_is_that_of_a_cluster_or_of_an_instance(aurora: RdsHook) -> None:
    cluster = aurora.cluster("aurora")
    assert cluster is not None
    assert aurora.endpoint("aurora") == (cluster["Endpoint"], cluster["Port"])
    assert aurora.endpoint("aurora-1")[0].startswith("aurora-1.")
    with pytest.raises(NotThere, match="no RDS cluster or instance nobody"):
        aurora.endpoint("nobody")
