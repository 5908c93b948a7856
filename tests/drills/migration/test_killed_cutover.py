"""`kill -9` inside the fence of a cutover: writes are back within 30 s, nothing is lost, nothing is there twice."""

from __future__ import annotations

from typing import Any

from livemove.migration.settings import Role
from livemove.migration.topology import Servers
from tests.drills.migration.places import BACK, BACK_AND_REBUILD, FORWARD, Place, after, die, each
from tests.fixtures.chain import NAME
from tests.fixtures.switches import MigrationCase

BACK_WITHIN_SECONDS = 30
ALL_OPEN = (["app", "batch"], ["forget_audit", "sum_up_sales"])


def cut_over(place: Place | None = None) -> Any:
    from livemove.migration.cutover import Cutover

    if place:
        after(place, die)
    return Cutover(Servers.named(NAME)).run()


def killed(migration: MigrationCase, place: Place) -> Any:
    """Cut over under load with a task that dies at a place; return the load."""
    load = migration.load()
    load.await_writes(200)
    worker = migration.apart(lambda: cut_over(place))
    assert worker.join() == -9, f"the task was not killed: {worker.answer}"
    return load


@each(BACK)
def test_before_the_turn_writes_come_back_and_the_cutover_can_be_run_again(
    migration: MigrationCase, place: Place
) -> None:
    load = killed(migration, place)
    assert load.await_writes(50, server=migration.address(Role.SOURCE)) < BACK_WITHIN_SECONDS
    migration.await_step(Role.SOURCE, "undone")
    assert migration.opening(Role.SOURCE) == ALL_OPEN
    assert migration.last(Role.SOURCE, "undone")["rebuild"] is False

    assert cut_over()["outcome"] == "cut_over"

    load.await_writes(50, server=migration.address(Role.TARGET))
    assert migration.opening(Role.TARGET) == ALL_OPEN
    migration.assert_nothing_lost(load, Role.TARGET)


@each(BACK_AND_REBUILD, seeded="the endpoint has moved")
def test_before_the_opening_writes_come_back_and_the_target_stays_shut(migration: MigrationCase, place: Place) -> None:
    load = killed(migration, place)
    assert load.await_writes(50, server=migration.address(Role.SOURCE)) < BACK_WITHIN_SECONDS
    migration.await_step(Role.SOURCE, "undone")
    assert migration.opening(Role.SOURCE) == ALL_OPEN
    assert migration.last(Role.SOURCE, "undone")["rebuild"] is True
    # A promotion that was asked for goes on by itself.
    migration.rds.control.wait()
    migration.await_answer(Role.TARGET)
    assert migration.opening(Role.TARGET) == ([], [])
    assert migration.servers.serving() is Role.SOURCE
    migration.assert_nothing_lost(load, Role.SOURCE)


@each(FORWARD)
def test_after_the_point_of_no_return_the_target_is_opened(migration: MigrationCase, place: Place) -> None:
    load = killed(migration, place)
    assert load.await_writes(50, server=migration.address(Role.TARGET)) < BACK_WITHIN_SECONDS
    migration.await_step(Role.TARGET, "served")
    assert migration.opening(Role.SOURCE) == ([], [])
    assert migration.opening(Role.TARGET) == ALL_OPEN

    again = cut_over()

    assert (again["outcome"], again["resumed"]) == ("cut_over", True)
    migration.assert_nothing_lost(load, Role.TARGET)
