"""The example that `./dev up` starts: a row that is committed becomes a document that search finds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from rehearsal.search.products import ROWS
from rehearsal.services import LOADERS
from tests.fixtures.waiting import until

if TYPE_CHECKING:
    from rehearsal.mysql.pair import Pair
    from rehearsal.stack import Stack

SERVICES = {"s3", "elasticsearch", "kinesis", "dms", "stream"}


@pytest.fixture(scope="module")
def example(stack: Stack) -> Iterator[Stack]:
    """The example in this process's stack, taken out of it afterwards."""
    stack.up(SERVICES)
    yield stack
    _end_processors(stack)
    stack.elasticsearch.empty()
    stack.mysql().writer.execute("DROP DATABASE shop")


def _end_processors(stack: Stack) -> None:
    for server in (stack.folder.server("dms"), stack.stream.transform, *_loaders(stack)):
        server.stop(grace=5)


def _loaders(stack: Stack) -> list[Any]:
    from rehearsal.processes import Server

    return [Server(file.stem, file, file.with_suffix(".log")) for file in stack.folder.loaders.glob("*.json")]


def _found(stack: Stack, row: int) -> dict[str, Any] | None:
    hits = stack.elasticsearch.request("POST", "/products/_search", {"query": {"term": {"id": row}}})["hits"]["hits"]
    return hits[0]["_source"] if hits else None


def test_searches_find_every_row_once_the_example_is_up(example: Stack, mysql: Pair) -> None:
    rows = mysql.writer.value("SELECT COUNT(*) FROM shop.products")
    # Other tests of this module insert and delete some.
    assert abs(rows - ROWS) < 10
    assert example.elasticsearch.request("GET", "/products/_count")["count"] == rows
    found = _found(example, 1)
    assert found is not None
    assert found["tags"] == ["sale", "line-1"]


def test_inserts_updates_and_deletes_reach_the_index(example: Stack, mysql: Pair) -> None:
    mysql.writer.execute(
        "UPDATE shop.products SET name = 'Cork lamp', revision = 2 WHERE id = 5",
        "DELETE FROM shop.products WHERE id = 6",
        "INSERT INTO shop.products SELECT 999999, name, description, category, price, stock, tags, 3, updated_at "
        "FROM shop.products WHERE id = 7",
    )
    until(lambda: (_found(example, 5) or {}).get("name") == "Cork lamp")
    until(lambda: _found(example, 6) is None)
    until(lambda: (_found(example, 999999) or {}).get("revision") == 3)


def test_the_alias_hides_markers_of_deleted_rows(example: Stack, mysql: Pair) -> None:
    mysql.writer.execute("DELETE FROM shop.products WHERE id = 9")
    until(lambda: _found(example, 9) is None)
    aliases = example.elasticsearch.request("GET", "/_alias/products")
    (index,) = aliases
    assert example.elasticsearch.request("GET", f"/{index}/_doc/9")["_source"]["livemove"]["deleted"] is True


def test_after_an_interruption_it_goes_on_with_the_same_index_and_loses_nothing(example: Stack, mysql: Pair) -> None:
    (index,) = example.elasticsearch.request("GET", "/_alias/products")
    _end_processors(example)
    mysql.writer.execute("UPDATE shop.products SET revision = 77 WHERE id = 11")
    example.elasticsearch.kill()
    example.kinesis.kill()
    example.up(SERVICES)
    until(lambda: (_found(example, 11) or {}).get("revision") == 77)
    assert list(example.elasticsearch.request("GET", "/_alias/products")) == [index]
    assert [loader.name for loader in _loaders(example) if loader.pid] == [index]


def test_starting_it_twice_changes_nothing(example: Stack) -> None:
    before = {loader.name: loader.pid for loader in _loaders(example)}
    example.stream.start()
    assert {loader.name: loader.pid for loader in _loaders(example)} == before


def test_runbooks_find_its_loaders(example: Stack) -> None:
    from rehearsal.airflow.server import Airflow

    assert Airflow(example).variables()[LOADERS] == str(example.folder.loaders)
