"""Further runs of the runbooks: rows changed behind replication's back, unknown purged transactions, no gap at all."""

from __future__ import annotations

import re

import pytest

from livemove.migration import rejoin
from livemove.migration.settings import Role
from livemove.mysql import gtid_ledger
from livemove.runbook.errors import NeedsPerson
from tests.fixtures.switches import MigrationCase
from tests.rehearsals.migration.gaps import caught_up, gap
from tests.rehearsals.migration.runs import run


def test_a_row_that_was_changed_behind_replications_back_stops_it(migration: MigrationCase) -> None:
    # On the target, which the application does not write to yet: an errant transaction.
    migration.rds.server("shop-aurora").execute(
        "SET GLOBAL super_read_only = OFF", "UPDATE shop.customers SET name = 'changed' ORDER BY id LIMIT 1"
    )
    finished = run("migration_cutover")
    assert finished.state == "failed"
    assert finished.tasks["check"] == "failed"
    problem = finished.value("check", "problem")
    assert re.search(r"transactions of the followers: .*target shop-aurora: 1 write \(\S+\): shop\.customers", problem)
    assert migration.servers.serving() is Role.SOURCE


def test_purged_transactions_that_nobody_has_classified_are_refused_and_shown(migration: MigrationCase) -> None:
    load = migration.load(rate=50)
    load.await_writes(50)
    migration.cutover().run()
    gap(migration, ledger=False)

    # Whatever else the evidence says of it: the application is moved, as when Aurora has failed.
    migration.fall_back().run()
    found = rejoin.find(migration.servers)
    assert [each.kind for each in found.refused] == [gtid_ledger.UNCLASSIFIED]
    with pytest.raises(NeedsPerson, match="unclassified"):
        rejoin.Rejoin(migration.servers).run(signed=str(found.gtids))

    assert migration.servers.hook(Role.TARGET).status() is None
    load.await_writes(50, server=migration.address(Role.FALLBACK))
    migration.assert_nothing_lost(load, Role.FALLBACK)


def test_without_a_gap_nothing_is_signed_and_changes_flow_on(migration: MigrationCase) -> None:
    load = migration.load()
    load.await_writes(200)
    migration.cutover().run()
    load.await_writes(300, server=migration.address(Role.TARGET))

    finished = run("migration_fall_back")

    assert finished.state == "success", finished.tasks
    assert finished.value("triage", "done") == "0 purged transactions have to be skipped"
    load.await_writes(300, server=migration.address(Role.FALLBACK))
    migration.assert_nothing_lost(load, Role.FALLBACK)
    count = "SELECT COUNT(*) FROM shop.load_writes"
    caught_up(migration, Role.CDC)
    assert migration.servers.hook(Role.CDC).value(count) == migration.servers.hook(Role.FALLBACK).value(count)
