"""Pages of a search as they are parsed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from livemove.search.reading import parsed


def page(source: str) -> bytes:
    """The answer of a search with one document."""
    return b'{"pit_id":"p","hits":{"hits":[{"_id":"1","_version":7,"_source":%s,"sort":[3]}]}}' % source.encode()


@pytest.mark.parametrize(
    "source", ['{"b": 1.50, "a": 18446744073709551617}', '{"price":1E400}', '{"n":"\\ud83d\\ude00"}']
)
def test_content_stays_as_it_is_stored(source: str) -> None:
    (hit,) = parsed(page(source)).hits.hits
    assert (hit.id, hit.version, hit.sort, hit.routing) == ("1", 7, [3], None)
    assert bytes(hit.content) == source.encode()


def test_half_a_surrogate_pair_is_no_obstacle() -> None:
    found = parsed(page('{"n":"\\ud800"}'))
    content: Any = json.loads(bytes(found.hits.hits[0].content))
    assert content == {"n": "\ud800"}
    assert found.pit_id == "p"


@pytest.mark.parametrize("answer", [b"", b"{}", b"<html>", b'{"hits":{"hits":[{"_id":"1"}]}}'])
def test_what_is_no_page_is_refused(answer: bytes) -> None:
    with pytest.raises(ValueError):
        parsed(answer)
