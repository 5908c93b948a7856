"""Windows: whatever order changes come in, the same documents leave."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from loader.changes import Change
from loader.contract import pack_version
from loader.documents import Document, Window
from tests.fixtures.change_records import SETTINGS, row

BEGIN = datetime(2026, 11, 22, 8, 15, tzinfo=UTC)


def change(key: int, number: int, *, deleted: bool = False, missing: tuple[str, ...] = (), **more: object) -> Change:
    """The `number`-th change of the source, to the row `key`."""
    content = None if deleted else {**row(key, number), **more}
    return Change(str(key), pack_version(1, 24, number * 16), BEGIN + timedelta(seconds=number), content, missing)


@st.composite
def histories(draw: st.DrawFn) -> list[Change]:
    """Changes of a few rows as they happened: one place in the binlog each."""
    keys = draw(st.lists(st.integers(1, 4), min_size=1, max_size=25))
    found = []
    for number, key in enumerate(keys, 1):
        kind = draw(st.sampled_from(["write", "write", "delete", "partial", "bad"]))
        more = {"tags": "{"} if kind == "bad" else {}
        missing = ("description",) if kind == "partial" else ()
        found.append(change(key, number, deleted=kind == "delete", missing=missing, **more))
    return found


@st.composite
def deliveries(draw: st.DrawFn) -> tuple[list[Change], list[Change]]:
    """A history, and the same shuffled with some of it twice."""
    history = draw(histories())
    again = draw(st.lists(st.sampled_from(history), max_size=10))
    return history, draw(st.permutations([*history, *again]))


def closed(changes: list[Change]):
    window = Window(SETTINGS)
    window.add(changes)
    return window.close()


@given(deliveries())
def test_any_permutation_and_duplication_gives_the_same_documents(delivery):
    history, delivered = delivery
    assert closed(delivered) == closed(history)


@given(deliveries(), st.data())
def test_an_index_that_keeps_the_newest_version_ends_the_same_however_windows_are_cut(delivery, data):
    history, delivered = delivery
    whole = {each.id: each for each in closed([each for each in history if not each.missing])[0]}
    index: dict[str, Document] = {}
    rest = [each for each in delivered if not each.missing]
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        for document in closed(rest[:size])[0]:
            # What external_gte does.
            if document.id not in index or document.version >= index[document.id].version:
                index[document.id] = document
        rest = rest[size:]
    # A newest row that cannot be converted leaves an older one in place when that came in a window of its own.
    for key, document in whole.items():
        assert index[key] == document


@given(deliveries())
def test_nothing_is_lost_each_row_is_written_or_set_aside_with_its_newest_change(delivery):
    history, delivered = delivery
    documents, rejected = closed(delivered)
    newest = {each.id: each.version for each in history}
    assert {each.id for each in [*documents, *rejected]} == set(newest)
    for key, version in newest.items():
        assert version in {each.version for each in [*documents, *rejected] if each.id == key}


def test_the_newest_of_a_rows_changes_is_its_document():
    documents, rejected = closed([change(1, 3), change(1, 2), change(2, 1)])
    assert [(each.id, json.loads(each.source)["revision"]) for each in documents] == [("1", 3), ("2", 1)]
    assert rejected == []


def test_a_deleted_row_becomes_a_marker_with_the_time_of_its_commit():
    (document,), _ = closed([change(1, 2, deleted=True), change(1, 1)])
    assert json.loads(document.source) == {"livemove": {"deleted": True, "at": "2026-11-22T08:15:02.000Z"}}
    assert json.loads(document.action)["index"] == {
        "_id": "1",
        "version": change(1, 2).version,
        "version_type": "external_gte",
    }


def test_a_row_inserted_again_is_a_document_again():
    (document,), _ = closed([change(1, 3), change(1, 2, deleted=True)])
    assert json.loads(document.source)["revision"] == 3


def test_a_change_without_its_lob_is_set_aside_and_what_was_before_is_written():
    documents, rejected = closed([change(1, 2, missing=("description",)), change(1, 1)])
    assert [json.loads(each.source)["revision"] for each in documents] == [1]
    assert [(each.id, each.kind) for each in rejected] == [("1", "incomplete")]
    assert "description" in rejected[0].reason


def test_a_change_without_its_lob_is_no_matter_once_a_newer_one_has_it():
    documents, rejected = closed([change(1, 1, missing=("description",)), change(1, 2)])
    assert [json.loads(each.source)["revision"] for each in documents] == [2]
    assert rejected == []


def test_a_row_that_cannot_be_converted_is_set_aside_and_the_others_are_written():
    documents, rejected = closed([change(1, 1, tags="{bad"), change(2, 2)])
    assert [each.id for each in documents] == ["2"]
    assert [(each.id, each.kind) for each in rejected] == [("1", "conversion")]
    assert "tags" in rejected[0].reason


def test_a_closed_window_is_empty():
    window = Window(SETTINGS)
    window.add([change(1, 1)])
    window.close()
    assert window.changes == 0
    assert window.close() == ([], [])
