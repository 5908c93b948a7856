"""The plan of finish is a contract; what is retired depends on what the migration has come to."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from livemove.migration.finish import render, victims
from livemove.migration.settings import Role
from livemove.migration.state import Outcome
from livemove.runbook.errors import NeedsPerson
from tests.unit.migration.contracts import compare
from tests.unit.migration.samples import settings


def finish_after_cutover() -> str:
    """The source and the fallback go."""
    return render(settings(), "cut_over", "20260101")


def finish_after_fall_back() -> str:
    """The source goes."""
    return render(settings(), "fallen_back", "20260101")


CASES = [finish_after_cutover, finish_after_fall_back]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_the_plan_is_the_committed_one(case: Callable[[], str]) -> None:
    compare(case.__name__, case())


@pytest.mark.parametrize("outcome", ["open", "finished"])
def test_nothing_is_retired_of_a_migration_that_is_open_or_finished(outcome: Outcome) -> None:
    with pytest.raises(NeedsPerson):
        victims(outcome)


def test_what_serves_is_never_among_what_is_retired() -> None:
    assert Role.TARGET not in victims("cut_over")
    assert Role.FALLBACK not in victims("fallen_back")
    assert Role.CDC not in {*victims("cut_over"), *victims("fallen_back")}
