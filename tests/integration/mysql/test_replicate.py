"""Steps of replication on real servers of each flavour and generation: idempotent, and judged by the status."""

from __future__ import annotations

import time

import pytest

from livemove.mysql import replicate
from livemove.mysql.credentials import Credentials
from livemove.mysql.errors import Refused, ServerError, Unreachable
from livemove.mysql.gtid import GtidSet
from livemove.mysql.hook import RdsMySqlHook
from livemove.mysql.replication import ReplicationBroken, describe
from livemove.runbook.errors import NeedsPerson
from tests.fixtures.mysql_servers import ADMIN_CONNECTION, Node, Servers
from tests.fixtures.waiting import until

pytestmark = pytest.mark.every_mysql
START_FAILURES = pytest.mark.parametrize("start_failure", ["error", "row"])


def fill(node: Node, rows: int = 1) -> None:
    node.root("CREATE DATABASE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY, v INT)")
    node.root(*(f"INSERT INTO shop.t VALUES ({n}, 0)" for n in range(1, rows + 1)))


def rows_of(node: Node) -> list[int]:
    return [row["id"] for row in node.hook.rows("SELECT id FROM shop.t ORDER BY id")]


def purge_logs(node: Node) -> None:
    node.root("FLUSH BINARY LOGS")
    last = node.server.rows("SHOW BINARY LOGS")[-1]["Log_name"]
    node.root(f"PURGE BINARY LOGS TO '{last}'")


def test_a_chain_of_all_flavours_replicates_and_ends(servers: Servers) -> None:
    servers.follow(servers.aurora3, servers.rds80)
    servers.follow(servers.rds84, servers.aurora3)
    fill(servers.rds80, 3)
    servers.caught_up(servers.aurora3, servers.rds80)
    servers.caught_up(servers.rds84, servers.aurora3)
    assert rows_of(servers.rds84) == [1, 2, 3]
    for node in (servers.aurora3, servers.rds84):
        replicate.reset(node.hook)
        assert node.hook.status() is None
        replicate.reset(node.hook)


def test_steps_that_are_done_are_not_done_again(servers: Servers, caplog: pytest.LogCaptureFixture) -> None:
    servers.follow(servers.aurora3, servers.rds80)
    hook = servers.aurora3.hook
    recorded = hook.value("SELECT COUNT(*) FROM mysql.rds_history")
    servers.follow(servers.aurora3, servers.rds80)
    assert hook.value("SELECT COUNT(*) FROM mysql.rds_history") == recorded
    replicate.stop(hook)
    replicate.stop(hook)
    status = hook.status()
    assert status is not None
    assert status.stopped
    assert hook.value("SELECT COUNT(*) FROM mysql.rds_history") == recorded + 1


def test_a_replica_by_position_takes_what_follows_the_position(servers: Servers) -> None:
    fill(servers.rds80, 1)
    statement = "SHOW BINARY LOG STATUS" if servers.rds80.server.build.version >= "9" else "SHOW MASTER STATUS"
    place = servers.rds80.server.rows(statement)[0]
    fill(servers.aurora3, 1)
    hook = servers.aurora3.hook
    replicate.set_source(
        hook, host="127.0.0.1", port=servers.rds80.port, replication=servers.replication, auto_position=False,
        file=place["File"], position=place["Position"],
    )  # fmt: skip
    status = replicate.start(hook)
    assert not status.auto_position
    assert f"position {place['File']}:{place['Position']}" in describe(status)
    servers.rds80.root("INSERT INTO shop.t VALUES (7, 0)")
    until(lambda: rows_of(servers.aurora3) == [1, 7], 10)


def test_a_replica_of_another_source_is_not_taken_over(servers: Servers) -> None:
    servers.follow(servers.aurora3, servers.rds80)
    with pytest.raises(NeedsPerson, match=f"replicates from 127.0.0.1:{servers.rds80.port}, not from"):
        replicate.set_source(
            servers.aurora3.hook, host="127.0.0.1", port=servers.rds84.port, replication=servers.replication
        )
    status = servers.aurora3.hook.status()
    assert status is not None
    assert status.running


