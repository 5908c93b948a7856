"""Finish retires what no longer serves, and nothing that shows any sign of use."""

from __future__ import annotations

import pytest

from livemove.migration import finish, state
from livemove.migration.settings import Role
from livemove.migration.steps import complete
from livemove.runbook.errors import NeedsPerson
from tests.fixtures.migration import calls
from tests.fixtures.switches import MigrationCase


@pytest.fixture(autouse=True)
def _watched_briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finish, "OBSERVE_SECONDS", 1)


def outcomes(migration: MigrationCase) -> dict[str, str]:
    """Results of the checks, by name."""
    evidence = finish.check(migration.servers, migration.servers.outcome(), observe_seconds=1)
    return {check.name: check.result for check in evidence.checks if check.result != "ok"}


def retire(migration: MigrationCase) -> None:
    for make in finish.steps().values():
        complete([make(migration.servers)], timeout_seconds=60, poll_seconds=0.05)


def test_an_open_migration_is_not_finished(migration: MigrationCase) -> None:
    with pytest.raises(NeedsPerson, match="the source serves, and nothing may be retired"):
        finish.check(migration.servers, migration.servers.outcome())
    with pytest.raises(NeedsPerson, match="nothing may be retired"):
        retire(migration)
    assert migration.servers.describe(Role.SOURCE) is not None


def test_after_a_cutover_source_and_fallback_go_and_leave_final_snapshots(migration: MigrationCase) -> None:
    migration.cutover().run()
    assert outcomes(migration) == {}
    retire(migration)
    servers = migration.servers
    assert [role for role in Role if servers.describe(role) is not None] == [Role.TARGET, Role.CDC]
    snapshots = migration.rds.client().describe_db_snapshots()["DBSnapshots"]
    final = [each["DBInstanceIdentifier"] for each in snapshots if "-final-" in each["DBSnapshotIdentifier"]]
    assert sorted(final) == ["shop", "shop-fallback"]
    assert state.outcome(servers.hook(Role.TARGET), "example") == "finished"
    before = calls(migration.rds)
    retire(migration)
    assert calls(migration.rds) == before
    assert servers.serving() is Role.TARGET


def test_after_a_fall_back_only_the_source_goes(migration: MigrationCase) -> None:
    migration.cutover().run()
    migration.fall_back().run()
    migration.rds.control.heartbeat("shop-fallback", 2)
    retire(migration)
    servers = migration.servers
    assert [role for role in Role if servers.describe(role) is not None] == [Role.TARGET, Role.CDC, Role.FALLBACK]
    assert servers.serving() is Role.FALLBACK


def test_heartbeats_of_rds_are_no_sign_of_use(migration: MigrationCase) -> None:
    migration.cutover().run()
    migration.rds.control.heartbeat("shop", 3)
    migration.rds.control.heartbeat("shop-fallback", 3)
    assert outcomes(migration) == {}


def test_a_write_on_the_source_after_the_cutover_keeps_it(migration: MigrationCase) -> None:
    migration.cutover().run()
    migration.servers.hook(Role.SOURCE).execute("UPDATE shop.customers SET name = 'late' ORDER BY id LIMIT 1")
    assert outcomes(migration) == {"source shop: transactions of its own": "stop"}
    with pytest.raises(NeedsPerson, match=r"finish of example is refused.*shop\.customers"):
        retire(migration)
    assert migration.servers.describe(Role.SOURCE) is not None


def test_a_write_that_nobody_can_explain_any_more_keeps_it(migration: MigrationCase) -> None:
    migration.cutover().run()
    migration.rds.control.heartbeat("shop", 3)
    migration.rds.control.purge("shop")
    assert outcomes(migration) == {"source shop: transactions of its own": "stop"}


def test_an_endpoint_that_leads_to_the_source_keeps_it(migration: MigrationCase) -> None:
    from livemove.migration.endpoint import Address, mover_of

    migration.cutover().run()
    servers = migration.servers
    mover_of(servers.settings).move(Address(*servers.endpoint(Role.SOURCE)))
    assert outcomes(migration) == {"source shop: endpoint": "stop"}


def test_a_replica_of_somebody_keeps_it(migration: MigrationCase) -> None:
    from livemove.mysql import replicate

    migration.cutover().run()
    servers = migration.servers
    cdc = servers.hook(Role.CDC)
    replicate.stop(cdc)
    replicate.reset(cdc)
    host, port = servers.endpoint(Role.FALLBACK)
    replicate.set_source(cdc, host=host, port=port, replication=replicate.Credentials.of("mysql_replication"))
    assert outcomes(migration) == {"fallback shop-fallback: replicas": "stop"}


def test_deletion_protection_is_lifted_only_when_that_is_said(migration: MigrationCase) -> None:
    migration.cutover().run()
    migration.rds.client().modify_db_instance(
        DBInstanceIdentifier="shop", DeletionProtection=True, ApplyImmediately=True
    )
    migration.rds.control.wait()
    with pytest.raises(NeedsPerson, match="protected from deletion"):
        retire(migration)
    lifting = finish.steps(lift_protection=True)["retire_source"](migration.servers)
    complete([lifting], timeout_seconds=60, poll_seconds=0.05)
    assert migration.servers.describe(Role.SOURCE) is None
