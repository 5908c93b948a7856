"""Cutover and fall back move a writing application without losing an acknowledged write, or doubling one."""

from __future__ import annotations

from livemove.migration.settings import Role
from tests.fixtures.switches import MigrationCase


def test_the_application_goes_to_aurora_and_back_and_loses_nothing(migration: MigrationCase) -> None:
    load = migration.load()
    load.await_writes(300)

    cutover = migration.cutover().run()

    assert cutover["outcome"] == "cut_over"
    load.await_writes(300, server=migration.address(Role.TARGET))
    assert migration.opening(Role.SOURCE) == ([], [])
    assert migration.opening(Role.TARGET) == (["app", "batch"], ["forget_audit", "sum_up_sales"])
    assert migration.servers.serving() is Role.TARGET

    back = migration.fall_back().run()

    assert back["outcome"] == "fallen_back"
    load.await_writes(300, server=migration.address(Role.FALLBACK))
    assert migration.opening(Role.TARGET) == ([], [])
    assert migration.opening(Role.FALLBACK) == (["app", "batch"], ["forget_audit", "sum_up_sales"])
    assert migration.servers.serving() is Role.FALLBACK
    migration.assert_nothing_lost(load, Role.FALLBACK)


def test_a_second_cutover_finds_that_it_is_done_and_changes_nothing(migration: MigrationCase) -> None:
    migration.cutover().run()
    before = migration.servers.hook(Role.TARGET).executed()
    again = migration.cutover().run()
    assert (again["outcome"], again["resumed"]) == ("cut_over", True)
    assert migration.servers.hook(Role.TARGET).executed() == before


def test_a_plan_changes_nothing(migration: MigrationCase) -> None:
    source, target = (migration.servers.hook(role) for role in (Role.SOURCE, Role.TARGET))
    before = source.executed(), target.executed()
    plan = "\n".join(migration.cutover().plan())
    assert "ALTER USER 'app'@'%' ACCOUNT LOCK" in plan
    assert "rds:PromoteReadReplicaDBCluster" in plan
    assert (source.executed(), target.executed()) == before
