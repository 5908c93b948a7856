"""A clone replicates from the place at which it was made, while its source is written to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from livemove.migration import clone
from livemove.migration.settings import Role
from livemove.migration.steps import complete
from livemove.mysql import replicate
from livemove.runbook.errors import NeedsPerson
from rehearsal.paths import REPOSITORY
from tests.fixtures.switches import MigrationCase


@pytest.fixture
def servers(migration: MigrationCase) -> Iterator[clone.CloneServers]:
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


def test_what_was_written_while_the_clone_was_made_is_on_it_once(
    servers: clone.CloneServers, migration: MigrationCase
) -> None:
    load = migration.load(rate=100)
    load.await_writes(100)
    take(servers)
    load.await_writes(100)
    load.stop()
    take(servers, "caught_up")
    sums = "SELECT COUNT(*), BIT_XOR(CRC32(CONCAT_WS('#', id))) AS s FROM shop.load_writes"
    assert servers.hook(clone.CLONE).rows(sums) == servers.hook(Role.SOURCE).rows(sums)
    status = servers.hook(clone.CLONE).status()
    assert status is not None
    assert not status.auto_position
    assert status.ssl


def test_a_second_run_goes_on_from_where_replication_is(servers: clone.CloneServers) -> None:
    take(servers)
    servers.hook(Role.SOURCE).execute("INSERT INTO shop.customers (name) SELECT name FROM shop.customers LIMIT 5")
    take(servers, "caught_up")
    replicate.stop(servers.hook(clone.CLONE))
    take(servers)
    count = "SELECT COUNT(*) FROM shop.customers"
    assert servers.hook(clone.CLONE).value(count) == servers.hook(Role.SOURCE).value(count)


def test_a_clone_whose_binary_log_is_purged_on_the_source_is_refused(
    servers: clone.CloneServers, migration: MigrationCase
) -> None:
    take(servers, "binlog", "source", "clone")
    migration.rds.control.purge("shop-aurora")
    with pytest.raises(NeedsPerson, match="has no binary log"):
        take(servers, "replicate")
    assert servers.hook(clone.CLONE).status() is None


def test_a_source_without_a_binary_log_is_given_one_and_rebooted_once(
    servers: clone.CloneServers, migration: MigrationCase
) -> None:
    rds = migration.rds.client()
    off = [{"ParameterName": "binlog_format", "ParameterValue": "OFF", "ApplyMethod": "pending-reboot"}]
    off += [{"ParameterName": "gtid-mode", "ParameterValue": "OFF_PERMISSIVE", "ApplyMethod": "pending-reboot"}]
    rds.modify_db_cluster_parameter_group(DBClusterParameterGroupName="shop-aurora", Parameters=off)
    rds.reboot_db_instance(DBInstanceIdentifier="shop-aurora-1")
    migration.rds.control.wait()
    assert "rds:RebootDBInstance" in clone.render(servers)
    take(servers, "binlog")
    assert "is on, with binlog_format=ROW" in clone.render(servers)
    take(servers)
