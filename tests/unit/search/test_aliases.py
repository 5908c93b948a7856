"""An alias is moved only from where it was expected, in one call."""

from __future__ import annotations

import pytest

from livemove.runbook.errors import NeedsPerson
from livemove.search.aliases import LIVE_FILTER, Alias, judge_swap, same_filter, swap_call


def on(*indices: str, **options: object) -> list[Alias]:
    return [Alias("products", index, options) for index in indices]


def test_a_swap_is_one_call_of_two_actions() -> None:
    call = swap_call(
        "products", on("old", index_routing="r", is_write_index=True, filter={"x": 1})[0], "new", LIVE_FILTER
    )
    assert (call.method, call.path) == ("POST", "/_aliases")
    assert call.body == {
        "actions": [
            {"remove": {"index": "old", "alias": "products", "must_exist": True}},
            {"add": {"index": "new", "alias": "products", "index_routing": "r", "is_write_index": True,
                     "filter": LIVE_FILTER}},
        ]
    }  # fmt: skip


def test_without_a_filter_none_is_set() -> None:
    add = swap_call("products", on("old", filter={"x": 1})[0], "new", None).body["actions"][1]["add"]  # type: ignore[index]
    assert "filter" not in add


def test_an_alias_on_the_old_index_may_move_and_on_the_new_one_has_moved() -> None:
    assert judge_swap("products", on("old"), "old", "new", LIVE_FILTER) is False
    assert judge_swap("products", on("new", filter=LIVE_FILTER), "old", "new", LIVE_FILTER) is True


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ([], "There is no alias products"),
        (on("old", "new"), "is on new, old; it was expected on old alone"),
        (on("other"), "is on other"),
        (on("old", "other"), "is on old, other"),
        (on("new"), "on new already, but with the filter None"),
        (on("new", filter={"term": {"a": 1}}), "but with the filter"),
    ],
)
def test_elsewhere_it_is_not_moved_and_the_places_are_named(found: list[Alias], words: str) -> None:
    with pytest.raises(NeedsPerson, match=words):
        judge_swap("products", found, "old", "new", LIVE_FILTER)


def test_a_filter_with_its_defaults_is_the_same_filter() -> None:
    told = {"bool": {"must_not": [{"term": {"livemove.deleted": {"value": True, "boost": 1.0}}}],
                     "adjust_pure_negative": True, "boost": 1.0}}  # fmt: skip
    assert same_filter(told, LIVE_FILTER)
    assert not same_filter(told, None)
    assert not same_filter({"bool": {"must": {"term": {"livemove.deleted": True}}}}, LIVE_FILTER)
