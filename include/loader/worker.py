"""One thread for each shard: poll, hand on, publish what is applied."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from loader.errors import StoppedError
from loader.kinesis import Fetched, ShardReader
from loader.progress import Status
from loader.sinks import Sink

log = logging.getLogger(__name__)

# How soon a pause, a stop or a finished request is noticed between two polls.
_STEP_SECONDS = 0.05
# The clocks of this machine and of Kinesis may differ by that much.
_CLOCKS = timedelta(seconds=1)


@dataclass(frozen=True)
class Signals:
    """What the runner tells its workers."""

    ending: threading.Event = field(default_factory=threading.Event)
    """Finish what was read, read no more."""
    abandoning: threading.Event = field(default_factory=threading.Event)
    """Do not even wait for what was read."""
    pausing: threading.Event = field(default_factory=threading.Event)
    """Finish what was read, then rest until it is taken back."""


class Worker(threading.Thread):
    """Reads one shard from its position to its end, or until it is told to stop.

    :param until: only records that arrived before it are wanted.
    """

    def __init__(
        self, shard: str, reader: ShardReader, sink: Sink, status: Status, signals: Signals, until: datetime | None
    ) -> None:
        super().__init__(name=shard, daemon=True)
        self.shard = shard
        self._reader, self._sink, self._status, self._signals, self._until = reader, sink, status, signals, until
        self.paused = threading.Event()
        """All that was read is applied, and nothing is being read."""
        self.error: BaseException | None = None

    def run(self) -> None:
        """The thread's work; an error is kept in `error`."""
        try:
            self._work()
        except StoppedError:
            log.info("shard %s: stopped before its last requests were done; they will be read again", self.shard)
        except Exception as error:
            log.exception("shard %s", self.shard)
            self.error = error

    def _work(self) -> None:
        while not self._signals.ending.is_set():
            if self._signals.pausing.is_set():
                self._rest()
                continue
            fetched = self._reader.poll()
            self._count_throttling()
            if fetched is not None:
                fetched = self._wanted(fetched)
                self._sink.add(fetched)
                if fetched.ended:
                    self._publish(wait=True)
                    self._status.finished(self.shard)
                    return
            self._publish()
            self._wait(self._reader.pause)
        self._publish(wait=True)

    def _wanted(self, fetched: Fetched) -> Fetched:
        """The poll without what came too late; it is the last one if nothing wanted can follow."""
        if self._until is None:
            return fetched
        wanted = [record for record in fetched.records if record.arrived_at < self._until]
        reached = fetched.at - timedelta(milliseconds=fetched.behind_ms)
        over = len(wanted) < len(fetched.records) or reached >= self._until + _CLOCKS
        return replace(fetched, records=wanted, ended=fetched.ended or over)

    def _rest(self) -> None:
        self._publish(wait=True)
        self.paused.set()
        while self._signals.pausing.is_set() and not self._signals.ending.wait(_STEP_SECONDS):
            pass
        self.paused.clear()

    def _wait(self, seconds: float) -> None:
        """Wait for the next poll, but publish what gets done meanwhile."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self._signals.ending.wait(min(left, _STEP_SECONDS)) or self._signals.pausing.is_set():
                return
            self._publish()

    def _publish(self, *, wait: bool = False) -> None:
        for progress in self._sink.done(wait=wait):
            self._status.advanced(self.shard, progress)

    def _count_throttling(self) -> None:
        if self._reader.throttled:
            self._status.count("throttled", self._reader.throttled)
            self._reader.throttled = 0