@START_FAILURES
def test_a_wrong_password_is_told_by_the_status_and_mended_by_the_right_one(
    servers: Servers, start_failure: str
) -> None:
    hook = servers.aurora3.hook
    servers.aurora3.setting("start failure", start_failure)
    wrong = Credentials("replication", "wrong'\\pass%s")
    replicate.set_source(hook, host="127.0.0.1", port=servers.rds80.port, replication=wrong)
    with pytest.raises(ReplicationBroken, match="1045") as caught:
        replicate.start(hook, seconds=8)
    assert "password of the replication connection" in str(caught.value)
    assert "wrong'" not in str(caught.value)
    servers.follow(servers.aurora3, servers.rds80)


@START_FAILURES
def test_purged_logs_are_told_by_the_status_and_mended_by_purging_the_gtids(
    servers: Servers, start_failure: str
) -> None:
    fill(servers.rds80, 5)
    purge_logs(servers.rds80)
    hook = servers.rds84.hook
    servers.rds84.setting("start failure", start_failure)
    replicate.set_source(hook, host="127.0.0.1", port=servers.rds80.port, replication=servers.replication)
    with pytest.raises(ReplicationBroken, match="ledger"):
        replicate.start(hook, seconds=8)
    with pytest.raises(NeedsPerson, match="stop its replication"):
        replicate.purge_gtids(hook, servers.rds80.hook.purged())
    replicate.stop(hook)
    added = replicate.purge_gtids(hook, servers.rds80.hook.purged())
    assert added == servers.rds80.hook.purged()
    assert not replicate.purge_gtids(hook, servers.rds80.hook.purged())
    assert replicate.start(hook).running


def test_aurora_purges_a_set_while_it_replicates(servers: Servers) -> None:
    fill(servers.rds80, 5)
    purge_logs(servers.rds80)
    hook = servers.aurora3.hook
    replicate.purge_gtids(hook, servers.rds80.hook.purged())
    servers.follow(servers.aurora3, servers.rds80)
    other = GtidSet.parse("bbbbbbbb-1111-2222-3333-444444444444:1-2000000:3000000")
    assert replicate.purge_gtids(hook, other) == other
    assert other <= hook.executed()


def test_gtids_are_skipped_singly_where_nothing_else_is_there(servers: Servers) -> None:
    hook = servers.rds80.hook
    hook._catalog = {name: count for name, count in hook.catalog().items() if "purged" not in name}
    lacking = GtidSet.parse("bbbbbbbb-1111-2222-3333-444444444444:1-3:9")
    assert replicate.purge_gtids(hook, lacking) == lacking
    assert lacking <= hook.executed()
    with pytest.raises(NeedsPerson, match="one by one"):
        replicate.purge_gtids(hook, GtidSet.parse("bbbbbbbb-1111-2222-3333-444444444444:1-20000"))


def test_a_transaction_that_fails_is_skipped_by_its_gtid(servers: Servers) -> None:
    servers.follow(servers.rds84, servers.rds80)
    fill(servers.rds80, 1)
    servers.caught_up(servers.rds84, servers.rds80)
    servers.rds84.quietly("INSERT INTO shop.t VALUES (2, 9)")
    servers.rds80.root("INSERT INTO shop.t VALUES (2, 0)", "INSERT INTO shop.t VALUES (3, 0)")
    hook, wanted = servers.rds84.hook, servers.rds80.hook.executed()
    assert not hook.wait_for(wanted, 2)
    with pytest.raises(ReplicationBroken, match="1062") as caught:
        replicate.start(hook)
    assert "skip its GTID" in str(caught.value)
    with pytest.raises(ReplicationBroken, match="skip the GTID instead"):
        replicate.skip_error(hook)
    failed = next((wanted - hook.executed()).gtids())
    assert replicate.skip_gtid(hook, failed)
    assert not replicate.skip_gtid(hook, failed)
    assert replicate.start(hook).running
    servers.caught_up(servers.rds84, servers.rds80)
    assert rows_of(servers.rds84) == [1, 2, 3]


def test_only_one_gtid_is_skipped_at_a_time(servers: Servers) -> None:
    with pytest.raises(ValueError, match="single"):
        replicate.skip_gtid(servers.rds80.hook, "bbbbbbbb-1111-2222-3333-444444444444:1-3")


