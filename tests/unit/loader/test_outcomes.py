"""What answers of the bulk API mean."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loader.errors import LoaderError
from loader.outcomes import Body, read_outcome

CONFLICT = {"status": 409, "error": {"type": "version_conflict_engine_exception", "reason": "newer"}}
BUSY = {"status": 429, "error": {"type": "es_rejected_execution_exception", "reason": "queue full"}}
DOWN = {"status": 503, "error": {"type": "unavailable_shards_exception", "reason": "no primary"}}
BLOCKED = {"status": 403, "error": {"type": "cluster_block_exception", "reason": "index read-only / allow delete"}}
BAD = {
    "status": 400,
    "error": {
        "type": "mapper_parsing_exception",
        "reason": "failed to parse field [stock]",
        "caused_by": {"type": "number_format_exception", "reason": 'For input string: "many"'},
    },
}
GOOD = {"status": 201}


def answer(*items: dict) -> bytes:
    return json.dumps({"errors": True, "items": [{"index": item} for item in items]}, separators=(",", ":")).encode()


def test_each_document_is_sorted_by_what_has_to_be_done_with_it():
    outcome = read_outcome(answer(GOOD, CONFLICT, BUSY, BAD, DOWN, BLOCKED), 6)
    assert (outcome.written, outcome.conflicts, outcome.retry) == (1, 1, [2, 4, 5])
    assert [(each.index, each.status) for each in outcome.refused] == [(3, 400)]


def test_the_reason_of_a_refusal_goes_down_to_its_cause():
    (refusal,) = read_outcome(answer(BAD), 1).refused
    assert "failed to parse field [stock]" in refusal.reason
    assert 'For input string: "many"' in refusal.reason


def test_a_block_of_the_index_is_no_fault_of_the_document():
    assert read_outcome(answer(BLOCKED), 1).refused == []


@pytest.mark.parametrize("kind", ["index_not_found_exception", "index_closed_exception"])
def test_an_index_that_is_gone_ends_the_loader_and_sets_nothing_aside(kind):
    with pytest.raises(LoaderError, match="gone or closed"):
        read_outcome(answer({"status": 404, "error": {"type": kind, "reason": "no such index"}}), 1)


@pytest.mark.parametrize("text", [b"<html>", b"{}", b"[]", answer(GOOD)], ids=["html", "empty", "list", "too few"])
def test_an_answer_that_is_not_the_bulk_apis_is_never_taken_for_success(text):
    with pytest.raises(LoaderError):
        read_outcome(text, 2)


@given(st.lists(st.sampled_from([GOOD, CONFLICT, BUSY, BAD, DOWN, BLOCKED]), min_size=1))
def test_every_document_is_accounted_for_once(items):
    outcome = read_outcome(answer(*items), len(items))
    assert outcome.written + outcome.conflicts + len(outcome.retry) + len(outcome.refused) == len(items)


def test_a_body_gives_some_of_its_documents_again():
    body = Body(b'{"a":0}\n{"x":0}\n{"a":1}\n{"x":1}\n{"a":2}\n{"x":2}\n', 3)
    some = body.only([2, 0])
    assert (some.count, some.text) == (2, b'{"a":2}\n{"x":2}\n{"a":0}\n{"x":0}\n')
    assert body.pair(1) == (b'{"a":1}', b'{"x":1}')
