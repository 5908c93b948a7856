"""A comparison finds each document that differs, and no other, also while both indices are written to."""

from __future__ import annotations

import random
import threading
import time
import tracemalloc
from typing import Any

import pytest

from livemove.runbook.errors import NeedsPerson
from livemove.search import indices, reading, verifying
from livemove.search.verifying import Side
from tests.integration.search.shop import ALIAS, NEW, NEW_BODY, OLD, Shop, action

DELETED = {"livemove": {"deleted": True, "at": "2026-01-01T00:00:00.000Z"}}


@pytest.fixture
def twins(shop: Shop) -> Shop:
    """Two indices with the same 3,000 products, in two and in three shards."""
    indices.create(shop.hook, NEW, NEW_BODY, alias=ALIAS)
    body = {"source": {"index": OLD}, "dest": {"index": NEW, "version_type": "external_gte"}}
    shop.hook.client.reindex(**body, refresh=True)
    return shop


def kinds(shop: Shop, **options: Any) -> dict[str, str]:
    return {each.id: each.kind for each in shop.verify(**options).differences}


def test_one_changed_one_missing_one_surplus_and_one_other_version_are_found_and_nothing_else(twins: Shop) -> None:
    twins.write(NEW, 17, 1017, name="changed, same version")
    twins.write(NEW, 18, 5000)
    twins.remove(NEW, 1234)
    twins.write(NEW, 555_555, 1)
    result = twins.verify()
    assert {each.id: each.kind for each in result.differences} == {
        "17": "content",
        "18": "version",
        "1234": "missing",
        "555555": "surplus",
    }
    assert (result.live_documents, result.new_documents) == (3000, 3000)
    assert result.kinds == {"content": 1, "version": 1, "missing": 1, "surplus": 1}
    assert "17: other content (name), versions 1017 live and 1017 new" in result.text()
    with pytest.raises(NeedsPerson, match="stream_replay"):
        verifying.require_same(result)


def test_equal_indices_are_equal_without_a_look_at_one_document(twins: Shop) -> None:
    result = twins.verify(threads=2)
    assert result.same
    assert result.candidates == 0
    verifying.require_same(result)


def test_versions_may_be_left_out(twins: Shop) -> None:
    twins.write(NEW, 18, 5000)
    assert kinds(twins) == {"18": "version"}
    assert kinds(twins, versions=False) == {}


def test_the_marker_of_a_deleted_document_counts_as_no_document(twins: Shop) -> None:
    for index, number in ((OLD, 5), (OLD, 6), (NEW, 7)):
        twins.hook.client.index(
            index=index, id=str(number), document=DELETED, version=9000, version_type="external_gte"
        )
    twins.remove(NEW, 5)
    assert kinds(twins) == {"6": "surplus", "7": "missing"}


def test_a_document_with_a_routing_of_its_own_is_compared_where_it_is(twins: Shop) -> None:
    for index, name in ((OLD, "one"), (NEW, "two")):
        for number in range(5):
            twins.hook.client.index(index=index, id=f"routed-{number}", routing=f"r{number}", document={"name": name})
    assert set(kinds(twins)) == {f"routed-{number}" for number in range(5)}


def test_the_order_of_keys_is_no_difference(twins: Shop) -> None:
    source = twins.hook.client.get(index=OLD, id="9")["_source"]
    turned = dict(reversed(list(source.items())))
    twins.hook.client.index(index=NEW, id="9", document=turned, version=1009, version_type="external_gte")
    result = twins.verify()
    assert result.same
    assert result.candidates > 0


def test_another_form_of_all_documents_is_no_difference_however_many_they_are(
    twins: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "MOST_CANDIDATES", 1000)
    operations: list[Any] = []
    for hit in twins.hook.client.search(index=OLD, size=5000, version=True)["hits"]["hits"]:
        head = {"_index": NEW, "_id": hit["_id"], "version": hit["_version"], "version_type": "external_gte"}
        operations += [{"index": head}, dict(reversed(list(hit["_source"].items())))]
    twins.hook.client.bulk(operations=operations)
    result = twins.verify()
    assert result.same
    assert (result.candidates, result.new_documents) == (0, 3000)


