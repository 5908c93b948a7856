"""The DAG `migration_cutover` under load."""

from __future__ import annotations

from livemove.migration.settings import Role
from tests.fixtures.switches import MigrationCase
from tests.rehearsals.migration.runs import run


def test_a_plan_changes_nothing_and_a_run_takes_the_application_to_aurora_and_says_how_long_writes_stood(
    migration: MigrationCase,
) -> None:
    load = migration.load()
    load.await_writes(300)

    planned = run("migration_cutover", plan_only=True)

    assert planned.state == "success"
    assert planned.tasks["cut_over"] == "skipped"
    assert "rds:PromoteReadReplicaDBCluster" in planned.value("check", "plan")
    assert migration.servers.serving() is Role.SOURCE
    assert migration.opening(Role.SOURCE) == (["app", "batch"], ["forget_audit", "sum_up_sales"])

    finished = run("migration_cutover")

    assert finished.state == "success", finished.tasks
    assert "writes were stopped for" in finished.value("report")
    load.await_writes(300, server=migration.address(Role.TARGET))
    migration.assert_nothing_lost(load, Role.TARGET)
