"""A server that dies while the fence waits for it, an API that throttles, a write on the fallback that is nobody's."""

from __future__ import annotations

import threading
import time

from livemove.migration.settings import Role
from livemove.migration.switching import Undone
from tests.drills.migration.test_killed_cutover import ALL_OPEN, cut_over
from tests.fixtures.switches import MigrationCase
from tests.rehearsals.migration.runs import run

WITHIN_SECONDS = 30


def test_a_replica_that_is_killed_during_catch_up_comes_back_and_the_cutover_goes_through_or_is_undone(
    migration: MigrationCase,
) -> None:
    load = migration.load()
    load.await_writes(200)

    def kill_when_fenced() -> None:
        migration.await_step(Role.SOURCE, "fence")
        migration.rds.control.kill("shop-cdc")

    killer = threading.Thread(target=kill_when_fenced)
    killer.start()
    try:
        serving = Role.TARGET if cut_over()["outcome"] == "cut_over" else Role.SOURCE
    except Undone:
        serving = Role.SOURCE
    killer.join()

    assert load.await_writes(50, server=migration.address(serving)) < WITHIN_SECONDS
    assert migration.opening(serving) == ALL_OPEN
    migration.assert_nothing_lost(load, serving)


def test_an_api_that_throttles_the_promotion_costs_time_only(migration: MigrationCase) -> None:
    load = migration.load()
    load.await_writes(200)
    migration.rds.control.throttle("PromoteReadReplicaDBCluster", 2)
    migration.rds.control.throttle("DescribeDBClusters", 2)

    assert cut_over()["outcome"] == "cut_over"

    assert load.await_writes(50, server=migration.address(Role.TARGET)) < WITHIN_SECONDS
    migration.assert_nothing_lost(load, Role.TARGET)


def test_a_real_write_on_the_fallback_whose_log_is_still_there_is_refused_and_shown(migration: MigrationCase) -> None:
    load = migration.load(rate=50)
    load.await_writes(50)
    migration.cutover().run()
    load.await_writes(50, server=migration.address(Role.TARGET))
    migration.rds.server("shop-fallback").execute(
        "SET GLOBAL super_read_only = OFF", "UPDATE shop.customers SET name = 'stray' ORDER BY id LIMIT 1"
    )
    time.sleep(1)

    refused = run("migration_fall_back")

    assert refused.state == "failed"
    assert refused.tasks["check"] == "failed"
    problem = refused.value("check", "problem")
    assert "shop.customers" in problem, problem
    assert "1 write" in problem, problem
    assert migration.servers.serving() is Role.TARGET
    load.await_writes(50, server=migration.address(Role.TARGET))
    # Its accounts are open as on any replica, behind read_only; its events stay off.
    assert migration.opening(Role.FALLBACK)[1] == []
    migration.assert_nothing_lost(load, Role.TARGET)