def test_a_statement_that_fails_is_skipped_by_position(servers: Servers) -> None:
    fill(servers.rds80, 1)
    fill(servers.aurora3, 1)
    servers.aurora3.root("INSERT INTO shop.t VALUES (2, 9), (3, 9)", "SET GLOBAL gtid_mode = ON_PERMISSIVE")
    statement = "SHOW BINARY LOG STATUS" if servers.rds80.server.build.version >= "9" else "SHOW MASTER STATUS"
    place = servers.rds80.server.rows(statement)[0]
    servers.rds80.root("SET GLOBAL gtid_mode = ON_PERMISSIVE", "SET GLOBAL gtid_mode = OFF_PERMISSIVE")
    servers.rds80.root(*(f"INSERT INTO shop.t VALUES ({n}, 0)" for n in (2, 4)))
    hook = servers.aurora3.hook
    replicate.set_source(
        hook, host="127.0.0.1", port=servers.rds80.port, replication=servers.replication, auto_position=False,
        file=place["File"], position=place["Position"],
    )  # fmt: skip
    with pytest.raises(ReplicationBroken, match="1062"):
        replicate.start(hook)
    assert replicate.skip_error(hook).running
    assert replicate.skip_error(hook).running
    until(lambda: rows_of(servers.aurora3) == [1, 2, 3, 4], 10)


def test_replication_without_tls_breaks_when_the_source_restarts(servers: Servers) -> None:
    hook = servers.rds84.hook
    values = {"host": "127.0.0.1", "port": servers.rds80.port, "replication": servers.replication}
    servers.rds80.server.restart()
    replicate.set_source(hook, **values, ssl=False)
    with pytest.raises(ReplicationBroken, match="ssl=1"):
        replicate.start(hook, seconds=8)
    replicate.set_source(hook, **values)
    status = replicate.start(hook)
    assert status.ssl


def test_a_replica_that_rds_manages_is_left_to_rds(servers: Servers) -> None:
    servers.rds80.setting("managed replica", "1")
    with pytest.raises(NeedsPerson, match="RDS Read Replica"):
        replicate.set_source(
            servers.rds80.hook, host="127.0.0.1", port=servers.rds84.port, replication=servers.replication
        )


def test_what_does_not_replicate_cannot_be_started(servers: Servers) -> None:
    with pytest.raises(ReplicationBroken, match="set one first"):
        replicate.start(servers.rds80.hook)
    assert servers.rds80.hook.status() is None


def test_retention_is_set_once_and_within_the_engines_maximum(servers: Servers) -> None:
    for node, highest in ((servers.rds80, 168), (servers.aurora3, 2160)):
        assert replicate.configuration(node.hook)["binlog retention hours"] is None
        assert replicate.set_configuration(node.hook, "binlog retention hours", highest)
        assert not replicate.set_configuration(node.hook, "binlog retention hours", highest)
        assert replicate.configuration(node.hook)["binlog retention hours"] == str(highest)
        with pytest.raises(NeedsPerson, match=f"between 1 and {highest}"):
            replicate.set_configuration(node.hook, "binlog retention hours", highest + 1)
        assert replicate.set_configuration(node.hook, "binlog retention hours", None)
    with pytest.raises(NeedsPerson, match="unknown configuration parameter"):
        replicate.set_configuration(servers.rds80.hook, "no such", 1)


def test_read_only_is_a_procedure_on_aurora_and_a_parameter_on_rds(servers: Servers) -> None:
    assert replicate.set_read_only(servers.aurora3.hook, True)
    assert servers.aurora3.hook.read_only()
    assert not replicate.set_read_only(servers.aurora3.hook, True)
    assert replicate.set_read_only(servers.aurora3.hook, False)
    assert not replicate.set_read_only(servers.rds80.hook, False)
    with pytest.raises(NeedsPerson, match="parameter group"):
        replicate.set_read_only(servers.rds80.hook, True)


