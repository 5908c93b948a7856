"""The loader against a real Elasticsearch and Kinesis."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from tests.fixtures.processors import MAPPING, Index, Processor, documents, put
from tests.fixtures.search import Streams
from tests.fixtures.waiting import until

FROM_START = ("--from", "trim_horizon")


def level(count: int) -> Callable[[dict[str, Any]], bool]:
    """Whether so many documents are answered for, and nothing more was there at the last poll."""
    return lambda status: (
        status["documents"] + status["conflicts"] + status["failed_documents"] >= count
        and all(shard["behind_ms"] == 0 for shard in status["shards"].values())
    )


def test_documents_of_the_stream_are_in_the_index_and_positions_say_so(
    loader: Processor, index: Index, kinesis: Streams
):
    put(kinesis.client, kinesis.documents, *[documents([(n, 5, {"stock": n})]) for n in range(20)])
    loader.start(*FROM_START)
    status = loader.until(level(20))
    assert index.contents() == {str(n): {"stock": n} for n in range(20)}
    assert index.get(7)["_version"] == 5
    last = {each["SequenceNumber"] for each in kinesis.records(kinesis.documents)}
    assert all(shard["sequence_number"] in last for shard in status["shards"].values())
    assert len(status["shards"]) == 2
    assert {key: status[key] for key in ("name", "kind", "stream", "targets", "state", "from", "error")} == {
        "name": "products-1",
        "kind": "load",
        "stream": kinesis.documents,
        "targets": [index.target],
        "state": "running",
        "from": "trim_horizon",
        "error": None,
    }
    assert status["shards"]["shardId-000000000000"]["commit_time"] == "2026-11-22T08:15:00.000Z"
    assert loader.stop() == 0
    assert loader.status()["state"] == "stopped"


def test_older_and_repeated_documents_change_nothing_and_count_as_conflicts(
    loader: Processor, index: Index, kinesis: Streams
):
    put(kinesis.client, kinesis.documents, ("k", documents([(1, 9, {"stock": 9})])))
    loader.start(*FROM_START)
    loader.until(level(1))
    put(
        kinesis.client,
        kinesis.documents,
        ("k", documents([(1, 3, {"stock": 3})])),
        ("k", documents([(1, 9, {"stock": 9})])),
    )
    status = loader.until(level(3))
    assert (status["documents"], status["conflicts"], status["failed_documents"]) == (2, 1, 0)
    assert index.contents() == {"1": {"stock": 9}}


def test_a_deleted_row_stays_deleted_when_the_node_is_killed_and_an_older_update_comes_again(
    loader: Processor, index: Index, kinesis: Streams
):
    put(kinesis.client, kinesis.documents, documents([(1, 10, {"stock": 1}), (2, 10, {"stock": 2})]))
    loader.start(*FROM_START)
    loader.until(level(2))
    put(kinesis.client, kinesis.documents, documents([(1, 30, None)]))
    loader.until(level(3))
    index.server.kill()
    put(kinesis.client, kinesis.documents, documents([(1, 20, {"stock": 99})]), documents([(2, 20, {"stock": 3})]))
    index.server.start()
    status = loader.until(level(5))
    assert status["conflicts"] == 1
    assert index.contents() == {"2": {"stock": 3}}
    assert index.get(1)["_source"]["livemove"]["deleted"] is True


def test_a_plain_delete_would_have_brought_the_row_back(index: Index):
    """What the marker is for: the same with Elasticsearch's own delete, whose memory does not survive the node."""
    version = {"version_type": "external_gte"}
    requests.put(f"{index.target}/_doc/1", json={"stock": 1}, params={**version, "version": 10}, timeout=30)
    requests.delete(f"{index.target}/_doc/1", params={**version, "version": 30}, timeout=30)
    late = requests.put(f"{index.target}/_doc/1", json={"stock": 9}, params={**version, "version": 20}, timeout=30)
    assert late.status_code == 409
    index.server.request("POST", f"/{index.name}/_flush")
    index.server.kill()
    index.server.start()
    late = requests.put(f"{index.target}/_doc/1", json={"stock": 9}, params={**version, "version": 20}, timeout=30)
    assert late.status_code == 201


