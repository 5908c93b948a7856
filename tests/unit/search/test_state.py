"""The state that an index's mapping holds is read back as it was written, also by another version."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from livemove.search.state import RebuildState


@given(
    st.builds(
        RebuildState,
        alias=st.text(max_size=9),
        rebuild=st.text(max_size=9),
        copied=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9))).map(tuple),
        requests_per_second=st.none() | st.floats(1, 1e6),
        task=st.none() | st.just({"id": "n:1", "low": 0, "high": 2, "documents": 2}),
        copy_done=st.booleans(),
    )
)
def test_the_state_survives_its_way_through_json(state: RebuildState) -> None:
    assert RebuildState.of(json.loads(json.dumps(state.as_json()))) == state


def test_keys_that_are_not_known_are_left_out_and_missing_ones_have_their_defaults() -> None:
    found = RebuildState.of({"alias": "a", "rebuild": "a-1", "later": 1})
    assert found == RebuildState("a", "a-1")
    assert found.copy_done is False
