"""`kill -9` inside the fence of a fall back: writes are back within 30 s, and the fallback joins the chain again."""

from __future__ import annotations

from typing import Any

from livemove.migration.settings import Role
from livemove.migration.topology import Servers
from tests.drills.migration.places import FORWARD, Place, after, die, each
from tests.drills.migration.test_killed_cutover import ALL_OPEN, BACK_WITHIN_SECONDS
from tests.fixtures.chain import NAME
from tests.fixtures.switches import MigrationCase

_STRETCH = "livemove.migration.stretch.Stretch"
BACK = (
    Place("sessions are ended", _STRETCH, "note", "no application writes"),
    Place("the channel is reset", _STRETCH, "note", "fallback shop-fallback replicates from nothing"),
    Place("the endpoint has moved", _STRETCH, "note", "the endpoint leads"),
)
OPENED = (Place("the outcome is recorded", FORWARD[1].owner, FORWARD[1].function, "fallen_back"), FORWARD[2])


def fall_back(place: Place | None = None) -> Any:
    from livemove.migration.fall_back import FallBack

    if place:
        after(place, die)
    return FallBack(Servers.named(NAME)).run()


def killed(migration: MigrationCase, place: Place) -> Any:
    """Cut over, then fall back under load with a task that dies at a place; return the load."""
    migration.cutover().run()
    load = migration.load()
    load.await_writes(200)
    worker = migration.apart(lambda: fall_back(place))
    assert worker.join() == -9, f"the task was not killed: {worker.answer}"
    return load


@each(BACK)
def test_before_the_opening_writes_come_back_and_the_fall_back_can_be_run_again(
    migration: MigrationCase, place: Place
) -> None:
    load = killed(migration, place)
    assert load.await_writes(50, server=migration.address(Role.TARGET)) < BACK_WITHIN_SECONDS
    migration.await_step(Role.TARGET, "undone")
    assert migration.opening(Role.TARGET) == ALL_OPEN

    assert fall_back()["outcome"] == "fallen_back"

    load.await_writes(50, server=migration.address(Role.FALLBACK))
    assert migration.opening(Role.FALLBACK) == ALL_OPEN
    migration.assert_nothing_lost(load, Role.FALLBACK)


@each(OPENED)
def test_after_the_point_of_no_return_the_fallback_is_opened(migration: MigrationCase, place: Place) -> None:
    load = killed(migration, place)
    assert load.await_writes(50, server=migration.address(Role.FALLBACK)) < BACK_WITHIN_SECONDS
    migration.await_step(Role.FALLBACK, "served")
    assert fall_back()["resumed"] is True
    migration.assert_nothing_lost(load, Role.FALLBACK)
