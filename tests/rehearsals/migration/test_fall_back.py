"""The DAG `migration_fall_back` under load, and the gap of GTIDs that RDS's own heartbeats leave."""

from __future__ import annotations

import pytest

from livemove.migration.settings import Role
from livemove.mysql import gtid_ledger
from tests.fixtures.switches import MigrationCase
from tests.rehearsals.migration.runs import run


def test_what_was_written_on_aurora_is_on_the_fallback_and_changes_flow_on(migration: MigrationCase) -> None:
    load = migration.load()
    load.await_writes(200)
    migration.cutover().run()
    load.await_writes(300, server=migration.address(Role.TARGET))

    finished = run("migration_fall_back")

    assert finished.state == "success", finished.tasks
    assert finished.tasks["sign"] in ("skipped", "success")
    load.await_writes(300, server=migration.address(Role.FALLBACK))
    migration.assert_nothing_lost(load, Role.FALLBACK)
    written = len(load.acknowledged)
    count = "SELECT COUNT(*) FROM shop.load_writes"
    assert migration.servers.hook(Role.FALLBACK).executed() <= _caught_up(migration, Role.CDC)
    assert migration.servers.hook(Role.CDC).value(count) == written


def _caught_up(migration: MigrationCase, role: Role) -> gtid_ledger.GtidSet:
    wanted = migration.servers.hook(Role.FALLBACK).executed()
    hook = migration.servers.hook(role)
    assert hook.wait_for(wanted, 30), f"{hook.name} lacks {wanted - hook.executed()}"
    return hook.executed()


def _gap(migration: MigrationCase, *, ledger: bool) -> None:
    """RDS's heartbeats on 4, and the binary logs that held them purged."""
    migration.rds.control.heartbeat("shop-fallback", 3)
    if ledger:
        servers = migration.servers
        gtid_ledger.update(servers.hook(Role.TARGET), servers.hook(Role.FALLBACK))
        _caught_up_with_target(migration)
    migration.rds.control.purge("shop-fallback")


def _caught_up_with_target(migration: MigrationCase) -> None:
    hook = migration.servers.hook(Role.FALLBACK)
    assert hook.wait_for(migration.servers.hook(Role.TARGET).executed(), 30)


@pytest.mark.usefixtures("migration")
def test_purged_heartbeats_are_signed_and_skipped_from_the_far_end(migration: MigrationCase) -> None:
    load = migration.load(rate=50)
    load.await_writes(50)
    migration.cutover().run()
    _gap(migration, ledger=True)

    finished = run("migration_fall_back")

    assert finished.state == "success", finished.tasks
    listed = finished.value("triage")
    assert "heartbeat" in listed["text"]
    assert "shop-fallback" in listed["text"]
    assert finished.tasks["sign"] == "success"
    load.await_writes(50, server=migration.address(Role.FALLBACK))
    migration.assert_nothing_lost(load, Role.FALLBACK)
    for role in (Role.TARGET, Role.CDC):
        _caught_up(migration, role)


def test_purged_transactions_that_nobody_has_classified_are_refused_and_shown(migration: MigrationCase) -> None:
    load = migration.load(rate=50)
    load.await_writes(50)
    migration.cutover().run()
    _gap(migration, ledger=False)

    from livemove.migration import rejoin
    from livemove.runbook.errors import NeedsPerson

    # Whatever else the evidence says of it: the application is moved, as when Aurora has failed.
    migration.fall_back().run()
    found = rejoin.find(migration.servers)
    assert [each.kind for each in found.refused] == [gtid_ledger.UNCLASSIFIED]
    with pytest.raises(NeedsPerson, match="unclassified"):
        rejoin.Rejoin(migration.servers).run(signed=str(found.gtids))

    assert migration.servers.hook(Role.TARGET).status() is None
    load.await_writes(50, server=migration.address(Role.FALLBACK))
    migration.assert_nothing_lost(load, Role.FALLBACK)
