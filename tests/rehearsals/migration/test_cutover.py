"""The DAG `migration_cutover` under load."""

from __future__ import annotations

from livemove.migration.settings import Role
from tests.fixtures.switches import MigrationCase
from tests.rehearsals.migration.runs import run


def test_plan_only_measures_and_prints_and_changes_nothing(migration: MigrationCase) -> None:
    finished = run("migration_cutover", plan_only=True)
    assert finished.state == "success"
    assert finished.tasks["cut_over"] == "skipped"
    assert "rds:PromoteReadReplicaDBCluster" in finished.value("check", "plan")
    assert migration.servers.serving() is Role.SOURCE
    assert migration.opening(Role.SOURCE) == (["app", "batch"], ["forget_audit", "sum_up_sales"])


def test_the_application_ends_up_on_aurora_and_the_report_says_how_long_writes_were_stopped(
    migration: MigrationCase,
) -> None:
    load = migration.load()
    load.await_writes(300)
    finished = run("migration_cutover")
    assert finished.state == "success", finished.tasks
    assert "writes were stopped for" in finished.value("report")
    load.await_writes(300, server=migration.address(Role.TARGET))
    migration.assert_nothing_lost(load, Role.TARGET)


def test_a_row_that_was_changed_behind_replications_back_stops_it(migration: MigrationCase) -> None:
    # On the target, which the application does not write to yet: an errant transaction.
    migration.rds.server("shop-aurora").execute(
        "SET GLOBAL super_read_only = OFF", "UPDATE shop.customers SET name = 'changed' ORDER BY id LIMIT 1"
    )
    finished = run("migration_cutover")
    assert finished.state == "failed"
    assert finished.tasks["check"] == "failed"
    assert "errant" in finished.value("check", "problem") or "shop.customers" in finished.value("check", "problem")
    assert migration.servers.serving() is Role.SOURCE
