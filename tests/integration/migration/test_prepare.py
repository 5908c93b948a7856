"""Prepare builds the chain on real servers, adopts what is there, and refuses what could not work."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from livemove.migration import account_copies, errant, state
from livemove.migration import prepare as prepare_runbook
from livemove.migration.preflight import evidence
from livemove.migration.settings import Role
from livemove.migration.steps import complete
from livemove.migration.topology import Servers
from livemove.mysql import heartbeat, replicate
from livemove.mysql.gtid import GtidSet
from livemove.runbook.errors import NeedsPerson
from rehearsal.rds.service import Rds
from rehearsal.stack import Stack
from tests.fixtures.migration import calls, take_steps
from tests.fixtures.rds import QUICK


@pytest.fixture(autouse=True)
def _measured_briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare_runbook, "MEASURE_SECONDS", 0.1)


@dataclass(frozen=True)
class Built:
    """A chain that was built while the source was changed.

    :ivar unlike: accounts that differed between source and target before they were carried over.
    :ivar own: transactions of the target's own, from before its snapshot.
    """

    servers: Servers
    rds: Rds
    unlike: set[str]
    own: GtidSet


@pytest.fixture(scope="module")
def built(_started_rds: Rds, stack: Stack) -> Iterator[Built]:
    """The chain, made once for this module."""
    _started_rds.control.reset()
    _started_rds.control.settings(**QUICK)
    _started_rds.seed()
    with pytest.MonkeyPatch.context() as patched:
        for name, value in stack.connections().items():
            patched.setenv(name, value)
        yield build(Servers.named("example"), _started_rds)
    _started_rds.control.reset()


def build(servers: Servers, rds: Rds) -> Built:
    """Take the steps, and change source and target on the way."""
    source, target = servers.hook(Role.SOURCE), Role.TARGET
    source.execute(
        "CREATE TABLE shop.ticks (server VARCHAR(36) NOT NULL, at DATETIME(6) NOT NULL, PRIMARY KEY (server, at))"
    )
    source.execute(
        "CREATE EVENT shop.tick ON SCHEDULE EVERY 1 SECOND DO INSERT INTO shop.ticks VALUES (@@server_uuid, NOW(6))"
    )
    take_steps(servers, "target.restart")
    servers.hook(target).execute("CREATE USER own@'%' IDENTIFIED BY 'own'")
    own = servers.hook(target).executed().only(servers.hook(target).server_uuid())
    take_steps(servers, "cdc.rest", after="target.restart")
    source.execute("CREATE USER 'it''s'@'%' IDENTIFIED BY 'a''\"\\\\%s' REQUIRE SSL")
    source.execute("GRANT SELECT, INSERT (id) ON shop.customers TO 'it''s'@'%' WITH GRANT OPTION")
    source.execute("ALTER USER app@'%' IDENTIFIED BY 'another'")
    unlike = {each.account for each in account_copies.unlike(source, servers.hook(target))}
    take_steps(servers, "target.settle")
    take_steps(servers, after="cdc.rest")
    return Built(servers, rds, unlike, own)


def test_the_chain_is_built_and_the_evidence_for_a_cutover_is_good(built: Built) -> None:
    servers = built.servers
    number = heartbeat.beat(servers.hook(Role.SOURCE), "example")
    for role in (Role.TARGET, Role.CDC, Role.FALLBACK):
        hook = servers.hook(role)
        assert heartbeat.wait_seen(hook, "example", number, 10)
        assert hook.read_only()
        assert hook.value("SELECT @@GLOBAL.event_scheduler") == "OFF"
        assert replicate.configuration(hook)["binlog retention hours"] == "168"
    fallback = servers.describe(Role.FALLBACK)
    assert fallback is not None
    assert fallback["MultiAZ"] is False
    entry = state.last(servers.hook(Role.FALLBACK), "example", "prepared")
    assert entry is not None
    assert entry.detail["window_ends"] > entry.detail["fallback_made"]
    found = evidence(servers, servers.settings, "cutover")
    assert found.stops == (), found.markdown()


def test_events_of_the_source_never_run_on_another_server(built: Built) -> None:
    source = built.servers.hook(Role.SOURCE)
    for role in (Role.TARGET, Role.CDC, Role.FALLBACK):
        hook = built.servers.hook(role)
        assert hook.value("SELECT COUNT(DISTINCT server) FROM shop.ticks") == 1, role
        own = errant.classify(source, hook, hook.executed().only(hook.server_uuid()))
        assert set(own.parts) <= {"account"}, (role, own.text())


def test_accounts_that_aurora_discards_are_carried_over_with_hash_and_grants(built: Built) -> None:
    assert built.unlike == {"'it's'@'%'", "'app'@'%'"}
    source = built.servers.hook(Role.SOURCE)
    assert account_copies.unlike(source, built.servers.hook(Role.TARGET)) == []
    assert account_copies.unlike(source, built.servers.hook(Role.FALLBACK)) == []


def test_own_transactions_of_the_target_before_the_snapshot_do_not_stop_the_fallback(built: Built) -> None:
    """They are purged on 3 from the start, so 4 would ask for them in vain."""
    assert built.own
    assert built.own <= built.servers.hook(Role.FALLBACK).executed()
    status = built.servers.hook(Role.FALLBACK).status()
    assert status is not None
    assert status.running


def test_what_is_there_is_adopted_and_nothing_is_made_twice(built: Built) -> None:
    source, fallback = built.servers.hook(Role.SOURCE), built.servers.hook(Role.FALLBACK)
    before, executed = calls(built.rds), fallback.executed()
    take_steps(built.servers)
    assert calls(built.rds) == before
    # Heartbeats and events of the source are all that was written meanwhile.
    uuid = source.server_uuid()
    assert fallback.executed().without(uuid) == executed.without(uuid)


def test_accounts_come_to_a_fallback_that_is_read_only_already(built: Built) -> None:
    source, fallback = built.servers.hook(Role.SOURCE), built.servers.hook(Role.FALLBACK)
    source.execute("CREATE USER late@'%' IDENTIFIED BY 'late'")
    take_steps(built.servers)
    assert account_copies.unlike(source, fallback) == []
    assert fallback.read_only()


def test_a_fallback_that_follows_another_server_or_is_too_old_is_left_alone(built: Built) -> None:
    servers = built.servers
    source, cdc, fallback = (servers.hook(role) for role in (Role.SOURCE, Role.CDC, Role.FALLBACK))
    step = prepare_runbook.steps()["fallback.replicate"](servers)
    replicate.stop(fallback)
    replicate.reset(fallback)
    host, port = servers.endpoint(Role.TARGET)
    replicate.set_source(fallback, host=host, port=port, replication=replicate.Credentials.of("mysql_replication"))
    with pytest.raises(NeedsPerson, match=r"fallback shop-fallback replicates from .*, and should replicate from cdc"):
        complete([step])

    replicate.reset(fallback)
    number = heartbeat.beat(source, "example")
    assert heartbeat.wait_seen(cdc, "example", number, 10)
    built.rds.control.purge("shop-cdc")
    with pytest.raises(NeedsPerson, match=r"fallback shop-fallback lacks .* that cdc shop-cdc has purged.*too old"):
        complete([step])
    assert fallback.status() is None


def test_what_could_not_work_is_refused_before_anything_is_made(chain: Servers, rds_seeded: Rds) -> None:
    control = rds_seeded.control
    rds_seeded.client().modify_db_instance(DBInstanceIdentifier="shop", BackupRetentionPeriod=0, ApplyImmediately=True)
    control.wait()
    found = {check.name: check.result for check in prepare_runbook.check(chain).checks}
    assert {name for name, result in found.items() if result == "stop"} >= {"automated backups", "log_bin"}

    rds_seeded.client().modify_db_instance(DBInstanceIdentifier="shop", BackupRetentionPeriod=1, ApplyImmediately=True)
    control.wait()

    control.collation_trap("shop")
    # Procedures that only read work; the first that writes meets it, before any database is made.
    with pytest.raises(NeedsPerson, match=r"1267.*AWS Support"):
        take_steps(chain, "source")
    control.collation_trap("shop", on=False)

    take_steps(chain, "source")
    state.record(chain.hook(Role.SOURCE), "example", "cut_over")
    with pytest.raises(NeedsPerson, match="example is cut over: there is nothing to prepare"):
        prepare_runbook.check(chain)
