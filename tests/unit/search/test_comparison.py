"""Sums tell sets of documents apart, whatever the order; only what differs is named."""

from __future__ import annotations

import json
import random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from livemove.search import comparison
from livemove.search.comparison import Found, Hit, Sums, difference

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
DOCUMENTS = st.dictionaries(st.text(max_size=6), st.tuples(st.integers(0, 2**62), VALUES), max_size=12)


def hits(documents: dict[str, Any], seed: int = 0) -> list[Hit]:
    """Hits as a server sends them, in some order."""
    found = [{"_id": key, "_version": version, "_source": {"v": value}} for key, (version, value) in documents.items()]
    random.Random(seed).shuffle(found)
    return msgspec.json.decode(json.dumps(found), type=list[Hit])


def hit(content: str) -> Hit:
    """A hit whose source is stored as some text."""
    return Hit("a", 1, msgspec.Raw(content.encode()))


def summed(documents: dict[str, Any], seed: int = 0, **options: Any) -> Sums:
    sums = Sums(64, **options)
    sums.add(hits(documents, seed))
    return sums


@given(DOCUMENTS)
def test_the_same_documents_in_another_order_have_the_same_sums(documents: dict[str, Any]) -> None:
    assert summed(documents, 1).differing(summed(documents, 2)) == set()


@given(DOCUMENTS, DOCUMENTS)
def test_sets_that_differ_have_other_sums_in_the_buckets_of_what_differs(
    one: dict[str, Any], two: dict[str, Any]
) -> None:
    ours, theirs = summed(one), summed(two)
    # True == 1 in Python, but not in JSON.
    unequal = {key for key in {**one, **two} if json.dumps(one.get(key)) != json.dumps(two.get(key))}
    assert ours.differing(theirs) == {hash(key) & ours.mask for key in unequal}
    assert {ours.bucket_of(key) for key in unequal} == ours.differing(theirs)


@given(DOCUMENTS, st.integers(0, 12))
def test_parts_that_threads_have_counted_add_up(documents: dict[str, Any], cut: int) -> None:
    whole, part, rest = summed(documents), Sums(64), Sums(64)
    part.add(hits(documents)[:cut])
    rest.add(hits(documents)[cut:])
    part.merge(rest)
    assert part.differing(whole) == set()
    assert part.documents == whole.documents == len(documents)


def test_a_document_that_is_counted_twice_is_noticed() -> None:
    documents = {"a": (1, 1), "b": (1, 2)}
    twice = summed(documents)
    twice.add(hits({"a": (1, 1)}))
    assert twice.differing(summed(documents)) == {hash("a") & 63}


def test_what_is_left_out_is_counted_and_makes_no_difference() -> None:
    one, two = Sums(64), Sums(64)
    one.add(hits({"a": (1, 1), "b": (1, 2)}), left_out={"b"})
    two.add(hits({"a": (1, 1), "b": (9, 9)}), left_out={"b"})
    assert not one.differing(two)
    assert one.documents == two.documents == 2
    two.add(hits({"c": (1, 1)}), left_out={"b"})
    assert one.differing(two)


def test_versions_count_only_where_they_are_wanted() -> None:
    one, two = {"a": (1, "x")}, {"a": (2, "x")}
    assert summed(one).differing(summed(two))
    assert not summed(one, versions=False).differing(summed(two, versions=False))


@pytest.mark.parametrize("other", ['{"b": 2, "a": 1}', '{"a":1,"b":2}'])
def test_the_form_of_the_json_counts_only_as_stored(other: str) -> None:
    stored = [Sums(64) for _ in range(2)]
    parsed = [Sums(64, as_stored=False) for _ in range(2)]
    for sums in (stored, parsed):
        for each, content in zip(sums, ('{"a": 1, "b": 2}', other), strict=True):
            each.add([hit(content)])
    assert stored[0].differing(stored[1])
    assert not parsed[0].differing(parsed[1])


@pytest.mark.parametrize("other", ['{"a": 18446744073709551616}', '{"a": "18446744073709551617"}', '{"b": 1}'])
def test_other_content_counts_in_any_form(other: str) -> None:
    one, two = Sums(64, as_stored=False), Sums(64, as_stored=False)
    one.add([hit('{"a": 18446744073709551617}')])
    two.add([hit(other)])
    assert one.differing(two)


@pytest.mark.parametrize(
    ("documents", "buckets"), [(0, 4096), (200_000, 16_384), (2_000_000, 131_072), (10**9, 1 << 20)]
)
def test_buckets_hold_few_documents_within_limits(documents: int, buckets: int) -> None:
    assert comparison.buckets_for(documents) == buckets


def of(version: int, source: Any) -> Found:
    return Found.of({"_id": "7", "found": True, "_version": version, "_source": source})


GONE = Found.of({"_id": "7", "found": False})
MARKER = of(9, {"livemove": {"deleted": True, "at": "2026-01-01T00:00:00.000Z"}})


@pytest.mark.parametrize(
    ("live", "new", "kind"),
    [
        (of(1, {"a": 1}), of(1, {"a": 1}), None),
        (of(1, {"a": 1}), GONE, "missing"),
        (of(1, {"a": 1}), MARKER, "missing"),
        (GONE, of(1, {"a": 1}), "surplus"),
        (MARKER, of(1, {"a": 1}), "surplus"),
        (MARKER, GONE, None),
        (GONE, GONE, None),
        (of(1, {"a": 1}), of(1, {"a": 2}), "content"),
        (of(1, {"a": 1}), of(2, {"a": 1}), "version"),
        (of(1, {"livemove": {"deleted": False}}), GONE, "missing"),
    ],
)
def test_a_difference_has_a_kind(live: Found, new: Found, kind: str | None) -> None:
    found = difference("7", live, new)
    assert (found.kind if found else None) == kind
    if found:
        assert str(found).startswith("7: ")
        assert json.dumps(found.as_json())


def test_other_content_names_the_fields() -> None:
    found = difference("7", of(1, {"a": 1, "b": 2, "c": 3}), of(1, {"a": 1, "b": 5, "d": 3}))
    assert found is not None
    assert found.fields == ("b", "c", "d")


def test_the_order_of_keys_is_no_difference() -> None:
    assert difference("7", of(1, {"a": 1, "b": 2}), of(1, {"b": 2, "a": 1})) is None


def test_moving_on_is_told_by_versions() -> None:
    assert comparison.has_moved_on(of(5, {}), of(6, {}))
    assert not comparison.has_moved_on(of(5, {}), of(5, {}))
    assert not comparison.has_moved_on(of(5, {}), GONE)
    assert comparison.has_moved_on(GONE, of(5, {}))
