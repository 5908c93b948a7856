"""A server's own GTIDs are classified from its binary logs, and explained after the purge."""

from __future__ import annotations

import pytest

from livemove.mysql import gtid_ledger, heartbeat, replicate
from livemove.mysql.gtid import GtidSet
from tests.fixtures.mysql_servers import Node, Servers

pytestmark = pytest.mark.every_mysql
# RDS writes it as a statement, under row-based logging too.
RDS_HEARTBEAT = (
    "SET SESSION binlog_format = STATEMENT",
    "INSERT INTO mysql.rds_heartbeat2(id, value) values (1,1704034800000) ON DUPLICATE KEY UPDATE value = 1704034800000",
)


def kinds(entries: list[gtid_ledger.Entry]) -> list[tuple[str, str, int]]:
    return [(each.kind, each.detail, each.gtids.size) for each in entries]


def beat_as_rds(node: Node, times: int = 1) -> None:
    for _ in range(times):
        node.root(*RDS_HEARTBEAT)


def purge(node: Node) -> None:
    node.root("FLUSH BINARY LOGS")
    node.root(f"PURGE BINARY LOGS TO '{node.server.rows('SHOW BINARY LOGS')[-1]['Log_name']}'")


def test_own_gtids_are_classified_and_those_of_sources_left_out(servers: Servers) -> None:
    servers.follow(servers.rds84, servers.rds80)
    servers.rds80.root(
        "CREATE DATABASE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY)", "INSERT INTO shop.t VALUES (1)"
    )
    servers.caught_up(servers.rds84, servers.rds80)
    node = servers.rds84
    beat_as_rds(node, 3)
    node.root("FLUSH BINARY LOGS")
    beat_as_rds(node)
    node.root(
        "INSERT INTO shop.t VALUES (2)", "CREATE USER x@'%' IDENTIFIED BY 'hidden'", "SET SESSION binlog_format = ROW"
    )
    heartbeat.install(node.hook)
    heartbeat.beat(node.hook, "m")
    replicate.skip_gtid(node.hook, f"{node.hook.server_uuid()}:9999")
    found = gtid_ledger.scan(node.hook)
    assert kinds(found) == [
        ("heartbeat", "", 4),
        ("write", "shop.t", 1),
        ("account", "CREATE USER", 1),
        ("ours", "CREATE DATABASE", 1),
        ("ours", "CREATE TABLE", 1),
        ("ours", "livemove.migration_heartbeat", 1),
    ]
    uuid = node.hook.server_uuid()
    assert {each.gtids.uuid for each in found} == {uuid}
    assert gtid_ledger.scan(node.hook, GtidSet.of(each.gtids for each in found)) == []


def test_the_ledger_explains_what_was_purged_and_admits_what_it_never_saw(servers: Servers) -> None:
    serving, fallback = servers.rds80, servers.rds84
    servers.follow(fallback, serving)
    beat_as_rds(fallback, 2)
    assert kinds(gtid_ledger.update(serving.hook, fallback.hook)) == [("heartbeat", "", 2)]
    assert gtid_ledger.update(serving.hook, fallback.hook) == []
    beat_as_rds(fallback, 3)
    gtid_ledger.update(serving.hook, fallback.hook)
    # One row goes on growing.
    uuid = fallback.hook.server_uuid()
    assert [str(each.gtids) for each in gtid_ledger.read(serving.hook, uuid)] == [f"{uuid}:1-5"]
    purge(fallback)
    beat_as_rds(fallback)
    purge(fallback)
    fallback.root("CREATE DATABASE other")
    gtid_ledger.update(serving.hook, fallback.hook)
    servers.caught_up(fallback, serving)
    # It has come down the chain.
    entries = gtid_ledger.read(fallback.hook, uuid)
    parts = gtid_ledger.explain(entries, fallback.hook.executed().only(uuid))
    assert {kind: str(gtids) for kind, gtids in parts.items()} == {
        "heartbeat": f"{uuid}:1-5",
        "unclassified": f"{uuid}:6",
        "write": f"{uuid}:7",
    }


def test_a_log_is_read_in_batches(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gtid_ledger, "BATCH_EVENTS", 7)
    node = servers.rds80
    beat_as_rds(node, 5)
    node.root("CREATE DATABASE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY)")
    node.root(*["INSERT INTO shop.t VALUES (1), (2)", "DELETE FROM shop.t"] * 5)
    assert kinds(gtid_ledger.scan(node.hook)) == [
        ("heartbeat", "", 5), ("write", "CREATE DATABASE", 1), ("write", "CREATE TABLE", 1), ("write", "shop.t", 10),
    ]  # fmt: skip


def test_compressed_transactions_are_never_taken_for_harmless(servers: Servers) -> None:
    node = servers.rds80
    node.root("CREATE DATABASE shop", "CREATE TABLE shop.t (id INT PRIMARY KEY)")
    node.root("SET SESSION binlog_transaction_compression = ON", "INSERT INTO shop.t VALUES (1)")
    assert {each.kind for each in gtid_ledger.scan(node.hook)} == {"write"}


def test_a_ledger_that_is_not_there_is_empty(servers: Servers) -> None:
    assert gtid_ledger.read(servers.rds80.hook) == []
    assert gtid_ledger.scan(servers.rds80.hook) == []
