"""How fast documents get from the stream into an index: `./dev bench loader --json`.

Against elasticsearch-py's bare `parallel_bulk` (3 threads, its default chunks) on the same documents out of memory,
in the same run, in turns; each writes into an empty index with the same mapping. Ours reads Kinesis, decompresses,
writes with versions (the rival does without) and keeps its positions in S3. The clock runs from the start of the
runner to the last document answered for.
"""

from __future__ import annotations

import argparse
import json
import logging
import threading
import time
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

from elasticsearch import Elasticsearch
from elasticsearch.helpers import parallel_bulk

from loader import contract
from loader.bulk import Credentials, Target
from loader.documents import Document
from loader.packing import pack
from loader.progress import Status
from loader.runner import Runner
from loader.sinks import LoadSink, Shelf
from loader.state import State
from loader.worker import Signals
from rehearsal.services import BUCKET
from rehearsal.stack import Stack

STREAM = "bench-documents"
SHARDS = 2
WORDS = [
    "amber",
    "birch",
    "copper",
    "delta",
    "ember",
    "falcon",
    "garnet",
    "harbor",
    "indigo",
    "jasmine",
    "kettle",
    "lantern",
    "maple",
    "nickel",
    "orchid",
]
MAPPING: dict[str, Any] = {
    "settings": {"number_of_shards": 2, "number_of_replicas": 0},
    "mappings": {
        "properties": {
            "id": {"type": "long"},
            "name": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
            "description": {"type": "text"},
            "category": {"type": "keyword"},
            "price": {"type": "double"},
            "stock": {"type": "integer"},
            "tags": {"type": "keyword"},
            "revision": {"type": "long"},
            "updated_at": {"type": "date"},
            **contract.MARKER_MAPPING,
        }
    },
}


def main(arguments: list[str]) -> int:
    """Run the benchmark; the last line is one JSON object."""
    parser = argparse.ArgumentParser(prog="./dev bench loader", description=__doc__)
    parser.add_argument("--json", action="store_true", help="the default: the last line is JSON either way")
    parser.add_argument("--documents", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    stack = Stack("bench")
    stack.up({"elasticsearch", "kinesis"})
    stack.kinesis.create_streams([STREAM], SHARDS)
    sources = [_product(number) for number in range(options.documents)]
    records = _fill(stack.kinesis.client(), sources)
    print(f"{len(sources):,} documents in {records:,} records", flush=True)
    ours, theirs = [], []
    # The first round warms Java up and does not count.
    for number in range(options.rounds + 1):
        # In turns, each first every other time.
        pair = [("ours", ours), ("theirs", theirs)]
        for name, seconds in pair if number % 2 else pair[::-1]:
            found = _ours(stack, len(sources)) if name == "ours" else _theirs(stack, sources)
            print(f"  {name}: {len(sources) / found:,.0f}/s", flush=True)
            seconds += [found] if number else []
    result = {
        "docs_per_s": round(len(sources) / median(ours)),
        # Round by round, as other work on the machine comes and goes.
        "vs_parallel_bulk": round(median(rival / own for rival, own in zip(theirs, ours, strict=True)), 2),
        "docs_per_record": round(len(sources) / records, 1),
    }
    print(json.dumps(result))
    return 0


def _product(number: int) -> dict[str, Any]:
    words = [WORDS[(number * factor) % len(WORDS)] for factor in (1, 3, 7, 11, 13, 17, 19, 23)]
    return {
        "id": number,
        "name": f"{words[0]} {words[1]} {number}",
        "description": " ".join(words * 3),
        "category": words[2],
        "price": number % 10_000 / 100,
        "stock": number % 500,
        "tags": words[:3],
        "revision": 1,
        "updated_at": "2026-11-22T08:15:00.000000",
    }


def _fill(client: Any, sources: list[dict[str, Any]]) -> int:
    """Write the documents into the stream, as the transform packs them when it catches up."""
    at = datetime.now(UTC)
    version = contract.pack_version(1, 1, 4)
    documents = [Document(str(each["id"]), version, at, contract.source_line(each)) for each in sources]
    records = 0
    for start in range(0, len(documents), 5000):
        packed, _ = pack(documents[start : start + 5000], "products")
        for data in packed:
            records += 1
            client.put_record(StreamName=STREAM, Data=data, PartitionKey=str(records))
    return records


def _index(stack: Stack, name: str) -> None:
    stack.elasticsearch.request("PUT", f"/{name}", MAPPING)


def _checked(stack: Stack, name: str, expected: int) -> None:
    stack.elasticsearch.request("POST", f"/{name}/_refresh")
    found = stack.elasticsearch.request("GET", f"/{name}/_count")["count"]
    if found != expected:
        raise AssertionError(f"{name} has {found} documents instead of {expected}")
    stack.elasticsearch.request("DELETE", f"/{name}")


def _ours(stack: Stack, expected: int) -> float:
    _index(stack, "bench-ours")
    target = Target(f"{stack.elasticsearch.url}/bench-ours", Credentials())
    target.check()
    status = Status("bench-ours", "load", STREAM, [target.name], "trim_horizon")
    state, signals = State(stack.s3.client(), f"s3://{BUCKET}/bench", "bench-ours"), Signals()
    shelf = Shelf(state, status, signals.abandoning)
    runner = Runner(
        stack.kinesis.client(),
        status,
        state,
        lambda shard: LoadSink(shard, [target], shelf),
        signals,
        ticks=[target.watch],
    )
    thread = threading.Thread(target=runner.run)
    limit = datetime.now(UTC) + timedelta(minutes=10)
    began = time.monotonic()
    thread.start()
    while status.counters["documents"] < expected and thread.is_alive() and datetime.now(UTC) < limit:
        time.sleep(0.01)
    seconds = time.monotonic() - began
    signals.ending.set()
    thread.join()
    target.close()
    if status.counters["documents"] != expected or status.counters["failed_documents"]:
        raise AssertionError(f"not all is written: {status.as_json()}")
    _checked(stack, "bench-ours", expected)
    return seconds


def _theirs(stack: Stack, sources: list[dict[str, Any]]) -> float:
    _index(stack, "bench-theirs")
    # As they are shipped: no logging of every request.
    logging.getLogger("elastic_transport").setLevel(logging.WARNING)

    def actions() -> Iterator[dict[str, Any]]:
        for source in sources:
            yield {"_index": "bench-theirs", "_id": str(source["id"]), "_source": source}

    with Elasticsearch(stack.elasticsearch.url, request_timeout=120) as client:
        began = time.monotonic()
        deque(parallel_bulk(client, actions(), thread_count=3), maxlen=0)
        seconds = time.monotonic() - began
    _checked(stack, "bench-theirs", len(sources))
    return seconds
