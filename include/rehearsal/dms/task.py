"""A task: full load of the tables that were never loaded, then the binary log from where it was."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from rehearsal.dms import faults, records, state
from rehearsal.dms.binlog import Binlog, Transaction
from rehearsal.dms.faults import Faults
from rehearsal.dms.progress import Progress
from rehearsal.dms.records import Style
from rehearsal.dms.source import Source
from rehearsal.dms.writer import Writer
from rehearsal.errors import RehearsalError

SAVE_SECONDS = 0.1


@dataclass
class _Cached:
    """The faults of a file, read again at most each tenth of a second."""

    path: Path
    read_at: float = 0.0
    faults: Faults = field(default_factory=Faults)

    def __call__(self) -> Faults:
        if time.monotonic() > self.read_at + 0.1:
            self.read_at = time.monotonic()
            self.faults = faults.read(self.path)
        return self.faults


class Task:
    """Reads in one thread and writes in another.

    :param folder: keeps the task's state, and `faults.json`.
    :param stream: the name of the target stream.
    """

    def __init__(self, folder: Path, source: Source, client: Any, stream: str, style: Style) -> None:
        self._folder = folder
        self._source = source
        self._given_style = style
        self._faults = _Cached(folder / faults.FILE)
        self._stopping = threading.Event()
        self._writer = Writer(client, stream, self._faults, self._stopping.is_set)
        self._state = state.load(folder)
        self._error: BaseException | None = None

    def run(self, ready: Callable[[], None]) -> None:
        """Work until `stop`; what was read and not written then is read again at the next start.

        :param ready: called when the binary log is about to be read.
        :raises RehearsalError: the task cannot go on; `state.json` says so, too.
        """
        written = self._state.records
        try:
            self._source.require_rows()
            self._load()
            if self._stopping.is_set():
                return
            progress = Progress(self._state.gtid_executed)
            threading.Thread(target=self._guarded, args=(partial(self._read, progress),), daemon=True).start()
            ready()
            while not self._stopping.is_set():
                self._work(progress, written)
            self._save(progress, written)
            if self._error:
                raise self._error
        except (RehearsalError, ValueError) as error:
            self._state.failed(str(error)).save(self._folder)
            raise RehearsalError(str(error)) from None

    def stop(self) -> None:
        """End soon."""
        self._stopping.set()

    def _style(self) -> Style:
        return replace(self._given_style, lob_marker=self._faults().lob_marker)

    def _guarded(self, action: Callable[[], None]) -> None:
        try:
            action()
        except BaseException as error:
            self._error = error
            self._stopping.set()

    def _read(self, progress: Progress) -> None:
        binlog = Binlog(self._source, self._state.gtid_executed, self._style, progress.reopen)
        for event in binlog:
            if isinstance(event, Transaction):
                progress.close(event.gtid)
            else:
                self._writer.put(event, partial(progress.written, progress.read()))

    def _work(self, progress: Progress, written: int) -> None:
        ends = time.monotonic() + SAVE_SECONDS
        while time.monotonic() < ends and not self._stopping.is_set():
            self._writer.step()
        self._save(progress, written)

    def _save(self, progress: Progress, written: int) -> None:
        found = replace(
            self._state, gtid_executed=progress.executed(), records=written + self._writer.records, error=None
        )
        if found != self._state:
            self._state = found
            found.save(self._folder)

    def _load(self) -> None:
        """Write all rows of the tables that have not been loaded.

        The position is taken before the first row is read, so no change is missed; some come twice. A table counts as
        loaded once all its rows are in the stream; a load that is interrupted begins anew.
        """
        executed = self._state.gtid_executed or self._source.executed()
        if not executed:
            raise RehearsalError("The source has no GTIDs yet: make the tables first, then start the task.")
        loaded = set(self._state.loaded)
        for schema in self._source.schemas:
            for name, table in self._source.tables(schema).items():
                if name in loaded:
                    continue
                style = self._style()
                self._put(records.control(table, "create-table", style, datetime.now(UTC)))
                for row in self._source.rows(table):
                    self._put(records.load(table, row, style, datetime.now(UTC)))
                self._drain()
                if self._stopping.is_set():
                    return
                loaded.add(name)
        self._state = replace(
            self._state, gtid_executed=executed, loaded=tuple(sorted(loaded)), records=self._writer.records, error=None
        )
        self._state.save(self._folder)

    def _put(self, record: records.Record) -> None:
        # This thread writes, too, so it must not wait for itself.
        while self._writer.full and not self._stopping.is_set():
            self._writer.step()
        if not self._stopping.is_set():
            self._writer.put(record, _nothing)

    def _drain(self) -> None:
        while not self._writer.idle and not self._stopping.is_set():
            self._writer.step()


def _nothing() -> None:
    return
