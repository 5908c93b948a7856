"""Watching finds what would close the way back, and keeps the ledger that a fall back needs."""

from __future__ import annotations

from livemove.migration import watch
from livemove.migration.evidence import Check
from livemove.migration.settings import Role
from livemove.mysql import gtid_ledger, replicate
from tests.fixtures.switches import MigrationCase


def looked(migration: MigrationCase) -> dict[str, Check]:
    """What is not good, by name."""
    return {check.name: check for check in watch.watch(migration.servers).checks if check.result != "ok"}


def test_a_chain_that_works_is_good_and_so_it_is_after_the_cutover(migration: MigrationCase) -> None:
    assert watch.is_watched(migration.servers)
    assert looked(migration) == {}
    migration.cutover().run()
    assert watch.is_watched(migration.servers)
    assert looked(migration) == {}


def test_heartbeats_of_the_fallback_are_in_the_ledger_of_all_servers_before_they_are_purged(
    migration: MigrationCase,
) -> None:
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


def test_a_write_behind_replications_back_is_an_alarm(migration: MigrationCase) -> None:
    migration.servers.hook(Role.CDC).execute("DELETE FROM shop.customers ORDER BY id DESC LIMIT 1")
    found = looked(migration)["transactions of the followers"]
    assert found.result == "stop"
    assert "cdc shop-cdc: 1 write" in found.figures
    assert "shop.customers" in found.figures


def test_a_chain_that_is_cut_is_an_alarm_that_names_the_place(migration: MigrationCase) -> None:
    replicate.stop(migration.servers.hook(Role.CDC))
    found = looked(migration)
    assert found["replication of cdc shop-cdc"].result == "stop"
    assert "cdc shop-cdc is" in found["heartbeat lag"].figures
    assert "fallback shop-fallback is" in found["heartbeat lag"].figures


def test_a_retention_that_somebody_has_shortened_is_an_alarm(migration: MigrationCase) -> None:
    replicate.set_configuration(migration.servers.hook(Role.TARGET), "binlog retention hours", 24)
    found = looked(migration)["retention"]
    assert found.result == "stop"
    assert "target shop-aurora keeps binary logs for 24 hours; the window is 72 h" in found.figures
