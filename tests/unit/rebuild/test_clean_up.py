"""An index is deleted only when it was replaced long enough ago, or is known to be unfinished and wanted gone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from livemove.rebuild.clean_up import leftovers
from livemove.search.state import RebuildState

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)
OLD, LIVE, OTHER = "products-1", "products-2", "products-3"


def state(index: str, *, replaced: str = "", swapped_at: str = "", alias: str = "products") -> RebuildState:
    return RebuildState(alias=alias, rebuild=index, replaced=replaced, swapped_at=swapped_at)


def found(swapped_at: str, keep_hours: float = 24, *, unfinished: bool = False, **others: RebuildState | None) -> str:
    states = {OLD: state(OLD), LIVE: state(LIVE, replaced=OLD, swapped_at=swapped_at), **others}
    deleted, kept = leftovers("products", LIVE, states, keep_hours, NOW, unfinished=unfinished)
    return "\n".join([*(f"delete {each}" for each in deleted), *(f"keep {each}" for each in kept)])


def test_the_live_index_is_never_among_them() -> None:
    assert LIVE not in found("2026-11-01T00:00:00+00:00", 0, unfinished=True)


@pytest.mark.parametrize("at", ["2026-11-21T09:30:00+00:00", "2026-11-21T18:30:00+09:00"])
def test_what_was_replaced_is_deleted_once_its_time_is_up(at: str) -> None:
    assert found(at) == f"delete {OLD}: replaced at 2026-11-21T09:30:00.000Z"


def test_what_was_replaced_of_late_is_kept_and_its_end_is_told() -> None:
    text = found("2026-11-21T09:30:01+00:00")
    assert text == f"keep {OLD}: replaced at 2026-11-21T09:30:01.000Z, kept until 2026-11-22T09:30:01.000Z"


def test_what_was_replaced_twice_counts_from_the_last_time() -> None:
    again = state(OTHER, replaced=OLD, swapped_at="2026-11-22T09:00:00+00:00")
    assert f"keep {OLD}" in found("2026-11-01T00:00:00+00:00", **{OTHER: again})


def test_a_swap_that_was_only_meant_to_happen_counts_for_nothing() -> None:
    # `replaced` is written before the alias moves, `swapped_at` after.
    assert "delete" not in found("")


def test_an_unfinished_index_is_kept_unless_it_is_wanted_gone() -> None:
    assert f"keep {OTHER}: never came to the swap" in found("2026-11-01T00:00:00+00:00", **{OTHER: state(OTHER)})
    text = found("2026-11-01T00:00:00+00:00", unfinished=True, **{OTHER: state(OTHER)})
    assert f"delete {OTHER}: never came to the swap" in text


@pytest.mark.parametrize("foreign", [None, state(OTHER, alias="orders")])
def test_what_we_did_not_make_for_this_alias_is_kept(foreign: RebuildState | None) -> None:
    assert f"keep {OTHER}: not made by" in found("2026-11-01T00:00:00+00:00", unfinished=True, **{OTHER: foreign})
