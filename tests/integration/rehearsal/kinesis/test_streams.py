"""The Kinesis server of the rehearsal, as far as the loaders rest on it."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.fixtures.waiting import until

if TYPE_CHECKING:
    from rehearsal.kinesis.service import Kinesis
    from tests.fixtures.search import Streams


def _put(streams: Streams, *values: str) -> None:
    records = [{"Data": value.encode(), "PartitionKey": value} for value in values]
    answer = streams.client.put_records(StreamName=streams.changes, Records=records)
    assert answer["FailedRecordCount"] == 0


def _from(streams: Streams, **position: Any) -> set[bytes]:
    found: set[bytes] = set()
    for shard in streams.shards(streams.changes):
        asked = streams.client.get_shard_iterator(StreamName=streams.changes, ShardId=shard, **position)
        found |= {
            record["Data"] for record in streams.client.get_records(ShardIterator=asked["ShardIterator"])["Records"]
        }
    return found


def test_a_stream_has_two_shards_and_starts_empty(kinesis: Streams) -> None:
    assert len(kinesis.shards(kinesis.changes)) == 2
    assert kinesis.records(kinesis.changes) == []


def test_a_timestamp_finds_later_records_only_also_after_a_split(kinesis: Streams) -> None:
    _put(kinesis, *(f"old-{number}" for number in range(20)))
    time.sleep(1.1)
    since = datetime.now(UTC)
    time.sleep(1.1)
    _put(kinesis, *(f"new-{number}" for number in range(20)))
    shard = kinesis.client.list_shards(StreamName=kinesis.changes)["Shards"][0]
    middle = (int(shard["HashKeyRange"]["StartingHashKey"]) + int(shard["HashKeyRange"]["EndingHashKey"])) // 2
    kinesis.client.split_shard(
        StreamName=kinesis.changes, ShardToSplit=shard["ShardId"], NewStartingHashKey=str(middle)
    )
    until(lambda: len(kinesis.shards(kinesis.changes)) >= 4, 10)
    _put(kinesis, *(f"split-{number}" for number in range(20)))
    found = _from(kinesis, ShardIteratorType="AT_TIMESTAMP", Timestamp=since)
    assert found == {f"{kind}-{number}".encode() for kind in ("new", "split") for number in range(20)}


def test_records_survive_a_kill(kinesis: Streams, kinesis_server: Kinesis) -> None:
    _put(kinesis, "one", "two")
    kinesis_server.kill()
    kinesis_server.start()
    assert {record["Data"] for record in kinesis.records(kinesis.changes)} == {b"one", b"two"}


def test_it_listens_on_the_loopback_interface_only(kinesis_server: Kinesis) -> None:
    port = int(kinesis_server.endpoint_url.rpartition(":")[2])
    listening = [
        line.split()[1]
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/net/{table}").read_text(encoding="utf-8").splitlines()[1:]
        if line.split()[3] == "0A" and line.split()[1].endswith(f":{port:04X}")
    ]
    assert listening == [f"0100007F:{port:04X}"]
