"""Reading a shard and writing records, with what Kinesis does on a bad day: throttling, expiry, partial failure."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from loader.errors import LoaderError, StoppedError
from loader.shards import Shard
from loader.times import jittered, now

log = logging.getLogger(__name__)

TRIM_HORIZON: Final = "trim_horizon"
POLL_SECONDS: Final = 0.25
"""Between two polls of a shard that has nothing more; Kinesis allows five calls a second to all readers together."""
BUSY_SECONDS: Final = 0.1
"""Between two polls while there is more to read."""
_SLOWEST_SECONDS: Final = 2.0
_THROTTLED: Final = frozenset(
    {"ProvisionedThroughputExceededException", "LimitExceededException", "ThrottlingException"}
)
_GONE: Final = frozenset({"ResourceNotFoundException"})
_DENIED: Final = frozenset({"AccessDeniedException", "UnrecognizedClientException", "InvalidSignatureException"})
# PutRecords takes 500 records and 5 MiB with their keys (API reference; newer streams take 10 MiB).
_PUT_RECORDS: Final = 500
_PUT_BYTES: Final = 5 * 2**20 - 2**14


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a shard."""

    sequence_number: str
    arrived_at: datetime
    data: bytes


@dataclass(frozen=True, slots=True)
class Fetched:
    """What one poll gave."""

    records: Sequence[Record]
    behind_ms: int
    at: datetime
    ended: bool = False
    """The shard is closed and this was its last poll."""


def list_shards(client: Any, stream: str) -> list[Shard]:
    """All shards that the stream still has, closed ones too."""
    found: list[Shard] = []
    arguments: dict[str, Any] = {"StreamName": stream}
    while True:
        answer = client.list_shards(**arguments)
        found += [Shard.of(each) for each in answer["Shards"]]
        if not answer.get("NextToken"):
            return found
        arguments = {"NextToken": answer["NextToken"]}


def retention_hours(client: Any, stream: str) -> int:
    """How long the stream keeps records.

    :raises LoaderError: there is no such stream.
    """
    try:
        summary = client.describe_stream_summary(StreamName=stream)["StreamDescriptionSummary"]
    except ClientError as error:
        if _code(error) in _GONE:
            raise LoaderError(f"there is no stream {stream!r}: check its name, the region and the account") from error
        raise
    return int(summary["RetentionPeriodHours"])


class ShardReader:
    """Polls one shard from a position on.

    :param after: sequence number of the last record that is done; None starts at `start`.
    :param start: `trim_horizon`, or the moment from which on records are wanted.
    """

    def __init__(self, client: Any, stream: str, shard: str, *, after: str | None, start: datetime | str) -> None:
        self._client, self._stream, self._shard = client, stream, shard
        self._after, self._start = after, start
        self._iterator: str | None = None
        self._pause = POLL_SECONDS
        self._busy = False
        self._failures = 0
        self.throttled = 0
        """How often Kinesis refused a poll since this was looked at last."""

    @property
    def pause(self) -> float:
        """Seconds to wait before the next poll."""
        return min(BUSY_SECONDS, self._pause) if self._busy and self._pause == POLL_SECONDS else self._pause

    def poll(self) -> Fetched | None:
        """Read on; None if nothing can be said now, as the call was refused or failed and will be repeated.

        :raises LoaderError: the stream is gone or may not be read.
        """
        at = now()
        try:
            answer = self._client.get_records(ShardIterator=self._iterator or self._opened(), Limit=10_000)
        except ClientError as error:
            self._failed(error)
            return None
        except BotoCoreError as error:
            self._slow_down(f"cannot be reached: {error}")
            return None
        self._pause, self._failures = max(POLL_SECONDS, self._pause * 0.8), 0
        records = [
            Record(each["SequenceNumber"], each["ApproximateArrivalTimestamp"], each["Data"])
            for each in answer["Records"]
        ]
        if records:
            self._after = records[-1].sequence_number
        self._iterator = answer.get("NextShardIterator")
        behind = int(answer.get("MillisBehindLatest") or 0)
        self._busy = behind > 0
        return Fetched(records, behind, at, ended=self._iterator is None)

    def _opened(self) -> str:
        place: dict[str, Any] = {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": self._start}
        if self._after is not None:
            place = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": self._after}
        elif isinstance(self._start, str):
            place = {"ShardIteratorType": "TRIM_HORIZON"}
        answer = self._client.get_shard_iterator(StreamName=self._stream, ShardId=self._shard, **place)
        return str(answer["ShardIterator"])

    def _failed(self, error: ClientError) -> None:
        code = _code(error)
        # A refused time is one that has not come yet, be it because clocks differ: it is waited for.
        if code == "ExpiredIteratorException":
            # Five minutes without a poll, as in a long pause: go on after the last record.
            self._iterator = None
        elif code == "InvalidArgumentException" and self._after is not None:
            raise LoaderError(
                f"shard {self._shard} of stream {self._stream!r} does not know position {self._after}: "
                f"was the stream made anew? Name a start with --from ({error})"
            ) from error
        elif code in _GONE | _DENIED:
            raise LoaderError(f"shard {self._shard} of stream {self._stream!r} cannot be read: {error}") from error
        else:
            if code in _THROTTLED:
                self.throttled += 1
            self._slow_down(f"{code}: {error}")

    def _slow_down(self, reason: str) -> None:
        self._failures += 1
        self._pause = min(_SLOWEST_SECONDS, self._pause + jittered(self._failures, base=0.2, limit=1.0))
        if self._failures in (1, 10) or self._failures % 100 == 0:
            log.warning("shard %s of %s: %s", self._shard, self._stream, reason)


def put_records(client: Any, stream: str, data: Sequence[bytes], stop: threading.Event) -> int:
    """Write records with keys that spread them over all shards; returns once every one is written.

    :param stop: waits end when it is set.
    :returns: how often a record had to be sent again.
    :raises StoppedError: told to stop before all were written.
    """
    waiting = [{"Data": each, "PartitionKey": uuid.uuid4().hex} for each in data]
    again = attempt = 0
    while waiting:
        batch = _batch(waiting)
        failed = _put(client, stream, batch)
        waiting = failed + waiting[len(batch) :]
        if not failed:
            attempt = 0
            continue
        again += len(failed)
        if stop.wait(jittered(attempt, limit=5.0)):
            raise StoppedError
        attempt += 1
    return again


def _batch(waiting: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    size = 0
    batch: list[Mapping[str, Any]] = []
    for record in waiting[:_PUT_RECORDS]:
        size += len(record["Data"]) + len(record["PartitionKey"])
        if batch and size > _PUT_BYTES:
            break
        batch.append(record)
    return batch


def _put(client: Any, stream: str, batch: list[Mapping[str, Any]]) -> list[Any]:
    """The records that were not written."""
    try:
        answer = client.put_records(StreamName=stream, Records=batch)
    except ClientError as error:
        if _code(error) in _GONE | _DENIED:
            raise LoaderError(f"stream {stream!r} cannot be written: {error}") from error
        log.warning("stream %s: %s", stream, error)
        return batch
    except BotoCoreError as error:
        log.warning("stream %s cannot be reached: %s", stream, error)
        return batch
    if not answer.get("FailedRecordCount"):
        return []
    return [record for record, result in zip(batch, answer["Records"], strict=True) if result.get("ErrorCode")]


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))