def test_a_loader_that_is_killed_loses_nothing(loader: Processor, index: Index, kinesis: Streams):
    loader.start(*FROM_START)
    loader.until(lambda status: status["state"] == "running")
    total = 0
    for _ in range(3):
        batch = [
            documents([(n, 5, {"stock": n}) for n in range(total + m * 50, total + m * 50 + 50)]) for m in range(40)
        ]
        total += 2000
        put(kinesis.client, kinesis.documents, *batch)
        # In the middle of its work, wherever that is.
        until(lambda: index.count() > 0)
        loader.kill()
        loader.start("--from", "checkpoint")
    until(lambda: index.count() == total, what=f"{total} documents")
    loader.until(level(1))
    assert loader.set_aside() == []


def test_a_loader_goes_on_from_its_checkpoint_and_reads_nothing_twice(
    loader: Processor, index: Index, kinesis: Streams
):
    put(kinesis.client, kinesis.documents, *[documents([(n, 5, {"stock": n})]) for n in range(10)])
    loader.start(*FROM_START)
    loader.until(level(10))
    loader.stop()
    put(kinesis.client, kinesis.documents, documents([(100, 5, {"stock": 1})]))
    loader.start("--from", "checkpoint")
    status = loader.until(level(11))
    assert (status["records"], status["documents"], status["conflicts"]) == (11, 11, 0)
    assert status["from"] == "trim_horizon"
    assert index.count() == 11


def test_a_checkpoint_of_another_stream_is_refused(loader: Processor, processor, index: Index, kinesis: Streams):
    loader.start(*FROM_START)
    loader.until(lambda status: status["state"] == "running")
    loader.stop()
    other = processor("load", "products-1", "--stream", kinesis.changes, "--target", index.target)
    assert other.start("--from", "checkpoint").ended() == 1
    assert "holds positions of stream" in str(other)


def test_poison_documents_are_set_aside_with_the_reason_and_the_others_are_written(
    loader: Processor, index: Index, kinesis: Streams
):
    record = documents([(1, 5, {"stock": 1}), (2, 6, {"stock": "many"}), (3, 7, {"stock": 3})])
    put(kinesis.client, kinesis.documents, ("k", record), ("k", b"no record of ours"))
    loader.start(*FROM_START, "--metrics-port", "0")
    status = loader.until(lambda found: found["failed_documents"] == 2)
    assert status["documents"] == 2
    assert index.contents() == {"1": {"stock": 1}, "3": {"stock": 3}}
    found = {each["id"]: each for each in loader.set_aside()}
    assert found["2"]["version"] == 6
    assert found["2"]["source"] == {"stock": "many"}
    assert found["2"]["status"] == 400
    assert "stock" in found["2"]["reason"]
    assert found[None]["source"] == {"text": "no record of ours"}
    port = str(loader).partition("metrics on http://127.0.0.1:")[2].partition("/")[0]
    metrics = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text
    assert 'livemove_loader_failed_documents_total{name="products-1"} 2' in metrics
    assert 'livemove_loader_lag_seconds{name="products-1",shard="shardId-000000000000"}' in metrics
    loader.stop()
    assert str(loader).strip().splitlines()[-1].endswith("SET ASIDE: 2")


def test_poison_that_comes_again_lies_where_it_lay(loader: Processor, index: Index, kinesis: Streams):
    put(kinesis.client, kinesis.documents, documents([(2, 6, {"stock": "many"})]))
    for _ in range(2):
        loader.start(*FROM_START)
        loader.until(lambda found: found["state"] == "running" and found["failed_documents"] == 1)
        loader.stop()
    assert len(loader.set_aside()) == 1


def test_a_line_that_is_no_json_does_not_hold_up_its_neighbours(loader: Processor, index: Index, kinesis: Streams):
    good = documents([(n, 5, {"stock": n}) for n in range(40)], compress=False)
    broken = good.replace(b'{"stock":17}', b'{"stock":17').replace(
        b'"_id":"23","version":5', b'"_id":"23","version":five'
    )
    put(kinesis.client, kinesis.documents, ("k", broken))
    loader.start(*FROM_START)
    status = loader.until(lambda found: found["failed_documents"] == 2)
    assert status["documents"] == 38
    assert set(index.contents()) == {str(n) for n in range(40)} - {"17", "23"}


