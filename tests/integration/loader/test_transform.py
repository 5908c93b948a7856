"""The transform and the loader together: from change records to an index."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from loader import contract
from tests.fixtures.change_records import control, record, row
from tests.fixtures.processors import Index, Processor, put
from tests.fixtures.search import Streams
from tests.fixtures.waiting import until

FROM_START = ("--from", "trim_horizon")


@pytest.fixture
def transform(processor: Callable[..., Processor], kinesis: Streams, prefix: str, tmp_path: Path) -> Processor:
    """A transform of `shop.products`; not started."""
    path = tmp_path / "products" / "index.yaml"
    path.parent.mkdir()
    settings = {
        "documents": {
            "table": "shop.products",
            "id": ["id"],
            "fields": {"tags": "json"},
            "epoch": 1,
            "lobs": ["description"],
        },
        "streams": {"changes": kinesis.changes, "documents": kinesis.documents},
        "loader": {"deployer": "local", "state": "s3://livemove-rehearsal/elsewhere"},
    }
    path.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return processor("transform", "transform-products", "--index", str(path))


def applied(count: int) -> Callable[[dict[str, Any]], bool]:
    """Whether so many records are read, and nothing more was there at the last poll."""
    return lambda status: (
        status["records"] >= count and all(shard["behind_ms"] == 0 for shard in status["shards"].values())
    )


class Source:
    """A table that changes, and the records that tell so."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.rows: dict[int, dict[str, Any]] = {}
        self.position = 4
        self.records: list[tuple[str, bytes]] = []

    def load(self, count: int) -> None:
        """A full load."""
        for key in range(count):
            self.rows[key] = row(key, 0)
            self._tell(key, record("load", self.rows[key]))

    def change(self, count: int) -> None:
        """Inserts, updates of a few hot rows and of others, deletes, new keys for old rows, inserts of deleted keys."""
        for number in range(count):
            kind = self.random.choice(["write"] * 6 + ["hot"] * 6 + ["delete", "delete", "move"])
            key = self.random.randrange(3) if kind == "hot" else self.random.randrange(200)
            self.position += self.random.randrange(19, 400)
            place = {"file": 3, "position": self.position, "number": number + 1}
            if kind in ("write", "hot"):
                operation = "update" if key in self.rows else "insert"
                before = {"before": {"id": key}} if operation == "update" else {}
                self.rows[key] = row(key, number + 1)
                self._tell(key, record(operation, self.rows[key], **before, **place))
            elif key in self.rows and kind == "delete":
                self._tell(key, record("delete", self.rows.pop(key), **place))
            elif key in self.rows and key + 1000 not in self.rows:
                del self.rows[key]
                self.rows[key + 1000] = row(key + 1000, number + 1)
                self._tell(key + 1000, record("update", self.rows[key + 1000], before={"id": key}, **place))

    def _tell(self, key: int, data: bytes) -> None:
        self.records.append((f"shop.products.{key}", data))

    def delivered(self) -> list[tuple[str, bytes]]:
        """All records out of order, a fifth of them twice."""
        again = self.random.sample(self.records, len(self.records) // 5)
        found = [*self.records, *again]
        self.random.shuffle(found)
        return found

    def documents(self) -> dict[str, dict[str, Any]]:
        """What the index must hold."""
        return {str(key): {**found, "tags": ["a"]} for key, found in self.rows.items()}


def test_an_index_equals_the_table_however_its_changes_arrive_and_whoever_is_killed(
    transform: Processor, loader: Processor, index: Index, kinesis: Streams
):
    source = Source(5)
    source.load(150)
    source.change(2500)
    records = source.delivered()
    third = len(records) // 3
    transform.start(*FROM_START)
    loader.start(*FROM_START)
    put(kinesis.client, kinesis.changes, *records[:third])
    until(lambda: transform.status().get("documents"), what="the first documents")
    transform.kill()
    transform.start("--from", "checkpoint")
    put(kinesis.client, kinesis.changes, *records[third : 2 * third])
    _split(kinesis)
    loader.kill()
    loader.start("--from", "checkpoint")
    put(kinesis.client, kinesis.changes, *records[2 * third :])
    expected = source.documents()
    until(lambda: index.contents() == expected, 120, "that the index equals the table")
    # And it stays so, once all is through.
    status = transform.until(applied(1))
    assert status["failed_documents"] == 0
    assert loader.status()["failed_documents"] == 0
    assert status["superseded"] > 0
    assert status["shards"]["shardId-000000000000"]["finished"] is True
    until(lambda: loader.status()["shards"] and all(each["lag_s"] < 5 for each in loader.status()["shards"].values()))
    assert index.contents() == expected
    markers = index.count(term={"livemove.deleted": True})
    assert markers > 0
    assert index.count() == len(expected) + markers


def _split(kinesis: Streams) -> None:
    first = kinesis.client.list_shards(StreamName=kinesis.changes)["Shards"][0]
    ends = [int(first["HashKeyRange"][key]) for key in ("StartingHashKey", "EndingHashKey")]
    kinesis.client.split_shard(
        StreamName=kinesis.changes, ShardToSplit=first["ShardId"], NewStartingHashKey=str(sum(ends) // 2)
    )
    describe = kinesis.client.describe_stream_summary
    active = lambda: describe(StreamName=kinesis.changes)["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE"  # noqa: E731
    until(active)


def test_many_changes_share_a_record_and_hot_rows_are_joined(transform: Processor, kinesis: Streams):
    changes = [record("update", row(key % 50, key), position=100 + key * 40) for key in range(3000)]
    put(kinesis.client, kinesis.changes, *[("k", each) for each in changes])
    transform.start(*FROM_START)
    transform.until(applied(3000))
    found = [contract.decode_record(each["Data"]) for each in kinesis.records(kinesis.documents)]
    documents = sum(header.count for header, _ in found)
    assert 50 <= documents <= 500
    assert documents / len(found) >= 20
    assert all(header.alias == "products" for header, _ in found)
    status = transform.status()
    assert status["superseded"] == 3000 - documents
    assert (status["kind"], status["targets"]) == ("transform", [kinesis.documents])


def test_what_cannot_become_a_document_is_set_aside_with_its_reason(transform: Processor, kinesis: Streams):
    partial = {key: value for key, value in row(3, 2).items() if key != "description"}
    put(
        kinesis.client,
        kinesis.changes,
        ("k", record("insert", row(1), position=100)),
        ("k", b"{no json"),
        ("k", record("insert", {**row(2), "tags": "{bad"}, position=200)),
        ("k", record("insert", row(3, 1), position=300)),
        ("k", record("update", partial, position=400)),
        ("k", record("insert", row(4), table="orders", position=500)),
        ("k", control("create-table")),
        ("k", control("truncate-table")),
    )
    transform.start(*FROM_START)
    status = transform.until(lambda found: found["failed_documents"] == 4)
    transform.until(applied(8))
    assert (status["documents"], status["skipped"]) == (2, 1)
    reasons = {each["status"]: each["reason"] for each in transform.set_aside()}
    assert set(reasons) == {"record", "conversion", "incomplete", "control"}
    assert "no JSON" in reasons["record"]
    assert "column tags" in reasons["conversion"]
    assert "description" in reasons["incomplete"]
    assert "rebuild the index" in reasons["control"]
    lines = [contract.decode_record(each["Data"])[1] for each in kinesis.records(kinesis.documents)]
    assert b'"revision":1' in b"".join(lines)
    assert b'"revision":2' not in b"".join(lines)
    # Read again, it lies where it lay.
    transform.stop()
    transform.start(*FROM_START)
    transform.until(lambda found: found["state"] == "running" and found["failed_documents"] == 4)
    assert len(transform.set_aside()) == 4


def test_a_change_becomes_a_document_that_search_finds_within_seconds(
    transform: Processor, loader: Processor, index: Index, kinesis: Streams
):
    transform.start(*FROM_START)
    loader.start(*FROM_START)
    for each in (transform, loader):
        each.until(lambda status: status["state"] == "running" and len(status["shards"]) == 2)
    began = time.monotonic()
    put(kinesis.client, kinesis.changes, record("insert", row(1), position=100))
    until(lambda: index.count() == 1, 10, "that the document is found")
    # Two polls of 0.25 s, a window of 0.2 s, a refresh of 0.1 s; the rest is for a slow machine.
    assert time.monotonic() - began < 5
