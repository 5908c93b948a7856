"""The copy of one index into another by the server's own `_reindex`, chunk by chunk.

`_reindex` does not survive its node. So the copy is cut into chunks of sequence numbers (`chunks.py`); a chunk counts
as copied once its task's figures agree with the source, and is then recorded in the new index (`state.py`). The index
acknowledges nothing that is not on disk (`mapping.DURING_COPY`). What is missing is found by looking: at the record,
at the running tasks (each bears a mark, see `calls.opaque`), at the results that the server keeps. A chunk that is
copied twice does no harm, as versions decide.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from livemove.runbook.errors import NeedsPerson, TryAgain
from livemove.search import calls, chunks
from livemove.search.chunks import Chunk
from livemove.search.faults import NotThere
from livemove.search.rejections import Rejections, survey
from livemove.search.state import RebuildState, read_state, write_state
from livemove.search.waiting import Progress

if TYPE_CHECKING:
    from livemove.search.hook import SearchHook

log = logging.getLogger(__name__)
CHUNK_DOCUMENTS: Final = 500_000
# Buckets in which the documents of the source are counted, to cut it into chunks.
BUCKETS: Final = 5_000
# A call of the step follows the copy for so long, so that one chunk follows upon another without a pause.
LINGER_SECONDS: Final = 10.0
POLL_SECONDS: Final = 0.2
# A look costs several calls, so while a task runs only its end is waited for, and all is looked at this often.
LOOK_SECONDS: Final = 2.0
FLOODED: Final = "index.blocks.read_only_allow_delete"


class Copier:
    """Copies all of an index into one that `indices.create` has made for it.

    :param target: the new index; its state names the source.
    :param slices: into how many parts the server cuts a chunk, which it copies at the same time.
    :param linger_seconds: how long a call of the step may follow the copy.
    """

    def __init__(
        self, hook: SearchHook, target: str, *, slices: int | str = "auto", linger_seconds: float = LINGER_SECONDS
    ) -> None:
        self._linger_seconds = linger_seconds
        self._hook = hook
        self._target = target
        self._slices = slices
        self._chunks: list[Chunk] | None = None
        self._limit: float | None = None
        self._most = ("", 0)
        self._running = ""
        self.copied_now: list[Chunk] = []

    def step(self) -> Progress:
        """Copy on for a while, and say how far the copy is; called again until it is done.

        :returns: in the end with `index`, `documents`, `chunks` (how many this object has copied).
        :raises NeedsPerson: documents are rejected, a disk is full, or counts do not agree.
        :raises TryAgain: a task ended without having copied its chunk; the next call copies it again.
        """
        ends = time.monotonic() + self._linger_seconds
        while True:
            seen = self.look()
            if seen.done or time.monotonic() >= ends:
                return replace(seen, pause_seconds=None if seen.done else POLL_SECONDS)
            self._await_task(min(ends, time.monotonic() + LOOK_SECONDS))

    def _await_task(self, ends: float) -> None:
        """Return soon after the running task has ended, or at a time."""
        while time.monotonic() < ends:
            time.sleep(POLL_SECONDS)
            found = self._hook.find(f"/_tasks/{self._running}") if self._running else None
            if found is None or found["completed"]:
                return

    def look(self) -> Progress:
        """Look, do what can be done now, and say how far the copy is."""
        state = read_state(self._hook, self._target)
        if state.copy_done:
            return self._done(state)
        self._refuse_flooded(state)
        task, ended = state.task, None
        if task is not None:
            running, ended = self._look_at(task)
            if running:
                self._follow_limit(task, state)
                return self._progress(state, task)
        left = self._left(state, task if ended is not None else None)
        if left:
            return self._begin(state, left, task if ended is not None else None)
        if task is not None and ended is not None:
            state = self._record(state, task, None)
        return self._finish(state)

    # -- a task -----------------------------------------------------------------------------------

    def _adopted(self) -> Mapping[str, Any] | None:
        """The task of a chunk that runs, though no one has recorded that it was begun."""
        found = self._hook.get("/_tasks", actions="*reindex", detailed=True)
        head = f"livemove:{self._target}:"
        for node in found.get("nodes", {}).values():
            for name, task in node["tasks"].items():
                mark = _marked(task)
                if mark.startswith(head) and "parent_task_id" not in task:
                    low, high = (int(each) for each in mark.removeprefix(head).split("-"))
                    log.info("Found the running task %s of chunk %d-%d.", name, low, high)
                    return {"id": name, "low": low, "high": high, "documents": self._count(low, high)}
        return None

    def _look_at(self, task: Mapping[str, Any]) -> tuple[bool, Mapping[str, Any] | None]:
        """Whether a chunk's task runs; and what it did, None if that is not known or was not all."""
        found = self._hook.find(f"/_tasks/{task['id']}")
        # Numbers of tasks begin anew with a node that is restarted, so a task of that name may be another one.
        if found is None or _marked(found["task"]) != calls.opaque(self._target, task["low"], task["high"]):
            log.warning(
                "The task %s of chunk %s-%s is gone, its node was restarted: the chunk is copied again.",
                task["id"], task["low"], task["high"],
            )  # fmt: skip
            return False, None
        if not found["completed"]:
            return True, None
        answer = found.get("response")
        if answer is None or answer.get("canceled") or answer.get("timed_out"):
            self._forget(task)
            told = (answer or {}).get("canceled") or _reason(found)
            raise TryAgain(f"The copy of chunk {task['low']}-{task['high']} ended early ({told}); it begins again.")
        self._judge(task, answer)
        return False, answer

    def _judge(self, task: Mapping[str, Any], answer: Mapping[str, Any]) -> None:
        """Refuse a chunk that is not whole."""
        failures = answer.get("failures") or []
        if failures:
            self._forget(task)
            self._explain_failures(task, failures)
        done = sum(int(answer[key]) for key in ("created", "updated", "version_conflicts", "noops"))
        if not int(answer["total"]) == done == int(task["documents"]):
            self._forget(task)
            raise TryAgain(
                f"Chunk {task['low']}-{task['high']} has {task['documents']} documents, but its task found "
                f"{answer['total']} and wrote {done}; it is copied again."
            )

    def _explain_failures(self, task: Mapping[str, Any], failures: list[Mapping[str, Any]]) -> None:
        statuses = {int(each.get("status", 500)) for each in failures}
        if statuses <= {400}:
            raise NeedsPerson(self._survey(task).text(self._target))
        told = "; ".join(_failure(each) for each in failures[:3])
        self._refuse_flooded(read_state(self._hook, self._target), told)
        raise TryAgain(f"The copy of chunk {task['low']}-{task['high']} failed: {told}")

    def _survey(self, task: Mapping[str, Any]) -> Rejections:
        state = read_state(self._hook, self._target)
        return survey(self._hook, state.source, self._target, Chunk(task["low"], task["high"], task["documents"]))

    def _forget(self, task: Mapping[str, Any]) -> None:
        """Let the next look find no task, so that the chunk is copied again."""
        write_state(self._hook, self._target, task=None)
        self._drop_result(task)

    def _drop_result(self, task: Mapping[str, Any]) -> None:
        """Delete the result that the server keeps, so that they do not pile up."""
        try:
            self._hook.ask(calls.Call("DELETE", calls.path(".tasks", "_doc", str(task["id"]))))
        except (NeedsPerson, TryAgain) as fault:
            # Not allowed to most users; it is a small document.
            log.debug("The result of task %s stays: %s", task["id"], fault)

    def _follow_limit(self, task: Mapping[str, Any], state: RebuildState) -> None:
        """Give a running task the limit that the state names by now."""
        if task.get("requests_per_second", self._limit) == state.requests_per_second == self._limit:
            return
        try:
            self._hook.run(calls.rethrottle(str(task["id"]), state.requests_per_second))
        except NotThere:
            return
        self._limit = state.requests_per_second

    # -- chunks -----------------------------------------------------------------------------------

    def _left(self, state: RebuildState, ended: Mapping[str, Any] | None) -> list[Chunk]:
        if self._chunks is None:
            self._chunks = self._plan(state)
        done = list(state.copied)
        if ended is not None:
            done.append((int(ended["low"]), int(ended["high"])))
        return chunks.remaining(self._chunks, done)

    def _plan(self, state: RebuildState) -> list[Chunk]:
        self._hook.run(calls.refresh(state.source))
        body: dict[str, Any] = {"size": 0, "aggs": {"most": {"max": {"field": "_seq_no"}}}}
        most = self._hook.get(calls.path(state.source, "_search"), body)["aggregations"]["most"]["value"]
        if most is None:
            return []
        end = int(most) + 1
        interval = max(1, -(-end // BUCKETS))
        body["aggs"] = {"parts": {"histogram": {"field": "_seq_no", "interval": interval, "min_doc_count": 1}}}
        parts = self._hook.get(calls.path(state.source, "_search"), body)["aggregations"]["parts"]["buckets"]
        histogram = [(int(each["key"]), int(each["doc_count"])) for each in parts]
        return chunks.planned(histogram, end, state.chunk_documents or CHUNK_DOCUMENTS)

    def _count(self, low: int, high: int) -> int:
        source = read_state(self._hook, self._target).source
        return int(self._hook.get(calls.path(source, "_count"), {"query": calls.seq_no_range(low, high)})["count"])

    def _begin(self, state: RebuildState, left: list[Chunk], ended: Mapping[str, Any] | None) -> Progress:
        """Begin the next chunk, then record it and the one that has ended."""
        if (running := self._adopted()) is not None:
            return self._progress(self._record(state, ended, running), running)
        chunk = left[0]
        documents = self._count(chunk.low, chunk.high) if chunk.documents is None else chunk.documents
        call = calls.reindex(
            state.source, self._target, chunk.low, chunk.high,
            requests_per_second=state.requests_per_second, slices=self._slices,
        )  # fmt: skip
        self._limit = state.requests_per_second
        begun = str(self._hook.ask(call, retries=0)["task"])
        task = {"id": begun, "low": chunk.low, "high": chunk.high, "documents": documents}
        log.info("%s: chunk %s with %d documents is task %s; %d chunks are left.",
                 self._target, chunk, documents, begun, len(left))  # fmt: skip
        return self._progress(self._record(state, ended, task), task)

    def _record(
        self, state: RebuildState, ended: Mapping[str, Any] | None, begun: Mapping[str, Any] | None
    ) -> RebuildState:
        if ended is None:
            return write_state(self._hook, self._target, task=begun)
        low, high, documents = (int(ended[key]) for key in ("low", "high", "documents"))
        recorded = write_state(
            self._hook,
            self._target,
            task=begun,
            copied=tuple(chunks.merged([*state.copied, (low, high)])),
            documents=state.documents + documents,
        )
        self.copied_now.append(Chunk(low, high, documents))
        self._drop_result(ended)
        return recorded

    # -- words ------------------------------------------------------------------------------------

    def _progress(self, state: RebuildState, task: Mapping[str, Any]) -> Progress:
        self._running = str(task["id"])
        written = self._written(task)
        total = sum(chunk.documents or 0 for chunk in self._chunks or ())
        limit = f", at most {state.requests_per_second:g}/s" if state.requests_per_second else ""
        seen = state.documents + written
        return Progress(False, f"{self._target}: {seen} of {total or 'unknown'} documents copied{limit}", {})

    def _written(self, task: Mapping[str, Any]) -> int:
        """Documents of a chunk that its task has written so far."""
        found = self._hook.get("/_tasks", parent_task_id=task["id"], detailed=True)
        # Without slices its children are single searches and bulk requests, which have no status.
        statuses = [
            each.get("status", {}) for node in found.get("nodes", {}).values() for each in node["tasks"].values()
        ]
        # A parent tells of the slices that have ended only, or of all if there are none.
        own = self._hook.find(f"/_tasks/{task['id']}") or {}
        statuses.append(own.get("task", {}).get("status", {}))
        keys = ("created", "updated", "version_conflicts", "noops")
        written = sum(int(status.get(key, 0)) for status in statuses for key in keys)
        # A slice that ends between the two looks is in both, or in neither.
        before = self._most[1] if self._most[0] == task["id"] else 0
        self._most = (str(task["id"]), min(max(written, before), int(task["documents"])))
        return self._most[1]

    def _done(self, state: RebuildState) -> Progress:
        result = {"index": self._target, "documents": state.documents, "chunks": len(self.copied_now)}
        return Progress(True, f"{self._target} has all {state.documents} documents of {state.source}", result)

    # -- the end ----------------------------------------------------------------------------------

    def _finish(self, state: RebuildState) -> Progress:
        """Prove the whole, set the user's settings, and only then say that the copy is done."""
        self._hook.run(calls.refresh(self._target))
        here, there = (
            int(self._hook.get(calls.path(index, "_count"))["count"]) for index in (self._target, state.source)
        )
        if here != there:
            raise NeedsPerson(
                f"{self._target} has {here} documents, {state.source} has {there}, though every chunk agreed. "
                f"Something else writes to {self._target}: stop it, delete the index, start a new run."
            )
        self._hook.run(calls.put_settings(self._target, state.settings_to_restore))
        return self._done(write_state(self._hook, self._target, copy_done=True, task=None, documents=there))

    def _refuse_flooded(self, state: RebuildState, told: str = "") -> None:
        """Stop with the reason where the disk is full; the server alone would try for many minutes."""
        settings = self._hook.get(calls.path(self._target, "_settings"), flat_settings=True)[self._target]["settings"]
        if settings.get(FLOODED) != "true":
            return
        if state.task is not None:
            try:
                self._hook.run(calls.cancel(str(state.task["id"])))
            except NotThere:
                log.info("The task has ended.")
        raise NeedsPerson(
            f"{self._target} on {self._hook} takes no writes: the disk of a data node is over the flood-stage "
            f"watermark ({FLOODED}). {told} Free space or add a node: Elasticsearch lifts the block by itself below "
            "the high watermark. Then clear the task; what is copied is not copied again."
        )


def throttle(hook: SearchHook, target: str, requests_per_second: float | None) -> RebuildState:
    """Change the limit of a copy, which follows at its next look; the limit of a running chunk is changed at once.

    :param requests_per_second: documents a second; None for no limit.
    :raises NeedsPerson: the index is not one of ours.
    """
    if requests_per_second is not None and requests_per_second <= 0:
        raise NeedsPerson("requests_per_second is above 0; None is for no limit.")
    read_state(hook, target)
    state = write_state(hook, target, requests_per_second=requests_per_second)
    # The copy records a chunk by reading and writing the same place; its write may have overtaken ours.
    for _ in range(5):
        time.sleep(0.3)
        state = read_state(hook, target)
        if state.requests_per_second == requests_per_second:
            break
        state = write_state(hook, target, requests_per_second=requests_per_second)
    if state.task is not None:
        try:
            hook.run(calls.rethrottle(str(state.task["id"]), requests_per_second))
        except NotThere:
            log.info("The chunk has ended; the next one has the new limit.")
    return state


def _marked(task: Mapping[str, Any]) -> str:
    return str((task.get("headers") or {}).get(calls.OPAQUE, ""))


def _reason(found: Mapping[str, Any]) -> str:
    """Why a task has no answer."""
    error = found.get("error") or {}
    return str(error.get("reason") or error or "no reason given")


def _failure(failure: Mapping[str, Any]) -> str:
    cause = failure.get("cause") or failure.get("reason") or {}
    told = cause.get("reason") if isinstance(cause, Mapping) else cause
    return f"{failure.get('id', 'shard ' + str(failure.get('shard', '?')))}: {told}"
