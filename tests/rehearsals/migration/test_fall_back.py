"""The DAG `migration_fall_back` under load, past the gap of GTIDs that RDS's own heartbeats leave."""

from __future__ import annotations

from livemove.migration.settings import Role
from tests.fixtures.switches import MigrationCase
from tests.rehearsals.migration.gaps import caught_up, gap
from tests.rehearsals.migration.runs import run


def test_what_was_written_on_aurora_is_on_the_fallback_and_changes_flow_on_past_a_signed_gap(
    migration: MigrationCase,
) -> None:
    load = migration.load(rate=50)
    load.await_writes(50)
    migration.cutover().run()
    load.await_writes(50, server=migration.address(Role.TARGET))
    gap(migration, ledger=True)

    finished = run("migration_fall_back")

    assert finished.state == "success", finished.tasks
    listed = finished.value("triage")
    assert "heartbeat" in listed["text"]
    assert "shop-fallback" in listed["text"]
    assert finished.tasks["sign"] == "success"
    load.await_writes(50, server=migration.address(Role.FALLBACK))
    migration.assert_nothing_lost(load, Role.FALLBACK)
    count = "SELECT COUNT(*) FROM shop.load_writes"
    for role in (Role.TARGET, Role.CDC):
        caught_up(migration, role)
        assert migration.servers.hook(role).value(count) == migration.servers.hook(Role.FALLBACK).value(count)
