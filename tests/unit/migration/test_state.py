"""The journal says what a migration has come to."""

from __future__ import annotations

from itertools import permutations

import pytest

from livemove.migration.state import furthest


@pytest.mark.parametrize(
    ("steps", "outcome"),
    [
        ([], "open"),
        (["prepared", "fence"], "open"),
        (["prepared", "cut_over"], "cut_over"),
        (["cut_over", "fallen_back"], "fallen_back"),
        (["cut_over", "finished"], "finished"),
    ],
)
def test_the_furthest_outcome_counts_whatever_the_order(steps: list[str], outcome: str) -> None:
    assert {furthest(order) for order in permutations(steps)} == {outcome}
