"""What a worker does with the records of its shard: the part in which transform and load differ."""

from __future__ import annotations

import base64
import json
import logging
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from loader.bulk import Target, Written
from loader.changes import Control, read_record
from loader.contract import ContractError, Header, decode_record, moment
from loader.documents import Rejected, Window
from loader.errors import PoisonError
from loader.kinesis import Fetched, Record, put_records
from loader.outcomes import Body, Refusal
from loader.packing import pack
from loader.progress import Progress, Status
from loader.settings import DocumentSettings
from loader.state import State

log = logging.getLogger(__name__)


class Sink(Protocol):
    """Takes the polls of one shard in, and says when they are done, in their order."""

    def add(self, fetched: Fetched) -> None:
        """Take a poll's records in; may block, which is the back-pressure."""

    def done(self, *, wait: bool = False) -> Iterator[Progress]:
        """What is applied since the last call; with `wait` all that was added."""


@dataclass(frozen=True)
class Shelf:
    """Sets aside what will never be accepted, and counts it.

    :param stop: waits for S3 end when it is set.
    """

    state: State
    status: Status
    stop: threading.Event

    def put(self, shard: str, record: Record, number: str, found: dict[str, Any]) -> None:
        """Keep one thing that was refused; returns only once it is safe.

        :param number: tells apart what comes from one record. The key is the same when the record is read again.
        """
        day = record.arrived_at.astimezone(UTC).date().isoformat()
        key = f"{day}/{shard}-{record.sequence_number}-{number}"
        content = {**found, "shard": shard, "sequence_number": record.sequence_number, "name": self.status.name}
        self.state.set_aside(key, content, self.stop)
        self.status.count("failed_documents")
        log.error("set aside %s: %s", self.state.address(f"failed/{key}.json"), found["reason"])


def progress_of(fetched: Fetched, **more: Any) -> Progress:
    """What a poll amounts to once its records are applied."""
    last = fetched.records[-1] if fetched.records else None
    return Progress(
        fetched.at,
        fetched.behind_ms,
        sequence_number=last.sequence_number if last else None,
        arrived_at=last.arrived_at if last else None,
        **more,
    )


# -- transform --------------------------------------------------------------------------------


class TransformSink:
    """Changes of a window of time become documents, packed into records of the second stream.

    :param seconds: length of a window, from its first change on.
    :param most: changes after which a window closes before its time.
    """

    def __init__(
        self,
        shard: str,
        settings: DocumentSettings,
        client: Any,
        stream: str,
        shelf: Shelf,
        *,
        seconds: float = 0.2,
        most: int = 5000,
        load_version: int | None = None,
    ) -> None:
        self._shard, self._settings, self._client, self._stream = shard, settings, client, stream
        self._shelf, self._seconds, self._most, self._load_version = shelf, seconds, most, load_version
        self._window = Window(settings)
        self._opened: float | None = None
        self._waiting: Progress | None = None
        # Where each change of the window came from, for those that have to be set aside.
        self._origins: dict[tuple[str, int], Record] = {}

    def add(self, fetched: Fetched) -> None:
        """Read the changes into the window."""
        status = self._shelf.status
        for record in fetched.records:
            status.count("records")
            try:
                self._take(record)
            except PoisonError as error:
                found = {"id": None, "version": None, "reason": str(error), "status": error.kind}
                self._shelf.put(self._shard, record, "0", {**found, "source": readable(record.data)})
        if self._window.changes and self._opened is None:
            self._opened = time.monotonic()
        progress = progress_of(fetched)
        self._waiting = self._waiting.joined(progress) if self._waiting else progress

    def _take(self, record: Record) -> None:
        read = read_record(record.data, self._settings, load_version=self._load_version)
        if isinstance(read, Control):
            log.warning("control record: %s of %s", read.operation, self._settings.table)
            if read.empties:
                raise PoisonError(
                    f"{read.operation} of {self._settings.table}: its rows are gone without deletes, but the index "
                    "still has their documents: rebuild the index",
                    "control",
                )
        elif read is None:
            self._shelf.status.count("skipped")
        else:
            self._window.add(read)
            self._origins.update({(change.id, change.version): record for change in read})

    def done(self, *, wait: bool = False) -> Iterator[Progress]:
        """Close the window if its time is over, and write its documents."""
        if self._waiting is None:
            return
        over = self._opened is None or time.monotonic() - self._opened >= self._seconds
        if wait or over or self._window.changes >= self._most:
            commit_time = self._write() if self._window.changes else None
            progress, self._waiting, self._opened = self._waiting, None, None
            yield progress.joined(Progress(progress.polled_at, progress.behind_ms, commit_time=commit_time))

    def _write(self) -> datetime | None:
        taken = self._window.changes
        documents, rejected = self._window.close()
        records, too_large = pack(documents, self._settings.alias)
        status = self._shelf.status
        for each in (*rejected, *too_large):
            self._shelf.put(self._shard, self._origins[each.id, each.version], "1", _aside(each))
        self._origins = {}
        status.count("retries", put_records(self._client, self._stream, records, self._shelf.stop))
        status.count("documents", len(documents) - len(too_large))
        status.count("superseded", taken - len(documents) - len(rejected))
        return max((document.at for document in documents), default=None)


