"""GTID sets are sets: the laws hold for any of them, and their text is that of the server."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livemove.mysql.gtid import MAX_NUMBER, GtidRange, GtidSet
from tests.strategies.gtid import A, B, gtid_sets, gtid_texts

C = "cccccccc-cccc-cccc-cccc-cccccccccccc"


def members(gtids: GtidSet) -> set[str]:
    return set(gtids.gtids())


@pytest.mark.parametrize(
    ("operation", "model"),
    [
        (GtidSet.__sub__, set.__sub__),
        (GtidSet.__or__, set.__or__),
        (GtidSet.__and__, set.__and__),
        (GtidSet.__le__, set.__le__),
        (GtidSet.__lt__, set.__lt__),
        (GtidSet.__eq__, set.__eq__),
    ],
    ids=["subtract", "union", "intersect", "subset", "proper_subset", "equal"],
)
@given(a=gtid_sets(), b=gtid_sets())
def test_arithmetic_is_that_of_sets_of_single_gtids(
    operation: Callable[..., object], model: Callable[..., object], a: GtidSet, b: GtidSet
) -> None:
    result = operation(a, b)
    expected = model(members(a), members(b))
    assert (members(result) if isinstance(result, GtidSet) else result) == expected


@given(gtid_sets())
def test_a_set_is_read_back_from_its_text(a: GtidSet) -> None:
    assert GtidSet.parse(str(a)) == a
    assert hash(GtidSet.parse(str(a))) == hash(a)
    assert GtidSet.of(a.ranges()) == a


@given(gtid_texts())
def test_one_set_has_one_text_however_it_was_written(text: str) -> None:
    once = str(GtidSet.parse(text))
    assert str(GtidSet.parse(once)) == once


@given(gtid_sets())
def test_count_and_truth_are_those_of_the_members(a: GtidSet) -> None:
    assert a.count() == len(members(a))
    assert bool(a) == bool(members(a))


@given(gtid_sets())
def test_a_set_is_parted_by_server(a: GtidSet) -> None:
    assert a.only(A) | a.without(A) == a
    assert not a.only(A) & a.without(A)
    assert all(each.uuid == A for each in a.only(A).ranges())
    assert set(a.uuids) == {each.uuid for each in a.ranges()}


@given(gtid_sets(), st.integers(1, 40))
def test_a_single_gtid_is_looked_up(a: GtidSet, number: int) -> None:
    assert (f"{B}:{number}" in a) == (f"{B}:{number}" in members(a))


def test_a_set_over_several_lines_is_read_as_SHOW_REPLICA_STATUS_prints_it() -> None:
    printed = f"{A}:1-100,\n{B}:1"
    assert GtidSet.parse(printed).count() == 101
    assert str(GtidSet.parse(printed)) == printed


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        (f"{A}:3-4:1-2", f"{A}:1-4"),
        (f"{A}:1,{A}:2:5", f"{A}:1-2:5"),
        (f" {A.upper()} : 1 - 3 ,, {B}:2,", f"{A}:1-3,\n{B}:2"),
        (f"{A.replace('-', '')}:7", f"{A}:7"),
        (f"{{{A}}}:7", f"{A}:7"),
        (f"{A}:Tag_1:3:1", f"{A}:tag_1:1:3"),
        (f"{A}:b:2:a:1", f"{A}:a:1:b:2"),
        (f"{A}:9:a:1,{A}:a:2:8", f"{A}:9:a:1-2:8"),
        (f"{A}:5-3", ""),
        (A, ""),
        ("", ""),
        (" \n ", ""),
    ],
)
def test_text_becomes_canonical(written: str, canonical: str) -> None:
    assert str(GtidSet.parse(written)) == canonical


def test_nothing_is_the_empty_set() -> None:
    assert not GtidSet.parse(None)
    assert GtidSet() == GtidSet.parse("")


@pytest.mark.parametrize(
    "text",
    [
        "1-5", f"{A}:", f"{A}:0", f"{A}:0-5", f"{A}:1-", f"{A}:-1", f"{A}:1:2x", f"{A}:{MAX_NUMBER + 1}",
        f"{A[:-1]}:1", f"{A}:1;{B}:1", f"{A}:{'t' * 33}:1", f"{A}:é:1", f"{A}:1--2",
    ],
)  # fmt: skip
def test_what_is_no_set_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="GTID"):
        GtidSet.parse(text)


def test_only_a_single_gtid_is_looked_up() -> None:
    with pytest.raises(ValueError, match="single"):
        f"{A}:1-2" in GtidSet()  # noqa: B015


def test_ranges_tell_uuid_tag_and_numbers() -> None:
    found = list(GtidSet.parse(f"{A}:1-3:tag:7,{C}:9").ranges())
    assert found == [GtidRange(A, "", 1, 3), GtidRange(A, "tag", 7, 7), GtidRange(C, "", 9, 9)]
    assert [each.size for each in found] == [3, 1, 1]
    assert [str(each) for each in found] == [f"{A}:1-3", f"{A}:tag:7", f"{C}:9"]


def test_sets_of_many_ranges_are_subtracted_quickly() -> None:
    odd = GtidSet({(A, ""): [(n, n) for n in range(1, 200_000, 2)]})
    everything = GtidSet.parse(f"{A}:1-200000")
    assert (everything - odd).count() == 100_000
    assert not odd - everything
