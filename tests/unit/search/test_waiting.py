"""A step is called until it is done; what may pass is waited for, and what was missing is told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from livemove.runbook.errors import NeedsPerson, TryAgain
from livemove.search.waiting import Progress, complete


def step(*outcomes: Progress | Exception) -> Callable[[], Progress]:
    left = iter(outcomes)

    def call() -> Progress:
        outcome = next(left)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return call


def test_faults_that_may_pass_are_waited_for() -> None:
    seen = complete(step(Progress(False, "half"), TryAgain("away"), Progress(True, "all", {"n": 1})), poll_seconds=0)
    assert seen.result == {"n": 1}


def test_what_was_missing_in_the_end_is_told() -> None:
    with pytest.raises(TryAgain, match="gave up: half"):
        complete(step(Progress(False, "half")), timeout_seconds=0)


def test_a_problem_for_a_person_is_not_waited_for() -> None:
    with pytest.raises(NeedsPerson, match="mapping"):
        complete(step(NeedsPerson("the mapping")), poll_seconds=0)