def test_start_until_a_gtid_needs_one_worker(servers: Servers) -> None:
    servers.follow(servers.rds84, servers.rds80)
    replicate.stop(servers.rds84.hook)
    fill(servers.rds80, 2)
    uuid = servers.rds80.hook.server_uuid()
    servers.rds84.root("SET GLOBAL replica_parallel_workers = 4")
    with pytest.raises(NeedsPerson, match="replica_parallel_workers"):
        replicate.start_until(servers.rds84.hook, f"{uuid}:1-3")
    servers.rds84.root("SET GLOBAL replica_parallel_workers = 1")
    replicate.start_until(servers.rds84.hook, f"{uuid}:1-3")
    assert servers.rds84.hook.wait_for(GtidSet.parse(f"{uuid}:1-3"), 10)
    time.sleep(0.3)
    assert rows_of(servers.rds84) == [1]
    replicate.start_until(servers.rds84.hook, f"{uuid}:1-3")
    servers.rds84.root("SET GLOBAL replica_parallel_workers = 4")


def test_waiting_for_gtids_ends_in_time(servers: Servers) -> None:
    hook = servers.rds80.hook
    assert hook.wait_for(GtidSet(), 0)
    began = time.monotonic()
    missing = GtidSet.parse(f"{hook.server_uuid()}:1-5")
    assert not hook.wait_for(missing, 0)
    assert not hook.wait_for(missing, 0.5)
    assert time.monotonic() - began < 3
    fill(servers.rds80, 3)
    assert hook.wait_for(missing, 0)
    assert hook.wait_for(missing, 1)


def test_calls_use_tls_unless_the_connection_says_otherwise(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    import json
    import os

    cipher = "SHOW SESSION STATUS LIKE 'Ssl_cipher'"
    assert servers.rds80.hook.rows(cipher)[0]["Value"]
    name = f"AIRFLOW_CONN_{ADMIN_CONNECTION.upper()}"
    # Warms the server's cache of caching_sha2_password, without which a login in the clear is refused.
    plain = {**json.loads(os.environ[name]), "extra": {"ssl_mode": "DISABLED"}}
    monkeypatch.setenv(name, json.dumps(plain))
    assert not servers.rds80.hook.rows(cipher)[0]["Value"]


def test_errors_say_who_has_to_act(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    hook = servers.rds80.hook
    with pytest.raises(Refused, match="SUPER is not granted on RDS") as caught:
        hook.execute("SET GLOBAL read_only = 1")
    assert caught.value.code == 1227
    with pytest.raises(Refused, match="1305"):
        hook.call("rds_no_such")
    with pytest.raises(ServerError, match="1064") as syntax:
        hook.rows("NONSENSE")
    assert not isinstance(syntax.value, NeedsPerson)
    with pytest.raises(Unreachable, match=r"2003|2002"):
        RdsMySqlHook(ADMIN_CONNECTION, host="127.0.0.1", port=1).rows("SELECT 1")
    monkeypatch.setenv(f"AIRFLOW_CONN_{ADMIN_CONNECTION.upper()}", "mysql://admin:wrong@127.0.0.1")
    with pytest.raises(Refused, match="1045"):
        servers.rds80.hook.rows("SELECT 1")


def test_calls_within_a_connection_share_it_and_an_ended_one_is_told(servers: Servers) -> None:
    hook = servers.rds80.hook
    with hook.connection():
        first = hook.value("SELECT CONNECTION_ID()")
        assert hook.value("SELECT CONNECTION_ID()") == first
        servers.rds80.root(f"KILL {first}")
        with pytest.raises(Unreachable):
            hook.value("SELECT 1")
    assert hook.value("SELECT CONNECTION_ID()") != first


def test_results_of_procedures_are_drained(servers: Servers) -> None:
    hook = servers.rds80.hook
    servers.rds80.quietly("DROP PROCEDURE IF EXISTS mysql.rds_talks")
    servers.rds80.quietly("CREATE PROCEDURE mysql.rds_talks() BEGIN SELECT 'a'; SELECT 1, 2; SELECT 'c'; END")
    try:
        with hook.connection():
            assert hook.call("rds_talks") == ["a", "1, 2", "c"]
            assert hook.rows("CALL mysql.rds_talks()") == [{"a": "a"}]
            assert hook.value("SELECT 5") == 5
    finally:
        servers.rds80.quietly("DROP PROCEDURE mysql.rds_talks")
