"""The DAGs `migration_watch` and `migration_finish`, while the application writes."""

from __future__ import annotations

import pytest

from livemove.migration import finish
from livemove.migration.settings import Role
from tests.fixtures.switches import MigrationCase
from tests.rehearsals.migration.runs import run


def test_prepared_watched_cut_over_and_finished_while_the_application_writes(
    migration: MigrationCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finish, "OBSERVE_SECONDS", 1)
    load = migration.load()
    load.await_writes(100)
    assert run("migration_watch", migration=None).state == "success"
    migration.cutover().run()
    load.await_writes(100, server=migration.address(Role.TARGET))
    assert run("migration_watch", migration=None).state == "success"

    planned = run("migration_finish", approved="", plan_only=True)
    assert planned.state == "success"
    assert planned.tasks["approve"] == planned.tasks["retire_source"] == "skipped"
    plan = planned.value("check", "plan")
    assert plan.count("rds:DeleteDBInstance") == 2
    assert "Kept: target shop-aurora, cdc shop-cdc." in plan
    assert all(migration.servers.describe(role) is not None for role in Role)

    finished = run("migration_finish")
    assert finished.state == "success", finished.tasks
    load.await_writes(100)
    migration.assert_nothing_lost(load, Role.TARGET)
    servers = migration.servers
    assert [role for role in Role if servers.describe(role) is not None] == [Role.TARGET, Role.CDC]
    assert run("migration_watch", migration=None).tasks["watch"] == "skipped"
