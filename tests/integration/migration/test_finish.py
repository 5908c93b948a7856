"""Finish retires what no longer serves, and nothing that shows any sign of use."""

from __future__ import annotations

import pytest

from livemove.migration import finish, state
from livemove.migration.endpoint import Address, mover_of
from livemove.migration.settings import Role
from livemove.migration.steps import complete
from livemove.mysql import replicate
from livemove.runbook.errors import NeedsPerson
from tests.fixtures.migration import calls
from tests.fixtures.switches import MigrationCase


@pytest.fixture(autouse=True)
def _watched_briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finish, "OBSERVE_SECONDS", 0.5)


def outcomes(migration: MigrationCase) -> dict[str, str]:
    """Results of the checks that are not good, by name."""
    evidence = finish.check(migration.servers, migration.servers.outcome())
    return {check.name: check.result for check in evidence.checks if check.result != "ok"}


def retire(migration: MigrationCase, *, lift_protection: bool = False) -> None:
    for make in finish.steps(lift_protection=lift_protection).values():
        complete([make(migration.servers)], timeout_seconds=60, poll_seconds=0.05)


def there(migration: MigrationCase) -> list[Role]:
    """Roles whose server exists."""
    return [role for role in Role if migration.servers.describe(role) is not None]


def test_after_a_cutover_source_and_fallback_go_and_leave_final_snapshots(migration: MigrationCase) -> None:
    with pytest.raises(NeedsPerson, match="the source serves, and nothing may be retired"):
        finish.check(migration.servers, migration.servers.outcome())
    with pytest.raises(NeedsPerson, match="nothing may be retired"):
        retire(migration)
    migration.cutover().run()
    assert outcomes(migration) == {}
    rds = migration.rds.client()
    rds.modify_db_instance(DBInstanceIdentifier="shop", DeletionProtection=True, ApplyImmediately=True)
    migration.rds.control.wait()
    with pytest.raises(NeedsPerson, match="protected from deletion"):
        retire(migration)
    assert there(migration) == list(Role)

    retire(migration, lift_protection=True)

    assert there(migration) == [Role.TARGET, Role.CDC]
    snapshots = rds.describe_db_snapshots()["DBSnapshots"]
    final = [each["DBInstanceIdentifier"] for each in snapshots if "-final-" in each["DBSnapshotIdentifier"]]
    assert sorted(final) == ["shop", "shop-fallback"]
    assert state.outcome(migration.servers.hook(Role.TARGET), "example") == "finished"
    before = calls(migration.rds)
    retire(migration)
    assert calls(migration.rds) == before
    assert migration.servers.serving() is Role.TARGET


def test_after_a_fall_back_only_the_source_goes(migration: MigrationCase) -> None:
    migration.cutover().run()
    migration.fall_back().run()
    migration.rds.control.heartbeat("shop-fallback", 2)
    retire(migration)
    assert there(migration) == [Role.TARGET, Role.CDC, Role.FALLBACK]
    assert migration.servers.serving() is Role.FALLBACK


def test_every_sign_of_use_keeps_a_server_and_heartbeats_of_rds_are_none(migration: MigrationCase) -> None:
    migration.cutover().run()
    servers, control = migration.servers, migration.rds.control
    control.heartbeat("shop", 3)
    control.heartbeat("shop-fallback", 3)
    assert outcomes(migration) == {}

    mover = mover_of(servers.settings)
    mover.move(Address(*servers.endpoint(Role.SOURCE)))
    expected = {"source shop: endpoint": "stop"}
    assert outcomes(migration) == expected

    # A write, and what nobody can explain any more.
    servers.hook(Role.SOURCE).execute("UPDATE shop.customers SET name = 'late' ORDER BY id LIMIT 1")
    expected["source shop: transactions of its own"] = "stop"
    assert outcomes(migration) == expected
    control.purge("shop-fallback")
    expected["fallback shop-fallback: transactions of its own"] = "stop"
    assert outcomes(migration) == expected

    cdc = servers.hook(Role.CDC)
    replicate.stop(cdc)
    replicate.reset(cdc)
    host, port = servers.endpoint(Role.FALLBACK)
    replicate.set_source(cdc, host=host, port=port, replication=replicate.Credentials.of("mysql_replication"))
    expected["fallback shop-fallback: replicas"] = "stop"
    assert outcomes(migration) == expected

    mover.move(Address(*servers.endpoint(Role.TARGET)))
    with pytest.raises(NeedsPerson, match=r"(?s)finish of example is refused.*shop\.customers"):
        retire(migration)
    assert there(migration) == list(Role)
