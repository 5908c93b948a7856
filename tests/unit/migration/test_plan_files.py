"""No plan is committed that no test makes."""

from __future__ import annotations

from tests.unit.migration import test_finish_plan, test_prepare_plan
from tests.unit.migration.contracts import PLANS


def test_every_plan_of_prepare_and_finish_has_a_case() -> None:
    cases = {case.__name__ for case in (*test_prepare_plan.CASES, *test_finish_plan.CASES)}
    ours = {path.stem for path in PLANS.iterdir() if path.stem.startswith(("prepare", "finish"))}
    assert ours == cases