def test_an_index_that_is_blocked_makes_the_loader_wait_and_sets_nothing_aside(
    loader: Processor, index: Index, kinesis: Streams
):
    block = "index.blocks.read_only_allow_delete"
    index.server.request("PUT", f"/{index.name}/_settings", {block: True})
    put(kinesis.client, kinesis.documents, *[documents([(n, 5, {"stock": n})]) for n in range(10)])
    loader.start(*FROM_START)
    until(lambda: (found := loader.status()).get("error") and "read-only" in found["error"])
    assert (loader.status()["documents"], loader.status()["state"]) == (0, "running")
    index.server.request("PUT", f"/{index.name}/_settings", {block: None})
    status = loader.until(level(10))
    assert (status["documents"], status["failed_documents"], status["error"]) == (10, 0, None)
    assert status["retries"] > 0


def test_a_shard_split_while_reading_loses_and_repeats_nothing(loader: Processor, index: Index, kinesis: Streams):
    loader.start(*FROM_START)
    total = 0
    for round_ in range(4):
        put(kinesis.client, kinesis.documents, *[documents([(total + n, 5, {"stock": n})]) for n in range(50)])
        total += 50
        if round_ == 1:
            _split(kinesis, kinesis.documents)
        if round_ == 2:
            _merge(kinesis, kinesis.documents)
    status = loader.until(level(total))
    assert (status["documents"], status["conflicts"], index.count()) == (total, 0, total)
    assert set(status["shards"]) == set(kinesis.shards(kinesis.documents))
    assert sum(shard["finished"] for shard in status["shards"].values()) == 3
    # And again from a checkpoint in which some shards are done with.
    loader.kill()
    loader.start("--from", "checkpoint")
    put(kinesis.client, kinesis.documents, documents([("last", 5, {"stock": 1})]))
    assert loader.until(level(total + 1))["conflicts"] == 0


def _wait_active(kinesis: Streams, stream: str) -> list[dict[str, Any]]:
    describe = kinesis.client.describe_stream_summary
    until(lambda: describe(StreamName=stream)["StreamDescriptionSummary"]["StreamStatus"] == "ACTIVE")
    shards = kinesis.client.list_shards(StreamName=stream)["Shards"]
    return [shard for shard in shards if "EndingSequenceNumber" not in shard["SequenceNumberRange"]]


