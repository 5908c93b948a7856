"""Records into the stream: in batches, with repeats of what Kinesis refused, and with the faults of a drill."""

from __future__ import annotations

import heapq
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import Empty, Queue
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from rehearsal.dms.faults import Faults
from rehearsal.dms.records import Record

# Limits of PutRecords (Kinesis API reference); kinesalite takes 5 MB at once.
BATCH_RECORDS = 500
BATCH_BYTES = 4_500_000
RECORD_BYTES = 1_048_576
FLUSH_SECONDS = 0.1
# So many records wait at most; then the source is read no further.
WAITING_RECORDS = 20_000
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0


@dataclass(order=True)
class Item:
    """A record that waits for its time.

    :ivar due: when it is to be written, by the monotonic clock.
    :ivar number: in the order of the source.
    :ivar done: called once it is in the stream, unless it is a repetition.
    """

    due: float
    number: int
    record: Record = field(compare=False)
    done: Callable[[], None] | None = field(compare=False)


class Writer:
    """Takes records from one thread and writes them in another.

    :param client: boto3's client of Kinesis.
    :param faults: asked for before each batch.
    :param stopping: whether what cannot be written now need not be written.
    """

    def __init__(self, client: Any, stream: str, faults: Callable[[], Faults], stopping: Callable[[], bool]) -> None:
        self._client = client
        self._stream = stream
        self._faults = faults
        self._stopping = stopping
        self._queue: Queue[tuple[Record, Callable[[], None]]] = Queue(maxsize=WAITING_RECORDS)
        self._waiting: list[Item] = []
        self._number = 0
        self._random = random.Random()  # noqa: S311 - no secret
        self.records = 0

    def put(self, record: Record, done: Callable[[], None]) -> None:
        """Hand a record over; waits while too many wait.

        :param done: called once it is in the stream.
        """
        self._queue.put((record, done))

    @property
    def idle(self) -> bool:
        """Whether nothing waits."""
        return self._queue.empty() and not self._waiting

    @property
    def full(self) -> bool:
        """Whether `put` would wait."""
        return self._queue.full()

    def step(self) -> None:
        """Write what is due; comes back after `FLUSH_SECONDS` at the latest when nothing is.

        :raises ValueError: a record is too large for the stream.
        """
        faults = self._faults()
        if faults.pause:
            time.sleep(FLUSH_SECONDS)
            return
        self._collect(faults)
        if batch := self._due(time.monotonic()):
            self._write(batch)

    def _collect(self, faults: Faults) -> None:
        """Take what comes, until a batch is full or the first has waited long enough."""
        ends = time.monotonic() + FLUSH_SECONDS
        while len(self._waiting) < WAITING_RECORDS:
            now = time.monotonic()
            try:
                record, done = self._queue.get(timeout=max(ends - now, 0.0001))
            except Empty:
                return
            if len(record.data) + len(record.partition_key.encode()) > RECORD_BYTES:
                raise ValueError(f"a record of {record.partition_key} has {len(record.data)} bytes, over 1 MiB")
            self._schedule(record, done, faults, time.monotonic())
            if len(self._waiting) >= BATCH_RECORDS and self._waiting[0].due <= time.monotonic():
                return

    def _schedule(self, record: Record, done: Callable[[], None], faults: Faults, now: float) -> None:
        first, *again = faults.due(now, self._random)
        self._push(Item(first, self._number, record, done))
        for due in again:
            self._push(Item(due, self._number, record, None))

    def _push(self, item: Item) -> None:
        self._number += 1
        heapq.heappush(self._waiting, item)

    def _due(self, now: float) -> list[Item]:
        batch: list[Item] = []
        size = 0
        while self._waiting and self._waiting[0].due <= now and len(batch) < BATCH_RECORDS:
            size += len(self._waiting[0].record.data) + len(self._waiting[0].record.partition_key)
            if batch and size > BATCH_BYTES:
                break
            batch.append(heapq.heappop(self._waiting))
        return batch

    def _write(self, batch: list[Item]) -> None:
        """Write all of them, however often that takes: a refused record is tried again, those behind it pass it."""
        pause = FIRST_PAUSE
        while batch and not self._stopping():
            batch = self._try(batch)
            if batch:
                time.sleep(pause * self._random.uniform(0.5, 1))
                pause = min(pause * 2, LONGEST_PAUSE)

    def _try(self, batch: list[Item]) -> list[Item]:
        entries = [{"Data": item.record.data, "PartitionKey": item.record.partition_key} for item in batch]
        try:
            results = self._client.put_records(StreamName=self._stream, Records=entries)["Records"]
        except (BotoCoreError, ClientError) as error:
            # A server that is down, busy or broken.
            print(f"{len(batch)} records are tried again: {error}", file=sys.stderr, flush=True)
            return batch
        refused = []
        for item, result in zip(batch, results, strict=True):
            if "ErrorCode" in result:
                refused.append(item)
                continue
            self.records += 1
            if item.done:
                item.done()
        return refused
