"""A gap of GTIDs that RDS's own heartbeats leave on the fallback."""

from __future__ import annotations

from livemove.migration.settings import Role
from livemove.mysql import gtid_ledger
from tests.fixtures.switches import MigrationCase


def caught_up(migration: MigrationCase, role: Role) -> None:
    """Wait until a server has all that the fallback has."""
    wanted = migration.servers.hook(Role.FALLBACK).executed()
    hook = migration.servers.hook(role)
    assert hook.wait_for(wanted, 30), f"{hook.name} lacks {wanted - hook.executed()}"


def gap(migration: MigrationCase, *, ledger: bool) -> None:
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