def _split(kinesis: Streams, stream: str) -> None:
    first = _wait_active(kinesis, stream)[0]
    ends = [int(first["HashKeyRange"][key]) for key in ("StartingHashKey", "EndingHashKey")]
    kinesis.client.split_shard(StreamName=stream, ShardToSplit=first["ShardId"], NewStartingHashKey=str(sum(ends) // 2))
    _wait_active(kinesis, stream)


def _merge(kinesis: Streams, stream: str) -> None:
    shards = sorted(_wait_active(kinesis, stream), key=lambda shard: int(shard["HashKeyRange"]["StartingHashKey"]))
    kinesis.client.merge_shards(
        StreamName=stream, ShardToMerge=shards[0]["ShardId"], AdjacentShardToMerge=shards[1]["ShardId"]
    )
    _wait_active(kinesis, stream)


def test_a_pause_ends_by_itself_and_nothing_is_written_during_it(loader: Processor, index: Index, kinesis: Streams):
    loader.start(*FROM_START)
    loader.until(lambda status: status["state"] == "running")
    until = datetime.now(UTC) + timedelta(seconds=6)
    loader.tell({"pause_until": until.isoformat()})
    paused = loader.until(lambda status: status["state"] == "paused")
    put(kinesis.client, kinesis.documents, documents([(1, 5, {"stock": 1})]))
    time.sleep(1)
    assert index.count() == 0
    assert datetime.now(UTC) < until, "the machine was too slow to see the pause"
    assert loader.status()["shards"].keys() == paused["shards"].keys()
    status = loader.until(level(1))
    assert (status["state"], index.count()) == ("running", 1)
    assert datetime.now(UTC) >= until


def test_control_ends_a_loader(loader: Processor):
    loader.start(*FROM_START)
    loader.until(lambda status: status["state"] == "running")
    loader.tell({"stop": True})
    assert loader.ended() == 0
    assert loader.status()["state"] == "stopped"


def test_only_what_arrived_between_two_moments_is_read(loader: Processor, index: Index, kinesis: Streams):
    put(kinesis.client, kinesis.documents, *[documents([(f"before-{n}", 5, {"stock": n})]) for n in range(6)])
    time.sleep(1.1)
    begin = datetime.now(UTC)
    time.sleep(0.2)
    put(kinesis.client, kinesis.documents, *[documents([(f"between-{n}", 5, {"stock": n})]) for n in range(6)])
    time.sleep(1.1)
    end = datetime.now(UTC)
    time.sleep(0.2)
    put(kinesis.client, kinesis.documents, *[documents([(f"after-{n}", 5, {"stock": n})]) for n in range(6)])
    loader.start("--from", begin.isoformat(), "--until", end.isoformat())
    assert loader.ended() == 0
    assert set(index.contents()) == {f"between-{n}" for n in range(6)}
    assert loader.status()["state"] == "stopped"


def test_a_range_without_records_ends_too(loader: Processor, index: Index):
    loader.start("--from", "2026-01-01T00:00:00Z", "--until", datetime.now(UTC).isoformat())
    assert loader.ended() == 0


def test_latest_starts_with_what_comes_from_now_on(loader: Processor, index: Index, kinesis: Streams):
    put(kinesis.client, kinesis.documents, documents([("old", 5, {"stock": 1})]))
    time.sleep(1.1)
    loader.start("--from", "latest")
    status = loader.until(lambda found: found["state"] == "running" and len(found["shards"]) == 2)
    datetime.fromisoformat(status["from"])
    put(kinesis.client, kinesis.documents, documents([("new", 5, {"stock": 1})]))
    loader.until(level(1))
    assert set(index.contents()) == {"new"}


def test_several_indexes_are_written_from_one_stream(processor, index: Index, kinesis: Streams):
    second = Index(index.server, "products-2")
    both = processor("load", "ab", "--stream", kinesis.documents, "--target", index.target, "--target", second.target)
    put(kinesis.client, kinesis.documents, documents([(1, 5, {"stock": 1}), (2, 5, {"stock": "bad"})]))
    both.start(*FROM_START)
    both.until(lambda found: found["failed_documents"] == 2)
    assert index.contents() == second.contents() == {"1": {"stock": 1}}
    assert {each["target"] for each in both.set_aside()} == {index.target, second.target}


def test_an_index_deleted_under_the_loader_ends_it_and_is_not_made_anew(
    loader: Processor, index: Index, kinesis: Streams
):
    loader.start(*FROM_START)
    loader.until(lambda status: status["state"] == "running" and len(status["shards"]) == 2)
    index.server.request("DELETE", f"/{index.name}")
    assert loader.ended() == 1
    status = loader.status()
    assert status["state"] == "failed"
    assert "does not exist" in status["error"]
    assert index.name not in index.server.request("GET", "/_all")


@pytest.mark.parametrize(
    ("path", "names"),
    [("absent", "does not exist"), ("products", "is an alias of products-1"), ("bare", "livemove.deleted")],
)
def test_a_target_that_would_take_harm_is_refused(processor, index: Index, kinesis: Streams, path: str, names: str):
    index.server.request("POST", "/_aliases", {"actions": [{"add": {"index": index.name, "alias": "products"}}]})
    index.server.request("PUT", "/bare", {"settings": MAPPING["settings"]})
    refused = processor("load", "x", "--stream", kinesis.documents, "--target", f"{index.server.url}/{path}")
    assert refused.start().ended() == 1
    assert names in str(refused)
    assert refused.status()["state"] == "failed"


def test_an_unknown_stream_is_refused(processor, index: Index):
    refused = processor("load", "x", "--stream", "no-such-stream", "--target", index.target)
    assert refused.start().ended() == 1
    assert "no stream 'no-such-stream'" in str(refused)


def test_a_kinesis_that_goes_away_is_waited_for(loader: Processor, bare_stack, index: Index, kinesis: Streams):
    put(kinesis.client, kinesis.documents, documents([(1, 5, {"stock": 1})]))
    loader.start(*FROM_START)
    loader.until(level(1))
    bare_stack.kinesis.kill()
    time.sleep(1)
    bare_stack.kinesis.start()
    put(kinesis.client, kinesis.documents, documents([(2, 5, {"stock": 2})]))
    assert loader.until(level(2))["state"] == "running"
    assert index.count() == 2
