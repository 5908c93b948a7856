"""Operators and sensor on real servers, in a DAG that runs and one by one; the password shows nowhere."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
import traceback
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
from airflow.sdk import DAG
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from livemove.mysql import operators, replicate
from livemove.mysql.catching_up import mark
from livemove.mysql.credentials import Secret
from livemove.mysql.errors import ServerError
from livemove.mysql.operators import (
    CompareTableOperator,
    PurgeGtidsOperator,
    ResetReplicationOperator,
    SetExternalSourceOperator,
    SetExternalSourceWithAutoPositionOperator,
    SkipGtidOperator,
    SkipReplicationErrorOperator,
    StartReplicationOperator,
    StopReplicationOperator,
)
from livemove.mysql.sensors import ReplicaCaughtUpSensor
from livemove.mysql.triggers import ReplicaCaughtUpTrigger
from livemove.runbook.errors import TryAgain
from tests.fixtures.mysql_servers import (
    ADMIN_CONNECTION,
    ADMIN_PASSWORD,
    REPLICATION_CONNECTION,
    REPLICATION_PASSWORD,
    Node,
    Servers,
)
from tests.fixtures.waiting import until

pytestmark = pytest.mark.every_mysql
UUID = "bbbbbbbb-1111-2222-3333-444444444444"
# What is left of a password under any quoting: its random part.
MARKS = tuple(password.split()[0] for password in (ADMIN_PASSWORD, REPLICATION_PASSWORD))


CHAIN = """
from airflow.sdk import DAG
from livemove.mysql.operators import *
from livemove.mysql.sensors import ReplicaCaughtUpSensor

SOURCE, WATCHED, FIRST, REPLICA = {source}, {watched}, {first}, {replica}
with DAG("mysql_operators", schedule=None):
    retention = SetConfigurationOperator(
        task_id="keep", setting="binlog retention hours", value="{{{{ 24 * 7 }}}}", **FIRST
    )
    show = ShowConfigurationOperator(task_id="show", **FIRST)
    point = SetExternalSourceWithAutoPositionOperator(task_id="point", **SOURCE, **REPLICA)
    start = StartReplicationOperator(task_id="start", **REPLICA)
    caught_up = ReplicaCaughtUpSensor(
        task_id="caught_up", deferrable=True, poll_seconds=0.2, **WATCHED, **REPLICA
    )
    compare = CompareTableOperator(
        task_id="compare", schema="shop", table="t", run="m", **WATCHED, **REPLICA
    )
    guard = SetReadOnlyOperator(task_id="guard", on=True, **REPLICA)
    purge = PurgeGtidsOperator(task_id="purge", gtids="{uuid}:1-500", **REPLICA)
    stop = StopReplicationOperator(task_id="stop", **REPLICA)
    reset = ResetReplicationOperator(task_id="reset", **REPLICA)
    retention >> show >> point >> start >> caught_up >> compare >> guard >> purge >> stop >> reset
"""


def at(node: Node, **more: Any) -> dict[str, Any]:
    """Parameters that lead an operator to a server."""
    return {"mysql_conn_id": ADMIN_CONNECTION, "host": "127.0.0.1", "port": node.port, **more}


def of(node: Node) -> dict[str, Any]:
    """Parameters that name a source."""
    return {"source_host": "127.0.0.1", "source_port": node.port, "replication_conn_id": REPLICATION_CONNECTION}


def watched(node: Node) -> dict[str, Any]:
    """Parameters that name the source that a sensor marks."""
    return {"source_mysql_conn_id": ADMIN_CONNECTION, "source_host": "127.0.0.1", "source_port": node.port}


def database_holds(text: str) -> bool:
    """Whether Airflow's database has this text anywhere: XCom, rendered fields, the DAG itself."""
    with closing(sqlite3.connect(Path(os.environ["AIRFLOW_HOME"]) / "airflow.db")) as connection:
        return any(text in line for line in connection.iterdump())