def _aside(rejected: Rejected) -> dict[str, Any]:
    return {
        "id": rejected.id,
        "version": rejected.version,
        "source": rejected.source,
        "reason": rejected.reason,
        "status": rejected.kind,
    }


# -- load -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Part:
    """Where a record's documents stand in a bulk body."""

    record: Record
    first: int
    header: Header


@dataclass(frozen=True)
class _Bulk:
    body: Body
    parts: list[_Part]
    futures: list[Future[Written]]


class LoadSink:
    """Documents go to every target, several requests at once; their order does not matter, as versions decide.

    :param bytes_each: text after which a request is full.
    :param most: requests of this shard that may be unfinished before reading waits.
    """

    def __init__(
        self, shard: str, targets: Sequence[Target], shelf: Shelf, *, bytes_each: int = 4 * 2**20, most: int = 4
    ) -> None:
        self._shard, self._targets, self._shelf = shard, targets, shelf
        self._bytes, self._most = bytes_each, most * len(targets)
        self._steps: deque[tuple[list[_Bulk], Progress]] = deque()
        self._open: list[Future[Written]] = []

    def add(self, fetched: Fetched) -> None:
        """Send the records' documents; waits while too many requests are unfinished."""
        bulks = [self._sent(texts, parts) for texts, parts in self._filled(fetched.records)]
        commits = [moment(part.header.newest) for bulk in bulks for part in bulk.parts if part.header.newest]
        self._steps.append((bulks, progress_of(fetched, commit_time=max(commits, default=None))))

    def done(self, *, wait: bool = False) -> Iterator[Progress]:
        """Polls whose documents are all written, in the order of reading."""
        while self._steps:
            bulks, progress = self._steps[0]
            if not wait and not all(future.done() for bulk in bulks for future in bulk.futures):
                return
            for bulk in bulks:
                self._finish(bulk)
            self._steps.popleft()
            yield progress

    def _filled(self, records: Sequence[Record]) -> Iterator[tuple[list[bytes], list[_Part]]]:
        """The records' lines and where they stand, gathered until a request is full."""
        texts: list[bytes] = []
        parts: list[_Part] = []
        size = count = 0
        for record in records:
            header, text = self._decoded(record)
            if not header.count:
                continue
            texts.append(text)
            parts.append(_Part(record, count, header))
            size, count = size + len(text), count + header.count
            if size >= self._bytes:
                yield texts, parts
                texts, parts, size, count = [], [], 0, 0
        if count:
            yield texts, parts

    def _decoded(self, record: Record) -> tuple[Header, bytes]:
        self._shelf.status.count("records")
        try:
            return decode_record(record.data)
        except ContractError as error:
            found = {"id": None, "version": None, "reason": str(error), "status": "record"}
            self._shelf.put(self._shard, record, "0", {**found, "source": readable(record.data)})
            return Header("", 0, None, None), b""

    def _sent(self, texts: list[bytes], parts: list[_Part]) -> _Bulk:
        self._open = [future for future in self._open if not future.done()]
        if len(self._open) >= self._most:
            wait(self._open, return_when=FIRST_COMPLETED)
        body = Body(b"".join(texts), parts[-1].first + parts[-1].header.count)
        futures = [target.submit(body, self._shelf.stop) for target in self._targets]
        self._open += futures
        return _Bulk(body, parts, futures)

    def _finish(self, bulk: _Bulk) -> None:
        status = self._shelf.status
        for number, future in enumerate(bulk.futures):
            written = future.result()
            status.count("documents", written.written)
            status.count("conflicts", written.conflicts)
            status.count("retries", written.retries)
            for refusal in written.refused:
                self._put_aside(bulk, number, refusal)

    def _put_aside(self, bulk: _Bulk, number: int, refusal: Refusal) -> None:
        part = next(part for part in reversed(bulk.parts) if part.first <= refusal.index)
        action, source = bulk.body.pair(refusal.index)
        place = str(refusal.index - part.first)
        found = {
            **_identity(action),
            "source": readable(source),
            "reason": refusal.reason,
            "status": refusal.status,
            "target": self._targets[number].name,
        }
        self._shelf.put(self._shard, part.record, place if number == 0 else f"{place}-{number}", found)


def _identity(action: bytes) -> dict[str, Any]:
    try:
        found = json.loads(action)["index"]
        return {"id": found["_id"], "version": found["version"]}
    except (ValueError, KeyError, TypeError):
        return {"id": None, "version": None, "action": readable(action)}


def readable(data: bytes) -> Any:
    """Bytes as they can stand in a JSON object: as JSON, as text, or in base64."""
    try:
        return json.loads(data)
    except ValueError:
        pass
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}
