"""The way back leads to the index that the live one has replaced, or to the one that is named."""

from __future__ import annotations

import pytest

from livemove.rebuild.roll_back import choose
from livemove.runbook.errors import NeedsPerson
from livemove.search.state import RebuildState

OLD, LIVE, OTHER = "products-1", "products-2", "products-3"
SWAPPED = RebuildState(alias="products", rebuild=LIVE, replaced=OLD, swapped_at="2026-11-22T09:30:00+00:00")


def test_it_leads_to_what_was_replaced() -> None:
    assert choose(LIVE, {OLD: None, LIVE: SWAPPED, OTHER: None}, "") == OLD


def test_another_one_can_be_named() -> None:
    assert choose(LIVE, {OLD: None, LIVE: SWAPPED, OTHER: None}, OTHER) == OTHER


@pytest.mark.parametrize(
    ("states", "wanted", "problem"),
    [
        ({LIVE: None}, "", "has replaced no index"),
        ({LIVE: RebuildState(alias="products", rebuild=LIVE, replaced=OLD), OLD: None}, "", "has replaced no index"),
        ({LIVE: SWAPPED}, "", f"{OLD}, which {LIVE} has replaced, is gone"),
        ({LIVE: SWAPPED, OLD: None}, LIVE, "is none of"),
        ({LIVE: SWAPPED, OLD: None}, "products-9", f"is none of {OLD}"),
    ],
)
def test_where_there_is_no_way_back_it_says_why(
    states: dict[str, RebuildState | None], wanted: str, problem: str
) -> None:
    with pytest.raises(NeedsPerson, match=problem):
        choose(LIVE, states, wanted)
