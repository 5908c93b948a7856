"""Watching finds what would close the way back, and keeps the ledger that a fall back needs."""

from __future__ import annotations

from livemove.migration import watch
from livemove.migration.settings import Role
from livemove.mysql import gtid_ledger, replicate
from livemove.runbook.evidence import Check
from tests.fixtures.switches import MigrationCase


def looked(migration: MigrationCase) -> dict[str, Check]:
    """What is not good, by name."""
    return {check.name: check for check in watch.watch(migration.servers).checks if check.result != "ok"}


def test_a_chain_that_works_is_good_and_its_heartbeats_are_known_after_they_are_purged(
    migration: MigrationCase,
) -> None:
    assert watch.is_watched(migration.servers)
    migration.rds.control.heartbeat("shop-fallback", 3)
    assert looked(migration) == {}
    migration.rds.control.purge("shop-fallback")
    assert looked(migration) == {}
    servers = migration.servers
    uuid = servers.hook(Role.FALLBACK).server_uuid()
    assert servers.hook(Role.CDC).wait_for(servers.hook(Role.SOURCE).executed(), 10)
    for role in (Role.SOURCE, Role.TARGET, Role.CDC):
        known = gtid_ledger.read(servers.hook(role), uuid)
        assert [(each.kind, each.gtids.size) for each in known] == [("heartbeat", 3)], role
    migration.cutover().run()
    assert watch.is_watched(migration.servers)
    assert looked(migration) == {}


def test_what_would_close_the_way_back_is_an_alarm(migration: MigrationCase) -> None:
    cdc = migration.servers.hook(Role.CDC)

    replicate.set_configuration(migration.servers.hook(Role.TARGET), "binlog retention hours", 24)
    short = looked(migration)
    assert [(each.name, each.result) for each in short.values()] == [("retention", "stop")]
    figures = short["retention"].figures
    assert "target shop-aurora keeps binary logs for 24 hours; the window is 72 h" in figures

    cdc.execute("UPDATE shop.customers SET name = 'changed' ORDER BY id LIMIT 1")
    replicate.stop(cdc)
    found = looked(migration)
    written = found["transactions of the followers"]
    assert written.result == "stop"
    assert "cdc shop-cdc: 1 write" in written.figures
    assert "shop.customers" in written.figures
    assert found["replication of cdc shop-cdc"].result == "stop"
    assert "cdc shop-cdc is" in found["heartbeat lag"].figures
    assert "fallback shop-fallback is" in found["heartbeat lag"].figures
