"""The steps of a rebuild. Each call looks, does what is missing and can be done now, and says how far it is."""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import Any

from livemove.rebuild.delays import greatest_delay
from livemove.rebuild.rebuild import Rebuild
from livemove.runbook.errors import NeedsPerson
from livemove.search import copying, indices, naming, snapshots, state
from livemove.search.state import RebuildState
from livemove.search.waiting import Progress
from livemove.stream import points

log = logging.getLogger(__name__)

# A loader that ends by itself is started again; more often than this within one step is no accident.
RESTARTS = 5
THROTTLE_LOOK_SECONDS = 5.0


def throttle_variable(alias: str) -> str:
    """The Airflow variable that limits a copy while it runs: documents a second; 0 for no limit."""
    return f"livemove_{alias}_requests_per_second"


# -- restore --------------------------------------------------------------------------------------------


def restore(rebuild: Rebuild) -> Progress:
    """A snapshot is chosen or taken, the new index made, and the restored copy is whole."""
    hook, index = rebuild.target, rebuild.index
    found = state.find_state(hook, index)
    if found is None:
        seen = _snapshot(rebuild)
        if not seen.done:
            return seen
        found = _created(rebuild, seen.result)
    if found.copy_done:
        return Progress(True, f"{index} has all documents already")
    if not found.origin:
        found = state.write_state(hook, index, origin=rebuild.source_index())
    repository, _, name = found.snapshot.partition("/")
    return snapshots.restore(hook, repository, name, found.origin, naming.restored_copy(index))


def _snapshot(rebuild: Rebuild) -> Progress:
    wanted = rebuild.settings.snapshot
    return snapshots.ensure(
        rebuild.source,
        wanted.repository,
        rebuild.source_index(),
        wanted.prefix,
        naming.snapshot(wanted.prefix, rebuild.made_at),
        max_age=timedelta(hours=wanted.max_age_hours),
        take_one=wanted.take,
    )


def _created(rebuild: Rebuild, snapshot: Any) -> RebuildState:
    settings = rebuild.settings
    return indices.create(
        rebuild.target,
        rebuild.index,
        rebuild.body,
        alias=rebuild.alias,
        source=naming.restored_copy(rebuild.index),
        snapshot=f"{settings.snapshot.repository}/{snapshot['snapshot']}",
        snapshot_started_at=snapshot["started_at"],
        requests_per_second=settings.reindex.requests_per_second,
        chunk_documents=settings.reindex.chunk_documents,
    )


# -- reindex --------------------------------------------------------------------------------------------


class Reindex:
    """All documents of the restored copy are in the new index, proven by counts of each chunk."""

    def __init__(self, rebuild: Rebuild) -> None:
        self._rebuild = rebuild
        self._copier = copying.Copier(rebuild.target, rebuild.index)
        self._looked = 0.0

    def __call__(self) -> Progress:
        """Copy on."""
        if time.monotonic() - self._looked > THROTTLE_LOOK_SECONDS:
            self._looked = time.monotonic()
            self._throttle()
        return self._copier.step()

    def _throttle(self) -> None:
        wanted = _variable(throttle_variable(self._rebuild.alias))
        if wanted is None:
            return
        limit = wanted or None
        if self._rebuild.state().requests_per_second != limit:
            copying.throttle(self._rebuild.target, self._rebuild.index, limit)


def _variable(name: str) -> float | None:
    from airflow.sdk import Variable

    try:
        given = Variable.get(name, default=None)
        found = None if given in (None, "") else float(given)
    except ValueError:
        log.warning("The Airflow variable %s is no number, and is not heeded.", name)
        return None
    except Exception as error:
        log.warning("The Airflow variable %s could not be read: %s", name, error)
        return None
    return found if found is None or found >= 0 else None


# -- catching up ----------------------------------------------------------------------------------------


def start_of_loader(rebuild: Rebuild) -> tuple[str, str]:
    """From when the new index's loader has to read, and why."""
    found = rebuild.state()
    if not found.copy_done:
        raise NeedsPerson(
            f"{rebuild.index} does not have all documents yet: a loader that starts now could have its deletes undone "
            "by older documents. Clear `copy.reindex` first."
        )
    started = points.parse(found.snapshot_started_at)
    limits, streams = rebuild.settings.limits, rebuild.settings.streams
    delay = greatest_delay(rebuild.loaders.streams, streams.documents, started)
    said = rebuild.loaders.control.fresh_status(rebuild.source_index())
    delay = max(delay, (said.lag_seconds if said else None) or 0.0)
    at = points.iso(points.rewind_point(started, delay, limits.rewind_seconds))
    why = f"{delay:.1f} s of delay and {limits.rewind_seconds:g} s before the snapshot of {points.iso(started)}"
    return at, why


def deploy(rebuild: Rebuild) -> Progress:
    """The new index's loader runs, rewound to the snapshot."""
    if rebuild.deployer.state(rebuild.index) == "running":
        return Progress(True, f"the loader {rebuild.index} runs")
    start, why = start_of_loader(rebuild)
    done = rebuild.loaders.deploy(rebuild.deployment(rebuild.index, start))
    return Progress(True, f"{done}, {why}", {"start": start})


class Level:
    """The new index's loader is level with the stream, several looks in a row."""

    def __init__(self, rebuild: Rebuild) -> None:
        self._rebuild = rebuild
        self._looks = self._restarts = 0

    def __call__(self) -> Progress:
        """Look; start the loader again where it has ended."""
        rebuild, limits = self._rebuild, self._rebuild.settings.limits
        if rebuild.deployer.state(rebuild.index) != "running":
            return self._restarted()
        reasons = rebuild.loaders.behind(rebuild.index, rebuild.settings.streams.documents, limits.lag_seconds)
        self._looks = 0 if reasons else self._looks + 1
        said = rebuild.loaders.control.status(rebuild.index)
        figures = f", {said.documents:,} documents applied, {said.conflicts:,} of them were newer" if said else ""
        if self._looks >= limits.polls:
            return Progress(True, f"{rebuild.index} is level with {rebuild.settings.streams.documents}{figures}")
        seen = "; ".join(reasons) or f"level, {self._looks} of {limits.polls}"
        return Progress(False, f"{rebuild.index}: {seen}{figures}")

    def _restarted(self) -> Progress:
        rebuild = self._rebuild
        words = rebuild.deployer.last_words(rebuild.index)
        self._looks = 0
        self._restarts += 1
        if self._restarts > RESTARTS:
            raise NeedsPerson(
                f"The loader {rebuild.index} has ended {self._restarts} times. Its last words:\n{words}\nRemove the "
                "cause, then clear this task."
            )
        if words:
            log.warning("The loader %s has ended. Its last words:\n%s", rebuild.index, words)
        return Progress(False, deploy(rebuild).text)
