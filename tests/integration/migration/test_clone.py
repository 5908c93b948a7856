"""A clone replicates from the place at which it was made, while its source is written to."""

from __future__ import annotations

import pytest

from livemove.migration import clone
from livemove.migration.settings import Role
from livemove.migration.steps import complete
from livemove.mysql import replicate
from livemove.runbook.errors import NeedsPerson
from rehearsal.paths import REPOSITORY
from tests.fixtures.migration import calls
from tests.fixtures.switches import MigrationCase


@pytest.fixture
def servers(migration: MigrationCase) -> clone.CloneServers:
    """The clone of the cluster that serves after a cutover; `shop-clone` does not exist."""
    folder = migration.include / "clones"
    folder.mkdir()
    shipped = REPOSITORY / "include" / "clones" / "example.yaml"
    (folder / "example.yaml").write_text(shipped.read_text(encoding="utf-8"), encoding="utf-8")
    migration.cutover().run()
    return clone.CloneServers.named("example")


def take(servers: clone.CloneServers, *names: str) -> None:
    for name in names or tuple(clone.all_steps()):
        complete([clone.all_steps()[name](servers)], timeout_seconds=60, poll_seconds=0.05)


def test_what_was_written_while_the_clone_was_made_is_on_it_once_and_a_second_run_goes_on(
    servers: clone.CloneServers, migration: MigrationCase
) -> None:
    load = migration.load(rate=100)
    load.await_writes(50)
    take(servers)
    load.await_writes(50)
    # Replication has gone on from the clone's place, so a second run must not begin there again.
    replicate.stop(servers.hook(clone.CLONE))
    load.await_writes(50)
    load.stop()
    take(servers)
    sums = "SELECT COUNT(*), BIT_XOR(CRC32(CONCAT_WS('#', id))) AS s FROM shop.load_writes"
    assert servers.hook(clone.CLONE).rows(sums) == servers.hook(Role.SOURCE).rows(sums)
    status = servers.hook(clone.CLONE).status()
    assert status is not None
    assert not status.auto_position
    assert status.ssl


def test_a_source_without_a_binary_log_is_given_one_and_a_clone_whose_log_is_purged_is_refused(
    servers: clone.CloneServers, migration: MigrationCase
) -> None:
    rds = migration.rds.client()
    values = {"aurora_enhanced_binlog": "0", "binlog_format": "OFF", "gtid-mode": "OFF_PERMISSIVE"}
    off = [
        {"ParameterName": name, "ParameterValue": value, "ApplyMethod": "pending-reboot"}
        for name, value in values.items()
    ]
    rds.modify_db_cluster_parameter_group(DBClusterParameterGroupName="shop-aurora", Parameters=off)
    rds.reboot_db_instance(DBInstanceIdentifier="shop-aurora-1")
    migration.rds.control.wait()
    assert "rds:RebootDBInstance" in clone.render(servers)
    before = reboots(migration)
    take(servers, "binlog")
    assert "is on, with binlog_format=ROW" in clone.render(servers)
    take(servers, "binlog", "source", "clone")
    assert reboots(migration) == before + 1
    migration.rds.control.purge("shop-aurora")
    with pytest.raises(NeedsPerson, match="has no binary log"):
        take(servers, "replicate")
    assert servers.hook(clone.CLONE).status() is None


def reboots(migration: MigrationCase) -> int:
    return sum(call.get("operation") == "RebootDBInstance" for call in calls(migration.rds))
