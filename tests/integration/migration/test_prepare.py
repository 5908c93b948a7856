"""Prepare builds the chain on real chain, adopts what is there, and refuses what could not work."""

from __future__ import annotations

import pytest

from livemove.migration import account_copies, state
from livemove.migration import prepare as prepare_runbook
from livemove.migration.preflight import evidence
from livemove.migration.settings import Role
from livemove.migration.steps import Step, complete
from livemove.migration.topology import Servers
from livemove.mysql import heartbeat, replicate
from livemove.runbook.errors import NeedsPerson
from rehearsal.rds.service import Rds
from tests.fixtures.migration import Prepare, calls


def test_the_chain_is_built_and_the_evidence_for_a_cutover_is_good(prepared: Servers) -> None:
    number = heartbeat.beat(prepared.hook(Role.SOURCE), "example")
    for role in (Role.TARGET, Role.CDC, Role.FALLBACK):
        hook = prepared.hook(role)
        assert heartbeat.wait_seen(hook, "example", number, 10)
        assert hook.read_only()
        assert hook.value("SELECT @@GLOBAL.event_scheduler") == "OFF"
        assert replicate.configuration(hook)["binlog retention hours"] == "168"
    fallback = prepared.describe(Role.FALLBACK)
    assert fallback is not None
    assert fallback["MultiAZ"] is False
    entry = state.last(prepared.hook(Role.FALLBACK), "example", "prepared")
    assert entry is not None
    assert entry.detail["window_ends"] > entry.detail["fallback_made"]
    found = evidence(prepared, prepared.settings, "cutover")
    assert found.stops == (), found.markdown()


def test_what_is_there_is_adopted_and_nothing_is_made_twice(
    prepared: Servers, prepare: Prepare, rds_seeded: Rds
) -> None:
    before = calls(rds_seeded)
    executed = prepared.hook(Role.FALLBACK).executed()
    prepare()
    assert calls(rds_seeded) == before
    # Heartbeats of the source are all that a second run writes.
    uuid = prepared.hook(Role.SOURCE).server_uuid()
    assert prepared.hook(Role.FALLBACK).executed().without(uuid) == executed.without(uuid)


def test_events_of_the_snapshot_never_run_on_the_fallback(chain: Servers, prepare: Prepare) -> None:
    source = chain.hook(Role.SOURCE)
    source.execute("CREATE TABLE shop.ticks (server VARCHAR(36) NOT NULL, at DATETIME(6) NOT NULL, KEY (server))")
    source.execute(
        "CREATE EVENT shop.tick ON SCHEDULE EVERY 1 SECOND DO INSERT INTO shop.ticks VALUES (@@server_uuid, NOW(6))"
    )
    prepare()
    for role in (Role.TARGET, Role.CDC, Role.FALLBACK):
        assert chain.hook(role).value("SELECT COUNT(DISTINCT server) FROM shop.ticks") == 1, role
        assert not chain.hook(role).executed().only(chain.hook(role).server_uuid()), role


def test_accounts_that_aurora_discards_are_carried_over_with_hash_and_grants(chain: Servers, prepare: Prepare) -> None:
    prepare("cdc.rest")
    source = chain.hook(Role.SOURCE)
    source.execute("CREATE USER 'it''s'@'%' IDENTIFIED BY 'a''\"\\\\%s' REQUIRE SSL")
    source.execute("GRANT SELECT, INSERT (id) ON shop.customers TO 'it''s'@'%' WITH GRANT OPTION")
    source.execute("ALTER USER app@'%' IDENTIFIED BY 'another'")
    assert {each.account for each in account_copies.unlike(source, chain.hook(Role.TARGET))} == {
        "'it's'@'%'",
        "'app'@'%'",
    }
    prepare("target.settle")
    assert account_copies.unlike(source, chain.hook(Role.TARGET)) == []
    prepare(after="cdc.rest")
    assert account_copies.unlike(source, chain.hook(Role.FALLBACK)) == []


def test_accounts_come_to_a_fallback_that_is_read_only_already(prepared: Servers, prepare: Prepare) -> None:
    source, fallback = prepared.hook(Role.SOURCE), prepared.hook(Role.FALLBACK)
    source.execute("CREATE USER late@'%' IDENTIFIED BY 'late'")
    prepare()
    assert account_copies.unlike(source, fallback) == []
    assert fallback.read_only()


def test_own_transactions_of_the_target_before_the_snapshot_do_not_stop_the_fallback(
    chain: Servers, prepare: Prepare
) -> None:
    """They are purged on 3 from the start, so 4 would ask for them in vain."""
    prepare("target.restart")
    chain.hook(Role.TARGET).execute("CREATE USER own@'%' IDENTIFIED BY 'own'")
    own = chain.hook(Role.TARGET).executed().only(chain.hook(Role.TARGET).server_uuid())
    assert own
    prepare(after="target.restart")
    assert own <= chain.hook(Role.FALLBACK).executed()
    status = chain.hook(Role.FALLBACK).status()
    assert status is not None
    assert status.running


def test_a_snapshot_that_is_too_old_is_refused(chain: Servers, prepare: Prepare, rds_seeded: Rds) -> None:
    prepare("fallback.settle")
    source = chain.hook(Role.SOURCE)
    source.execute("UPDATE shop.customers SET id = id LIMIT 1")
    number = heartbeat.beat(source, "example")
    assert heartbeat.wait_seen(chain.hook(Role.CDC), "example", number, 10)
    rds_seeded.control.purge("shop-cdc")
    with pytest.raises(NeedsPerson, match=r"fallback shop-fallback lacks .* that cdc shop-cdc has purged.*too old"):
        prepare("fallback.replicate", after="fallback.settle")
    assert chain.hook(Role.FALLBACK).status() is None


def test_a_replica_of_another_server_is_left_alone(chain: Servers, prepare: Prepare) -> None:
    prepare("fallback.replicate")
    fallback = chain.hook(Role.FALLBACK)
    replicate.stop(fallback)
    replicate.reset(fallback)
    host, port = chain.endpoint(Role.TARGET)
    replicate.set_source(fallback, host=host, port=port, replication=replicate.Credentials.of("mysql_replication"))
    with pytest.raises(NeedsPerson, match=r"fallback shop-fallback replicates from .*, and should replicate from cdc"):
        complete([prepare_step(chain, "fallback.replicate")])


def prepare_step(chain: Servers, name: str) -> Step:
    return prepare_runbook.steps()[name](chain)


def test_a_source_that_cannot_be_replicated_from_is_refused_before_anything_is_made(
    chain: Servers, rds_seeded: Rds
) -> None:
    rds_seeded.client().modify_db_instance(DBInstanceIdentifier="shop", BackupRetentionPeriod=0, ApplyImmediately=True)
    found = {check.name: check.result for check in prepare_runbook.check(chain, measure_seconds=0.1).checks}
    assert found["automated backups"] == "stop"


def test_the_collation_trap_of_old_instances_is_named_before_anything_is_made(chain: Servers, rds_seeded: Rds) -> None:
    rds_seeded.control.collation_trap("shop")
    with pytest.raises(NeedsPerson, match=r"1267.*AWS Support"):
        prepare_runbook.check(chain, measure_seconds=0.1)


def test_a_migration_that_is_over_is_not_prepared_again(chain: Servers, prepare: Prepare) -> None:
    prepare("source")
    state.record(chain.hook(Role.SOURCE), "example", "cut_over")
    with pytest.raises(NeedsPerson, match="example is cut over: there is nothing to prepare"):
        prepare_runbook.check(chain, measure_seconds=0.1)
