"""A stretch of the stream is written to the live index again, and it is proven that the index has all of it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from livemove.rebuild.rebuild import Rebuild
from livemove.runbook.errors import NeedsPerson
from livemove.runbook.evidence import Evidence, ok, stop, warn
from livemove.search import calls
from livemove.search.calls import Call
from livemove.search.waiting import Progress
from livemove.stream import points
from livemove.stream.deployment import Deployment
from livemove.stream.documents import changes
from livemove.stream.hook import Record

log = logging.getLogger(__name__)

RESTARTS = 5
GET_AT_ONCE = 1000
SHOWN = 10


def span(since: str, until: str | None, now: datetime) -> tuple[datetime, datetime]:
    """The stretch that is read.

    :param until: None for now.
    :raises NeedsPerson: it ends before it begins, or in the future.
    """
    try:
        begins, ends = points.parse(since), points.parse(until) if until else now
    except ValueError as error:
        raise NeedsPerson(f"params since and until: {error}") from error
    if begins >= ends:
        raise NeedsPerson(f"param since: {since} is not before {points.iso(ends)}.")
    if ends > now:
        raise NeedsPerson(f"param until: {until} has not come yet. Leave it out for now.")
    return begins, ends


def deployment(rebuild: Rebuild, since: str, until: str) -> Deployment:
    """The loader of a replay; its name is the same for the same stretch."""
    live = rebuild.source_index()
    stamp = f"{points.parse(since):%Y%m%d%H%M%S}-{points.parse(until):%Y%m%d%H%M%S}"
    return rebuild.deployment(live, since, until, f"{live}.replay-{stamp}")


def evidence(rebuild: Rebuild, since: datetime) -> Evidence:
    """Whether the stream still has it."""
    stream, now = rebuild.settings.streams.documents, datetime.now(UTC)
    hours = rebuild.loaders.streams.retention_hours(stream)
    oldest = now - timedelta(hours=hours)
    if since <= oldest:
        remedy = "What is older than that is gone from the stream: rebuild the index (index_rebuild) from a snapshot."
        check = stop("stream", f"{stream} keeps {hours} h, back to {points.iso(oldest)}", remedy)
    elif since - oldest < timedelta(hours=1):
        remedy = "It may be gone before it is read. Raise the stream's retention first."
        check = warn("stream", f"{stream} keeps {hours} h: {points.iso(since)} is about to be forgotten", remedy)
    else:
        check = ok("stream", f"{stream} keeps {hours} h, back to {points.iso(oldest)}")
    said = rebuild.loaders.control.fresh_status(rebuild.source_index())
    name = f"loader {rebuild.source_index()}"
    feeding = (
        ok(name, "runs")
        if said
        else warn(name, "does not run", "What is replayed will not be updated further. Deploy it.")
    )
    return Evidence(rebuild.alias, "replay", (check, feeding))


class Replay:
    """A loader has read the stretch to its end."""

    def __init__(self, rebuild: Rebuild, since: str, until: str) -> None:
        self._rebuild = rebuild
        self._wanted = deployment(rebuild, since, until)
        self._starts = 0

    def __call__(self) -> Progress:
        """Start it, or look how far it is."""
        rebuild, name = self._rebuild, self._wanted.name
        running = rebuild.deployer.state(name) == "running"
        said = rebuild.loaders.control.status(name)
        if said is not None and not running and said.state == "stopped" and self._starts:
            rebuild.loaders.refuse_failed_documents(said)
            figures = f"{said.documents:,} documents, {said.conflicts:,} of them newer already"
            return Progress(True, f"{name} has read all of it: {figures}", {"documents": said.documents})
        if not running:
            return self._started()
        self._starts = max(1, self._starts)
        done = f"{said.documents:,} documents" if said else "starting"
        return Progress(False, f"{name}: {done} so far")

    def _started(self) -> Progress:
        rebuild, name = self._rebuild, self._wanted.name
        self._starts += 1
        if self._starts > RESTARTS:
            words = rebuild.deployer.last_words(name)
            raise NeedsPerson(f"The loader {name} has ended {self._starts} times. Its last words:\n{words}")
        # One that has ended before this task began is no proof: it is done again, from the beginning.
        done = rebuild.loaders.rewind(self._wanted) if self._starts == 1 else rebuild.loaders.deploy(self._wanted)
        return Progress(False, done)


def prove(rebuild: Rebuild, since: str, until: str) -> str:
    """Read the stretch again, and find every document in the index, in that version or a newer one.

    :returns: figures.
    :raises NeedsPerson: documents are missing.
    """
    live, hook = rebuild.source_index(), rebuild.loaders.streams
    stream = rebuild.settings.streams.documents
    seen, lacking = 0, []
    for shard in hook.shards(stream):
        for records in hook.records(stream, shard.id, points.parse(since), points.parse(until)):
            wanted = newest(records)
            seen += len(wanted)
            lacking += list(_lacking(rebuild, live, wanted))
    if lacking:
        raise NeedsPerson(
            f"{len(lacking)} documents of the stretch are not in {live}: {', '.join(lacking[:SHOWN])}. For a minute "
            "after a delete by hand (index.gc_deletes) Elasticsearch takes that for newer; clear the task `replay`."
        )
    return f"{live} has all {seen:,} documents of the stretch, in these versions or newer ones"


def newest(records: list[Record]) -> dict[str, int]:
    """The highest version of each id."""
    found: dict[str, int] = {}
    for record in records:
        for change in changes(record.data):
            found[change.id] = max(change.version, found.get(change.id, 0))
    return found


def _lacking(rebuild: Rebuild, index: str, wanted: dict[str, int]) -> Iterator[str]:
    ids = sorted(wanted)
    for start in range(0, len(ids), GET_AT_ONCE):
        some = ids[start : start + GET_AT_ONCE]
        call = Call("POST", calls.path(index, "_mget"), {"realtime": True, "_source": False}, {"ids": some})
        for answer in rebuild.target.ask(call)["docs"]:
            if not answer.get("found") or int(answer["_version"]) < wanted[answer["_id"]]:
                yield answer["_id"]
