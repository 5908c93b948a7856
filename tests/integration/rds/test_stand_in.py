"""Against real MySQL servers behind our stand-in of the RDS API, whose states take time."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from livemove.rds import calls, events, operators, sensors, steps
from livemove.rds.call import Call
from livemove.rds.hook import RdsHook
from livemove.rds.states import Kind, Subject
from livemove.runbook.errors import TryAgain
from tests.integration.rds.play import play

CLASS = "db.r6g.large"
QUICK: dict[str, Any] = {"poll_seconds": 0.2, "timeout_seconds": 90}


@dataclass(frozen=True)
class Run:
    """A DAG run, as far as an operator asks."""

    start_date: datetime


def replica(**options: Any) -> operators.CreateAuroraReplicaOperator:
    return operators.CreateAuroraReplicaOperator(
        task_id="replica",
        identifier="shop-aurora",
        source="shop",
        instance_class=CLASS,
        parameter_group="shop-aurora",
        **{**QUICK, **options},
    )


def test_an_aurora_replica_is_made_by_workers_that_die_and_promoted_once(
    shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, made = RdsHook.run, []

    def killed(self: RdsHook, call: Call) -> dict[str, Any]:
        made.append(call.operation)
        run(self, call)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(RdsHook, "run", killed)
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                play(replica(deferrable=True))
        found = play(replica(deferrable=True))
        assert (found["identifier"], found["state"], found["host"]) == ("shop-aurora", "available", "127.0.0.1")
        promote = operators.PromoteAuroraReplicaOperator(
            task_id="promote", identifier="shop-aurora", deferrable=True, **QUICK
        )
        with pytest.raises(KeyboardInterrupt):
            play(promote)
        play(promote)
        play(promote)
    assert made == ["CreateDBCluster", "CreateDBInstance", "PromoteReadReplicaDBCluster"]
    hook = RdsHook()
    cluster = hook.cluster("shop-aurora")
    assert cluster is not None
    assert not cluster.get("ReplicationSourceIdentifier")
    assert (hook.instance("shop-aurora-1") or {})["DBInstanceStatus"] == "available"
    # What it was is no longer seen, so it is not taken for a replica.
    with pytest.raises(AirflowFailException, match="promoted already"):
        play(replica())


def test_a_throttled_api_and_states_that_do_not_allow_it_only_cost_time(
    shop: Any, called: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    shop.control.throttle("DescribeDBInstances", 2)
    shop.control.fail("CreateDBInstanceReadReplica", "InvalidDBInstanceStateFault", 2)
    operator = operators.CreateReadReplicaOperator(task_id="replica", identifier="shop-reports", source="shop", **QUICK)
    with caplog.at_level(logging.INFO):
        play(operator)
    assert called == ["CreateDBInstanceReadReplica"] * 3
    assert "instance shop-reports: creating; waiting for a usable state" in caplog.text
    assert "s of at most 90 s" in caplog.text

    never = operators.PromoteReadReplicaOperator(
        task_id="never", identifier="shop-reports", deferrable=True, poll_seconds=0.2, timeout_seconds=1.5
    )
    shop.control.fail("PromoteReadReplica", "InvalidDBInstanceStateFault", -1)
    with pytest.raises(TryAgain, match=r"2 s, then gave up: .*An injected fault"):
        play(never)
    shop.control.clear_faults()
    del called[3:]

    shop.control.fail("PromoteReadReplica", "InvalidDBInstanceStateFault", 1)
    promote = operators.PromoteReadReplicaOperator(
        task_id="promote", identifier="shop-reports", deferrable=True, **QUICK
    )
    play(promote)
    play(promote)
    assert called[3:] == ["PromoteReadReplica"] * 2
    found = RdsHook().instance("shop-reports") or {}
    assert not found.get("ReadReplicaSourceDBInstanceIdentifier")
    # Without backups it would have no binlog.
    assert found["BackupRetentionPeriod"] == 1


def test_a_clone_of_a_restored_cluster_begins_at_a_position(shop: Any, called: list[str]) -> None:
    play(replica())
    hook = RdsHook()
    steps.complete(hook, lambda: steps.snapshot_cluster(hook, "shop-aurora", "shop-aurora-for-cdc"), poll_seconds=0.2)
    restored = operators.RestoreClusterFromSnapshotOperator(
        task_id="cdc",
        identifier="shop-cdc",
        snapshot="shop-aurora-for-cdc",
        instance_class=CLASS,
        parameter_group="shop-cdc",
        **QUICK,
    )
    play(restored)
    play(restored)
    on = operators.ModifyParameterGroupOperator(
        task_id="binlog", group="shop-cdc", cluster=True, parameters={"binlog_format": "ROW"}
    )
    assert play(on) == {"changed": {"binlog_format": "ROW"}, "reboot_needed": ["binlog_format"]}
    assert play(on) == {"changed": {}, "reboot_needed": []}
    reboot = operators.RebootInstanceOperator(
        task_id="reboot", identifier="shop-cdc-1", settle_seconds=1, deferrable=True, **QUICK
    )
    play(reboot)
    play(reboot)
    clone = operators.CloneClusterOperator(
        task_id="clone",
        identifier="shop-clone",
        source="shop-cdc",
        instance_class=CLASS,
        parameter_group="shop-cdc",
        deferrable=True,
        **QUICK,
    )
    play(clone)
    play(clone)
    assert called == [
        *("CreateDBCluster", "CreateDBInstance", "CreateDBClusterSnapshot"),
        *("RestoreDBClusterFromSnapshot", "CreateDBInstance"),
        *("ModifyDBClusterParameterGroup", "RebootDBInstance"),
        *("RestoreDBClusterToPointInTime", "CreateDBInstance"),
    ]
    file, position = events.clone_position(hook, "shop-clone-1")
    assert file.startswith("mysql-bin-changelog.")
    assert position > 0
    delete = operators.DeleteClusterOperator(
        task_id="delete", identifier="shop-clone", final_snapshot="shop-clone-last", deferrable=True, **QUICK
    )
    assert play(delete)["state"] == "deleted"
    assert hook.snapshot("shop-clone-last", cluster=True) is not None
    with pytest.raises(AirflowFailException, match="cannot be restored as an RDS instance"):
        play(
            operators.RestoreInstanceFromSnapshotOperator(
                task_id="no", identifier="shop-back", snapshot="shop-clone-last", **QUICK
            )
        )


def test_settings_parameters_standby_and_reboot_are_made_once(shop: Any, called: list[str]) -> None:
    hook = RdsHook()
    larger = operators.ModifyInstanceOperator(
        task_id="larger", identifier="shop", changes={"DBInstanceClass": "db.r6g.xlarge"}, deferrable=True, **QUICK
    )
    standby = operators.MakeMultiAzOperator(task_id="standby", identifier="shop", **QUICK)
    parameters = operators.ModifyParameterGroupOperator(
        task_id="parameters", group="shop", parameters={"max_connections": 321, "binlog_format": "ROW"}
    )
    reboot = operators.RebootInstanceOperator(
        task_id="reboot", identifier="shop", only_if_pending=False, deferrable=True, **QUICK
    )
    run = {"dag_run": Run(datetime.now(UTC))}
    for _ in range(2):
        play(larger)
        play(standby)
        play(parameters)
        play(reboot, run)
    assert called == ["ModifyDBInstance", "ModifyDBInstance", "ModifyDBParameterGroup", "RebootDBInstance"]
    found = hook.instance("shop") or {}
    assert (found["DBInstanceClass"], found["MultiAZ"]) == ("db.r6g.xlarge", True)
    later = {"dag_run": Run(datetime.now(UTC))}
    play(reboot, later)
    assert called[4:] == ["RebootDBInstance"]


def test_a_failover_makes_the_named_instance_the_writer_and_then_rests(shop: Any, called: list[str]) -> None:
    play(replica())
    hook = RdsHook()
    second = calls.create_cluster_instance(cluster="shop-aurora", instance_class=CLASS, identifier="shop-aurora-2")
    steps.complete(hook, lambda: steps.ensure(hook, second), poll_seconds=0.2)
    failover = operators.FailoverClusterOperator(
        task_id="failover", identifier="shop-aurora", to="shop-aurora-2", deferrable=True, **QUICK
    )
    play(failover)
    play(failover)
    play(sensors.ClusterStateSensor(task_id="usable", identifier="shop-aurora", **QUICK))
    assert called.count("FailoverDBCluster") == 1
    assert [e["Message"] for e in hook.events(Subject(Kind.CLUSTER, "shop-aurora"))][-1].startswith(
        "Completed failover"
    )


def test_what_replicates_from_it_keeps_an_instance_alive(shop: Any, called: list[str]) -> None:
    play(replica())
    delete = operators.DeleteInstanceOperator(task_id="delete", identifier="shop", **QUICK)
    with pytest.raises(AirflowFailException, match=r"shop-aurora.* replicates from it"):
        play(delete)
    play(operators.PromoteAuroraReplicaOperator(task_id="promote", identifier="shop-aurora", **QUICK))
    assert play(delete)["state"] == "deleted"
    assert RdsHook().snapshot("shop-final") is not None
    assert called.count("DeleteDBInstance") == 1
