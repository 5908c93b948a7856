"""An alias moves in one call, under searches, from where it was expected; nothing it points to is deleted."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from livemove.runbook.errors import NeedsPerson
from livemove.search import aliases, calls, indices
from livemove.search.calls import Call
from livemove.search.hook import SearchHook
from tests.integration.search.shop import ALIAS, NEW, NEW_BODY, OLD, Shop


class ListeningHook(SearchHook):
    """A hook that keeps the calls that change something."""

    def __init__(self) -> None:
        super().__init__("elasticsearch_default")
        self.heard: list[Call] = []

    def run(self, call: Call, *, retries: int | None = None) -> dict[str, Any]:
        self.heard.append(call)
        return super().run(call, retries=retries)


@pytest.fixture
def both(shop: Shop) -> Shop:
    """The live index, and a new one with one product more."""
    indices.create(shop.hook, NEW, NEW_BODY, alias=ALIAS)
    shop.hook.client.reindex(source={"index": OLD}, dest={"index": NEW}, refresh=True)
    shop.write(NEW, 100_000, 1)
    shop.refresh(NEW)
    return shop


def test_a_swap_is_one_call_and_a_second_one_none(both: Shop) -> None:
    hook = ListeningHook()
    assert aliases.swap(hook, ALIAS, OLD, NEW)
    assert [call.path for call in hook.heard] == ["/_aliases"]
    assert not aliases.swap(hook, ALIAS, OLD, NEW)
    assert len(hook.heard) == 1
    assert aliases.index_of(hook, ALIAS) == NEW


def test_searches_see_one_index_or_the_other_and_never_fail_while_the_alias_moves(both: Shop) -> None:
    stop, counts, errors = threading.Event(), [], []

    def search() -> None:
        client = SearchHook("elasticsearch_default").client
        while not stop.is_set():
            try:
                counts.append(client.count(index=ALIAS)["count"])
            except Exception as error:
                errors.append(error)

    searching = [threading.Thread(target=search) for _ in range(2)]
    for each in searching:
        each.start()
    for turn in range(12):
        one, two = (OLD, NEW) if turn % 2 == 0 else (NEW, OLD)
        assert aliases.swap(both.hook, ALIAS, one, two)
    stop.set()
    for each in searching:
        each.join()
    assert errors == []
    assert set(counts) <= {3000, 3001}
    assert len(counts) > 12


def test_an_alias_on_two_indices_is_not_moved(both: Shop) -> None:
    both.hook.client.indices.put_alias(index=NEW, name=ALIAS)
    with pytest.raises(NeedsPerson, match=f"on {OLD}, {NEW}; it was expected on {OLD} alone"):
        aliases.swap(both.hook, ALIAS, OLD, NEW)
    assert {each.index for each in aliases.look(both.hook, ALIAS)} == {OLD, NEW}
    with pytest.raises(NeedsPerson, match="exactly one is needed"):
        aliases.index_of(both.hook, ALIAS)


def test_an_alias_that_has_left_since_the_look_makes_the_call_fail_whole(both: Shop) -> None:
    found = aliases.look(both.hook, ALIAS)[0]
    both.hook.client.indices.delete_alias(index=OLD, name=ALIAS)
    with pytest.raises(NeedsPerson, match="aliases"):
        both.hook.run(aliases.swap_call(ALIAS, found, NEW, None))
    assert aliases.look(both.hook, ALIAS) == []


def test_a_new_index_that_is_not_there_leaves_the_alias_where_it_is(both: Shop) -> None:
    with pytest.raises(NeedsPerson, match="no such index"):
        aliases.swap(both.hook, ALIAS, OLD, "products-20300101000000")
    assert aliases.index_of(both.hook, ALIAS) == OLD


def test_markers_of_deleted_documents_are_hidden_by_the_alias_alone(both: Shop) -> None:
    both.hook.client.index(
        index=OLD,
        id="3",
        document={"livemove": {"deleted": True}},
        version=9000,
        version_type="external_gte",
        refresh=True,
    )
    assert both.hook.client.count(index=OLD)["count"] == 3000
    assert both.hook.client.count(index=ALIAS)["count"] == 2999


def test_routing_of_an_alias_comes_along(both: Shop) -> None:
    both.hook.client.indices.put_alias(
        index=OLD, name=ALIAS, index_routing="1", search_routing="1,2", is_write_index=True
    )
    aliases.swap(both.hook, ALIAS, OLD, NEW)
    [found] = aliases.look(both.hook, ALIAS)
    assert (found.options["index_routing"], found.options["search_routing"]) == ("1", "1,2")
    assert found.options["is_write_index"] is True


def test_an_index_of_the_aliass_name_is_told_apart(both: Shop) -> None:
    both.hook.client.indices.create(index="orders")
    with pytest.raises(NeedsPerson, match="is an index, not an alias"):
        aliases.swap(both.hook, "orders", OLD, NEW)
    with pytest.raises(NeedsPerson, match="There is no alias customers"):
        aliases.swap(both.hook, "customers", OLD, NEW)


def test_an_alias_is_added_once_and_to_no_second_index(both: Shop) -> None:
    assert not aliases.add(both.hook, ALIAS, OLD)
    with pytest.raises(NeedsPerson, match=f"is on {OLD} already"):
        aliases.add(both.hook, ALIAS, NEW)


def test_an_index_is_deleted_only_when_no_alias_points_to_it(both: Shop) -> None:
    with pytest.raises(NeedsPerson, match=f"the alias {ALIAS} points to it"):
        indices.delete(both.hook, OLD)
    assert both.count(OLD) == 3000
    aliases.swap(both.hook, ALIAS, OLD, NEW)
    with pytest.raises(NeedsPerson, match=f"the alias {ALIAS} points to it"):
        indices.delete(both.hook, NEW)
    assert indices.delete(both.hook, OLD)
    assert not indices.delete(both.hook, OLD)
    assert both.count(NEW) == 3001


def test_an_alias_is_not_deleted_as_if_it_were_an_index(both: Shop) -> None:
    with pytest.raises(NeedsPerson, match=f"is an alias of {OLD}"):
        indices.delete(both.hook, ALIAS)
    assert both.hook.find(calls.path(OLD)) is not None
