"""The embedded runner: workers for the shards of a stream, control from S3, status into S3.

It serves rehearsals and flows that one machine can carry; the core that it drives (changes, documents, contract)
knows nothing of it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from loader.contract import moment, timestamp
from loader.errors import LoaderError, StoppedError
from loader.kinesis import TRIM_HORIZON, ShardReader, list_shards, retention_hours
from loader.progress import Status
from loader.shards import Shard, ready
from loader.sinks import Sink
from loader.state import State
from loader.times import jittered, now
from loader.worker import Signals, Worker

log = logging.getLogger(__name__)

CONTROL_SECONDS = 0.4
STATUS_SECONDS = 1.0
SHARDS_SECONDS = 10.0
_STEP_SECONDS = 0.05


@dataclass(frozen=True)
class Start:
    """Where reading begins.

    :param place: `checkpoint`, `latest`, `trim_horizon` or a moment in ISO 8601.
    :param otherwise: the same, for a checkpoint that does not exist.
    """

    place: str
    otherwise: str = TRIM_HORIZON

    def resolved(self, place: str) -> str:
        """`trim_horizon`, or a moment: `latest` is the present one, so that a restart skips nothing.

        :raises LoaderError: it is none of them.
        """
        if place == TRIM_HORIZON:
            return place
        if place == "latest":
            return timestamp(now())
        try:
            return timestamp(moment(place))
        except ValueError as error:
            raise LoaderError(f"--from is {place!r}: write checkpoint, latest, trim_horizon or a time") from error

    def apply(self, status: Status, state: State) -> None:
        """Set the positions that reading begins at.

        :raises LoaderError: the place is none that there is, or the checkpoint belongs to another stream.
        """
        if self.place != "checkpoint":
            status.start = self.resolved(self.place)
            return
        found = state.read_status()
        if found is None:
            status.start = self.resolved(self.otherwise)
            log.warning("no checkpoint %s: starting from %s", state.address("status.json"), status.start)
            return
        if found.get("stream") != status.stream:
            raise LoaderError(
                f"{state.address('status.json')} holds positions of stream {found.get('stream')!r}, not of "
                f"{status.stream!r}: name a start with --from, or choose another --name"
            )
        status.resume(found)


class Runner:
    """Runs one processor.

    :param client: boto3's Kinesis client.
    :param sink_of: makes the sink of a shard.
    :param until: only records that arrived before it are read; the run ends after them.
    :param ticks: called every second, to measure and to watch.
    :param grace: seconds for unfinished requests after a stop.
    """

    def __init__(
        self,
        client: Any,
        status: Status,
        state: State,
        sink_of: Callable[[str], Sink],
        signals: Signals,
        *,
        until: datetime | None = None,
        ticks: Sequence[Callable[[], None]] = (),
        grace: float = 8.0,
    ) -> None:
        self._client, self.status, self._state, self._sink_of = client, status, state, sink_of
        self._signals, self._until, self._ticks, self._grace = signals, until, ticks, grace
        self._workers: dict[str, Worker] = {}
        self._listed: list[Shard] = []
        self._due = {"control": 0.0, "status": 0.0, "shards": 0.0}

    def run(self) -> None:
        """Read until told to stop, until all is read that `until` asks for, or until an error.

        :raises LoaderError: it cannot go on; status.json says why too.
        """
        try:
            self._check_retention()
            self.status.state, self.status.error = "running", None
            while not self._signals.ending.is_set() and not self._complete():
                self._turn()
                self._signals.ending.wait(_STEP_SECONDS)
            self._finish()
            self.status.state = "stopped"
        except StoppedError:
            self.status.state = "stopped"
        except Exception as error:
            self.status.state, self.status.error = "failed", str(error)
            self._finish()
            raise
        finally:
            self._state.write_status(self.status.as_json())

    def _turn(self) -> None:
        self._reap()
        if self._is_due("shards", SHARDS_SECONDS):
            self._start_workers()
        if self._is_due("control", CONTROL_SECONDS):
            self._obey()
        changed = self._note_pause()
        if self._is_due("status", STATUS_SECONDS) or changed:
            for tick in self._ticks:
                tick()
            self._state.write_status(self.status.as_json())

    def _is_due(self, name: str, seconds: float) -> bool:
        at = time.monotonic()
        if at < self._due[name]:
            return False
        self._due[name] = at + seconds
        return True

    # -- shards -------------------------------------------------------------------------------

    def _start_workers(self) -> None:
        try:
            self._listed = list_shards(self._client, self.status.stream)
        except (ClientError, BotoCoreError) as error:
            log.warning("stream %s: its shards cannot be listed: %s", self.status.stream, error)
            return
        self.status.keep_only(shard.id for shard in self._listed)
        finished = {name for name, shard in self.status.shards.items() if shard.finished}
        for shard in ready(self._listed, reading=self._workers, finished=finished):
            self._start_worker(shard)

    def _start_worker(self, shard: str) -> None:
        self.status.opened(shard)
        start = self.status.start
        reader = ShardReader(
            self._client,
            self.status.stream,
            shard,
            after=self.status.shards[shard].sequence_number,
            start=start if start == TRIM_HORIZON else moment(start),
        )
        worker = Worker(shard, reader, self._sink_of(shard), self.status, self._signals, self._until)
        self._workers[shard] = worker
        worker.start()
        log.info("reading shard %s of %s", shard, self.status.stream)

    def _reap(self) -> None:
        for shard, worker in list(self._workers.items()):
            if worker.is_alive():
                continue
            if worker.error is not None:
                raise LoaderError(f"shard {shard}: {worker.error}") from worker.error
            del self._workers[shard]
            # Its children can be read now.
            self._due["shards"] = 0.0

    def _complete(self) -> bool:
        shards = self.status.shards
        return self._until is not None and bool(shards) and not self._workers and self._all_finished()

    def _all_finished(self) -> bool:
        return all(shard.id in self.status.shards and self.status.shards[shard.id].finished for shard in self._listed)

    def _check_retention(self) -> None:
        """Refuse to go on from a position that the stream no longer has: what came since would be skipped."""
        oldest = now() - timedelta(hours=self._retention_hours())
        for name, shard in self.status.shards.items():
            seen = max((at for at in (shard.arrived_at, shard.level_at) if at), default=None)
            if seen is not None and seen < oldest and not shard.finished:
                raise LoaderError(
                    f"stream {self.status.stream}: shard {name} was read up to {timestamp(seen)}, and the stream keeps "
                    f"records since {timestamp(oldest)} only: what came between is lost; rebuild the index"
                )

    def _retention_hours(self) -> int:
        attempt = 0
        while True:
            try:
                return retention_hours(self._client, self.status.stream)
            except (ClientError, BotoCoreError) as error:
                log.warning("stream %s: cannot be described: %s", self.status.stream, error)
                self.status.error = str(error)
            self._state.write_status(self.status.as_json())
            if self._signals.ending.wait(jittered(attempt, base=1.0)):
                raise StoppedError
            attempt += 1

    # -- pause and stop -----------------------------------------------------------------------

    def _obey(self) -> None:
        control = self._state.control()
        if control.stop:
            log.info("told to stop by %s", self._state.address("control.json"))
            self._signals.ending.set()
        if control.paused():
            self._signals.pausing.set()
        else:
            self._signals.pausing.clear()

    def _note_pause(self) -> bool:
        """Whether the state has just become `paused`, or ceased to be."""
        resting = self._signals.pausing.is_set() and all(worker.paused.is_set() for worker in self._workers.values())
        state = "paused" if resting else "running"
        changed = state != self.status.state
        self.status.state = state
        return changed

    def _finish(self) -> None:
        self._signals.ending.set()
        end = time.monotonic() + self._grace
        for worker in self._workers.values():
            worker.join(max(0.0, end - time.monotonic()))
        self._signals.abandoning.set()
        for worker in self._workers.values():
            worker.join(5.0)