def test_a_search_that_is_refused_says_why(twins: Shop) -> None:
    with (
        reading.Reader(twins.hook, OLD, query={"no_such_query": {}}) as reader,
        pytest.raises(NeedsPerson, match=r": 400 unknown query \[no_such_query\]"),
    ):
        next(reader.pages())


def test_a_difference_that_heals_while_it_settles_is_none(twins: Shop) -> None:
    twins.write(OLD, 40, 9000, name="later")
    assert kinds(twins, settle=lambda: twins.write(NEW, 40, 9000, name="later")) == {}


def test_what_is_written_meanwhile_is_looked_at_by_id_without_reading_all_again(
    twins: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    writes = iter([(OLD, 40), (NEW, 40), (NEW, 40)])

    def settle() -> None:
        index, number = next(writes)
        twins.write(index, number, 9000, name="later")

    result = twins.verify(settle=settle)
    assert result.same
    assert (result.candidates, result.live_documents, result.new_documents) == (1, 3000, 3000)
    assert "buckets differ" not in caplog.text
    twins.remove(NEW, 41)
    assert kinds(twins) == {"41": "missing"}
    assert "1 buckets differ" in caplog.text


def test_two_indices_that_are_written_to_all_the_time_do_not_differ(twins: Shop) -> None:
    stop = threading.Event()

    def follow() -> None:
        # The new index is some changes behind; one product changes most of the time.
        chance, version, waiting = random.Random(1), 100_000, []
        while not stop.is_set():
            version += 1
            number = 1 if chance.random() < 0.5 else chance.randrange(3000)
            change = (number, version, f"name {version}")
            twins.write(OLD, change[0], change[1], name=change[2])
            waiting.append(change)
            if len(waiting) > 5:
                late = waiting.pop(0)
                twins.write(NEW, late[0], late[1], name=late[2])
        for late in waiting:
            twins.write(NEW, late[0], late[1], name=late[2])

    writer = threading.Thread(target=follow)
    writer.start()
    try:
        time.sleep(0.5)
        results = [twins.verify(settle=verifying.pause(1)) for _ in range(3)]
    finally:
        stop.set()
        writer.join()
    assert [each.text() for each in results if not each.same] == []
    assert sum(each.candidates for each in results) > 0
    assert all(each.moving <= 3 for each in results)


def test_a_lost_document_is_found_under_load_too(twins: Shop) -> None:
    twins.remove(NEW, 2000)
    stop = threading.Event()

    def write() -> None:
        version = 100_000
        while not stop.is_set():
            version += 1
            for index in (OLD, NEW):
                twins.write(index, version % 1000, version)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert kinds(twins, settle=verifying.pause(1)) == {"2000": "missing"}
    finally:
        stop.set()
        writer.join()


def test_indices_that_differ_everywhere_are_told_without_holding_them(
    twins: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verifying, "MOST_CANDIDATES", 1000)
    twins.hook.client.update_by_query(index=NEW, refresh=True, conflicts="proceed")
    result = twins.verify(settle=lambda: None)
    assert result.capped
    assert not result.same
    assert result.candidates == result.differing == 1000
    assert len(result.differences) == verifying.SHOWN
    assert "at least 1000 differ" in result.text()


def test_memory_does_not_grow_with_the_documents(twins: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_DOCUMENTS", 500)

    def peak() -> int:
        tracemalloc.start()
        assert twins.verify().same
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    few = peak()
    for index in (OLD, NEW):
        for start in range(3000, 18_000, 5000):
            twins.hook.client.bulk(operations=list(lines(index, range(start, start + 5000))))
        twins.refresh(index)
    # Six times the documents: a page of them, and the sums, are all that is held.
    assert peak() < few + 1_000_000


def lines(index: str, numbers: range) -> Any:
    for number in numbers:
        made = action(index, number)
        yield {
            "index": {"_index": index, "_id": made["_id"], "version": made["_version"], "version_type": "external_gte"}
        }
        yield made["_source"]


def test_a_side_that_cannot_be_read_is_an_error(twins: Shop) -> None:
    with pytest.raises(NeedsPerson, match="no such index"):
        verifying.verify(Side(twins.hook, OLD), Side(twins.hook, "products-20300101000000"))