def test_a_whole_dag_makes_a_chain_and_shows_no_password(
    servers: Servers, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    servers.rds80.root(
        "CREATE DATABASE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY)", "INSERT INTO shop.t VALUES (1)"
    )
    file = tmp_path / "mysql_operators.py"
    file.write_text(
        CHAIN.format(
            source=of(servers.rds80),
            watched=watched(servers.rds80),
            first=at(servers.rds80),
            replica=at(servers.aurora3),
            uuid=UUID,
        )
    )
    bag = DagBag(dag_folder=str(file))
    assert bag.import_errors == {}
    DagBundlesManager().sync_bundles_to_db()
    sync_bag_to_db(bag, "dags-folder", None)
    run = bag.dags["mysql_operators"].test()
    assert str(run.state).endswith("success"), {ti.task_id: str(ti.state) for ti in run.get_task_instances()}
    assert replicate.configuration(servers.rds80.hook)["binlog retention hours"] == "168"
    assert servers.aurora3.hook.status() is None
    assert servers.aurora3.hook.read_only()
    assert f"{UUID}:500" in servers.aurora3.hook.purged()
    printed = "".join(capfd.readouterr()) + caplog.text
    assert "CALL mysql.rds_set_external_source_with_auto_position('127.0.0.1'" in printed
    assert "has all GTIDs and heartbeat" in printed
    for secret in MARKS:
        assert secret not in printed
        assert not database_holds(secret)
    assert database_holds("mysql_operators")


def test_the_password_is_in_no_error(servers: Servers) -> None:
    node = servers.rds80
    node.quietly("DROP PROCEDURE IF EXISTS mysql.rds_leaks")
    node.quietly(
        "CREATE PROCEDURE mysql.rds_leaks(IN secret text, IN what int) BEGIN SELECT CONCAT('row: ', secret); "
        "IF what = 1 THEN SET @m = LEFT(CONCAT('near \"', secret, '\"'), 120); "
        "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = @m; END IF; END"
    )
    try:
        assert node.hook.call("rds_leaks", Secret(REPLICATION_PASSWORD), 0) == ["row: ***"]
        with pytest.raises(ServerError) as caught:
            node.hook.call("rds_leaks", Secret(REPLICATION_PASSWORD), 1)
    finally:
        node.quietly("DROP PROCEDURE mysql.rds_leaks")
    told = "".join(traceback.format_exception(caught.value))
    assert 'near "***"' in told
    assert not any(secret in told for secret in MARKS)


def test_a_password_that_mysql_cannot_take_is_refused_without_showing_it(
    servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = "mark" * 9
    monkeypatch.setenv(f"AIRFLOW_CONN_{REPLICATION_CONNECTION.upper()}", f"mysql://replication:{long}@")
    task = SetExternalSourceWithAutoPositionOperator(task_id="t", **of(servers.rds80), **at(servers.aurora3))
    with pytest.raises(AirflowFailException, match="32 characters") as caught:
        task.execute({})
    assert "markmark" not in "".join(traceback.format_exception(caught.value))


def test_no_field_of_an_operator_holds_a_password(servers: Servers) -> None:
    tasks = [
        SetExternalSourceWithAutoPositionOperator(task_id="t", **of(servers.rds80), **at(servers.aurora3)),
        SetExternalSourceOperator(task_id="u", file="f", position=4, **of(servers.rds80), **at(servers.aurora3)),
    ]
    for task in tasks:
        task.execute({}) if task.task_id == "t" else None
        assert not any(secret in repr(vars(task)) for secret in MARKS)
        assert not any("password" in name for name in task.template_fields)


def test_operators_are_run_again_without_harm(servers: Servers) -> None:
    point = SetExternalSourceWithAutoPositionOperator(task_id="p", **of(servers.rds80), **at(servers.rds84))
    start = StartReplicationOperator(task_id="s", **at(servers.rds84))
    for _ in range(2):
        assert point.execute({})["source"] == f"127.0.0.1:{servers.rds80.port}"
        assert start.execute({})["running"]
    skip = SkipGtidOperator(task_id="k", gtids=f"{UUID}:1-3", **at(servers.rds84))
    assert skip.execute({}) == f"{UUID}:1-3"
    assert skip.execute({}) == ""
    stop = StopReplicationOperator(task_id="x", **at(servers.rds84))
    reset = ResetReplicationOperator(task_id="r", **at(servers.rds84))
    for _ in range(2):
        stop.execute({})
    for _ in range(2):
        reset.execute({})
    assert servers.rds84.hook.status() is None


def test_too_many_gtids_or_none_at_all_are_refused(servers: Servers) -> None:
    with pytest.raises(AirflowFailException, match=r"lacks 2000 of these GTIDs, more than the cap of 1000"):
        SkipGtidOperator(task_id="k", gtids=f"{UUID}:1-2000", **at(servers.rds84)).execute({})
    with pytest.raises(AirflowFailException, match="not a GTID set"):
        PurgeGtidsOperator(task_id="k", gtids="1-5", **at(servers.rds84)).execute({})


def test_several_errors_are_skipped_by_position_up_to_the_limit(servers: Servers) -> None:
    for node in (servers.rds80, servers.aurora3):
        node.root("CREATE DATABASE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY)")
    modern = servers.rds80.server.build.version >= "9"
    place = servers.rds80.server.rows("SHOW BINARY LOG STATUS" if modern else "SHOW MASTER STATUS")[0]
    servers.aurora3.root("INSERT INTO shop.t VALUES (1), (2)", "SET GLOBAL gtid_mode = ON_PERMISSIVE")
    servers.rds80.root("SET GLOBAL gtid_mode = ON_PERMISSIVE", "SET GLOBAL gtid_mode = OFF_PERMISSIVE")
    servers.rds80.root(*(f"INSERT INTO shop.t VALUES ({n})" for n in (1, 2, 3)))
    clone = at(servers.aurora3)
    SetExternalSourceOperator(
        task_id="p", file=place["File"], position=str(place["Position"]), **of(servers.rds80), **clone
    ).execute({})
    with pytest.raises(AirflowFailException, match="1062"):
        StartReplicationOperator(task_id="s", **clone).execute({})
    with pytest.raises(AirflowFailException, match="1062"):
        SkipReplicationErrorOperator(task_id="k", times=1, **clone).execute({})
    assert SkipReplicationErrorOperator(task_id="k", times="2", **clone).execute({})["running"]
    until(lambda: servers.aurora3.hook.value("SELECT COUNT(*) FROM shop.t") == 3, 10)


def test_a_table_that_differs_fails_the_task_with_the_rows(servers: Servers) -> None:
    servers.follow(servers.aurora3, servers.rds80)
    servers.rds80.root(
        "CREATE DATABASE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY)", "INSERT INTO shop.t VALUES (1)"
    )
    servers.caught_up(servers.aurora3, servers.rds80)
    servers.aurora3.quietly("INSERT INTO shop.t VALUES (2)")
    compare = CompareTableOperator(
        task_id="c", schema="shop", table="t", **watched(servers.rds80), **at(servers.aurora3)
    )
    with pytest.raises(AirflowFailException, match=r"shop\.t of .* differs: "):
        compare.execute({})


def sensor(servers: Servers, **options: Any) -> ReplicaCaughtUpSensor:
    with DAG("sensing", schedule=None):
        return ReplicaCaughtUpSensor(
            task_id="s", poll_seconds=0.1, **watched(servers.rds80), **at(servers.rds84), **options
        )


def test_the_sensor_waits_for_the_end_of_the_chain_and_defers(servers: Servers) -> None:
    servers.follow(servers.aurora3, servers.rds80)
    servers.follow(servers.rds84, servers.aurora3)
    assert "has all GTIDs and heartbeat 1" in sensor(servers, timeout_seconds=20).execute({})
    servers.aurora3.root("STOP REPLICA SQL_THREAD")
    with pytest.raises(TryAgain, match=r"lacks [1-9][0-9]* GTIDs and shows heartbeat 1 of 2"):
        sensor(servers, timeout_seconds=1).execute({})
    late = sensor(servers, timeout_seconds=30, deferrable=True)
    with pytest.raises(TaskDeferred) as deferred:
        late.execute({})
    path, values = deferred.value.trigger.serialize()
    assert path == "livemove.mysql.triggers.ReplicaCaughtUpTrigger"
    servers.aurora3.root("START REPLICA SQL_THREAD")
    event = asyncio.run(first_event(ReplicaCaughtUpTrigger(**values)))
    assert "heartbeat 3" in late.resume({}, event)


async def first_event(trigger: ReplicaCaughtUpTrigger) -> dict[str, Any]:
    async for event in trigger.run():
        return dict(event.payload)
    raise AssertionError("the trigger ended without an event")


def test_the_trigger_tells_of_a_broken_replica_at_once_and_of_lost_time(servers: Servers) -> None:
    servers.follow(servers.rds84, servers.rds80)
    servers.rds84.root("STOP REPLICA SQL_THREAD")
    wanted = mark(servers.rds80.hook, "m").as_json()
    one = ReplicaCaughtUpTrigger(wanted=wanted, ends_at=time.time() + 0.5, poll_seconds=0.1, **at(servers.rds84))
    assert "heartbeat 0 of 1" in asyncio.run(first_event(one))["late"]
    servers.rds84.quietly("CREATE DATABASE livemove")
    servers.rds84.quietly(
        "CREATE TABLE livemove.migration_heartbeat "
        "(name VARCHAR(128) PRIMARY KEY, beat BIGINT NOT NULL, written_at DATETIME(6) NOT NULL)"
    )
    servers.rds84.quietly("INSERT INTO livemove.migration_heartbeat VALUES ('m', 0, '2020-01-01')")
    servers.rds84.root("START REPLICA SQL_THREAD")
    other = ReplicaCaughtUpTrigger(wanted=wanted, ends_at=time.time() + 20, poll_seconds=0.1, **at(servers.rds84))
    event = asyncio.run(first_event(other))
    assert "1062" in event["problem"]
    with pytest.raises(AirflowFailException, match="1062"):
        sensor(servers).resume({}, event)


def test_a_replica_that_cannot_be_reached_is_waited_for(servers: Servers) -> None:
    servers.follow(servers.rds84, servers.rds80)
    wanted = mark(servers.rds80.hook).as_json()
    servers.rds84.server.kill()
    trigger = ReplicaCaughtUpTrigger(wanted=wanted, ends_at=time.time() + 40, poll_seconds=0.2, **at(servers.rds84))

    async def restart() -> dict[str, Any]:
        waiting = asyncio.create_task(first_event(trigger))
        await asyncio.sleep(1)
        assert not waiting.done()
        await asyncio.to_thread(servers.rds84.server.start)
        return await waiting

    assert "has all GTIDs" in asyncio.run(restart())["seen"]


def test_each_operator_is_keyword_only_and_shows_an_example() -> None:
    classes = [
        each for each in vars(operators).values() if isinstance(each, type) and each.__name__.endswith("Operator")
    ]
    own = [each for each in classes if each.__name__ in operators.__all__]
    assert len(own) >= 13
    for each in [*own, ReplicaCaughtUpSensor, ReplicaCaughtUpTrigger]:
        assert "Example" in (each.__doc__ or ""), each
