"""What goes wrong in the fence without a kill: time-outs, frozen tasks, dead dead-man's processes, cut links."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

import pytest

from livemove.migration.endpoint import SsmParameterMover
from livemove.migration.guard import Guard
from livemove.migration.settings import Role
from livemove.migration.switching import Undone
from livemove.runbook.errors import NeedsPerson, TryAgain
from tests.drills.migration.places import BACK, BACK_AND_REBUILD, FORWARD, after
from tests.drills.migration.test_killed_cutover import ALL_OPEN, cut_over
from tests.fixtures.switches import MigrationCase

WITHIN_SECONDS = 30


def test_a_replica_that_cannot_catch_up_in_time_undoes_the_cutover(migration: MigrationCase) -> None:
    migration.configure(limits={"fence_timeout_seconds": 5, "lease_seconds": 5})
    load = migration.load()
    load.await_writes(200)
    migration.rds.control.cut("shop-cdc")

    with pytest.raises(Undone, match=r"fence_timeout_seconds.*shop-cdc.* lacks"):
        cut_over()

    assert load.await_writes(50, server=migration.address(Role.SOURCE)) < WITHIN_SECONDS
    assert migration.opening(Role.SOURCE) == ALL_OPEN
    assert migration.last(Role.SOURCE, "undone")["rebuild"] is False

    # With the link mended, and time for a promotion, it goes through.
    migration.configure()
    migration.rds.control.mend("shop-cdc")
    assert cut_over()["outcome"] == "cut_over"
    load.await_writes(50, server=migration.address(Role.TARGET))
    migration.assert_nothing_lost(load, Role.TARGET)


def test_an_endpoint_that_cannot_be_moved_after_the_promotion_leaves_the_application_on_the_source(
    migration: MigrationCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    load = migration.load()
    load.await_writes(200)

    def refused(*_: Any) -> None:
        raise NeedsPerson("ssm:PutParameter is not allowed")

    monkeypatch.setattr(SsmParameterMover, "move", refused)
    with pytest.raises(Undone, match="PutParameter is not allowed"):
        cut_over()

    assert load.await_writes(50, server=migration.address(Role.SOURCE)) < WITHIN_SECONDS
    assert migration.opening(Role.SOURCE) == ALL_OPEN
    assert migration.opening(Role.TARGET) == ([], [])
    assert migration.last(Role.SOURCE, "undone")["rebuild"] is True
    migration.assert_nothing_lost(load, Role.SOURCE)


@pytest.mark.parametrize("place", [BACK[3], BACK_AND_REBUILD[3]], ids=str)
def test_a_task_that_freezes_is_undone_when_its_lease_is_over_and_killed_before_it_can_wake(
    migration: MigrationCase, place: Any
) -> None:
    load = migration.load()
    load.await_writes(200)

    def frozen() -> Any:
        after(place, lambda: os.kill(os.getpid(), signal.SIGSTOP))
        return cut_over()

    worker = migration.apart(frozen)
    assert worker.join() == -9
    assert load.await_writes(50, server=migration.address(Role.SOURCE)) < WITHIN_SECONDS
    migration.await_step(Role.SOURCE, "undone")
    assert "no sign" in migration.last(Role.SOURCE, "undone")["why"]
    migration.assert_nothing_lost(load, Role.SOURCE)


@pytest.mark.parametrize(
    ("place", "serving"), [(BACK[4], Role.SOURCE), (FORWARD[1], Role.TARGET)], ids=["before", "after"]
)
def test_when_task_and_dead_man_are_killed_together_the_next_attempt_ends_the_switch(
    migration: MigrationCase, place: Any, serving: Role
) -> None:
    load = migration.load()
    load.await_writes(200)
    guards: list[Guard] = []
    start = Guard.start

    def watched(guard: Guard, *arguments: Any, **named: Any) -> None:
        start(guard, *arguments, **named)
        guards.append(guard)

    def doomed() -> Any:
        Guard.start = watched  # type: ignore[assignment, method-assign]

        def both() -> None:
            os.kill(guards[0].pid or 0, signal.SIGKILL)
            os.kill(os.getpid(), signal.SIGKILL)

        after(place, both)
        return cut_over()

    assert migration.apart(doomed).join() == -9
    time.sleep(2)
    assert migration.opening(serving) != ALL_OPEN, "nobody was left to open it"

    if serving is Role.SOURCE:
        with pytest.raises(Undone, match="left open"):
            cut_over()
    else:
        # Whether it has been opened is told by its journal alone.
        migration.rds.control.kill("shop-aurora", recover=False)
        with pytest.raises(TryAgain, match=r"shop-aurora does not answer.*ACCOUNT UNLOCK"):
            cut_over()
        assert migration.opening(Role.SOURCE) == ([], [])
        migration.rds.control.recover("shop-aurora")
        migration.await_answer(Role.TARGET)
        assert cut_over()["resumed"] is True

    load.await_writes(50, server=migration.address(serving))
    assert migration.opening(serving) == ALL_OPEN
    migration.assert_nothing_lost(load, serving)
