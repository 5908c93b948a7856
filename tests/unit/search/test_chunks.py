"""Ranges of sequence numbers: nothing is left out, nothing is copied twice."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livemove.search.chunks import Chunk, merged, missing, planned, remaining

RANGES = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)).map(lambda each: (each[0], each[0] + each[1])))


def numbers(ranges: list[tuple[int, int]]) -> set[int]:
    return {number for low, high in ranges for number in range(low, high)}


@given(RANGES)
def test_merging_keeps_the_numbers_in_as_few_ranges_as_possible(ranges: list[tuple[int, int]]) -> None:
    found = merged(ranges)
    assert numbers(found) == numbers(ranges)
    assert all(one[1] < two[0] for one, two in pairwise(found))


@given(st.integers(0, 80), RANGES)
def test_what_is_missing_is_all_that_no_range_has(end: int, ranges: list[tuple[int, int]]) -> None:
    gaps = missing(end, ranges)
    assert numbers(gaps) == set(range(end)) - numbers(ranges)
    assert merged(gaps) == gaps


@given(st.lists(st.integers(0, 30), max_size=30), st.integers(1, 10), st.integers(1, 50))
def test_chunks_cover_every_number_once_and_count_their_documents(
    counts: list[int], interval: int, wanted: int
) -> None:
    histogram = [(place * interval, count) for place, count in enumerate(counts) if count]
    end = len(counts) * interval
    chunks = planned(histogram, end, wanted)
    assert merged((each.low, each.high) for each in chunks) == ([(0, end)] if end else [])
    assert sum(each.high - each.low for each in chunks) == end
    for each in chunks:
        assert each.documents == sum(
            count for place, count in enumerate(counts) if each.low <= place * interval < each.high
        )
    assert all((each.documents or 0) >= wanted for each in chunks[:-1])


@given(st.lists(st.integers(1, 30), min_size=1, max_size=20), RANGES)
def test_what_remains_of_chunks_is_what_is_not_copied(counts: list[int], copied: list[tuple[int, int]]) -> None:
    chunks = planned([(place * 5, count) for place, count in enumerate(counts)], len(counts) * 5, 20)
    left = remaining(chunks, copied)
    assert numbers([(each.low, each.high) for each in left]) == numbers(missing(len(counts) * 5, copied))
    for each in left:
        whole = Chunk(each.low, each.high, each.documents) in chunks
        assert (each.documents is not None) == whole


def test_a_range_that_is_empty_is_refused() -> None:
    with pytest.raises(ValueError, match="no range"):
        merged([(3, 3)])
