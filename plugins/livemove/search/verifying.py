"""Proof that two indices hold the same documents, while both are written to.

Both are read as of one moment, as fast as they are stored, into sums (`comparison.py`). What was written since shortly
before, in either, stays out of the sums: such documents are known by their sequence numbers and are compared by id,
past any refresh. So are documents in buckets that differ nevertheless, for which all ids are read once more. What
then still differs is read again after a pause, or once whoever calls says that both loaders have passed the
comparison. Only a difference that stays the same counts.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Container, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from livemove.runbook.errors import NeedsPerson
from livemove.search import calls, comparison
from livemove.search.aliases import LIVE_FILTER
from livemove.search.calls import Call
from livemove.search.comparison import DocumentDifference, Found, Sums
from livemove.search.reading import Reader

if TYPE_CHECKING:
    from livemove.search.hook import SearchHook

log = logging.getLogger(__name__)
# Ids that are looked at one by one; more tell a person nothing, and have to fit into memory.
MOST_CANDIDATES: Final = 100_000
GET_AT_ONCE: Final = 500
ROUNDS: Final = 3
SETTLE_SECONDS: Final = 2.0
LOG_SECONDS: Final = 15.0
SHOWN: Final = 20
# Documents by their ids, each with its routing; None for the usual one.
Routes = dict[str, str | None]


@dataclass(frozen=True)
class Side:
    """One of the two indices."""

    hook: SearchHook
    index: str


@dataclass(frozen=True)
class Verification:
    """What a comparison found.

    :param live_documents: searchable documents of the live index, as of one moment; markers of deleted ones do not
        count.
    :param candidates: documents that were looked at by id.
    :param differences: that stayed, the first of them; their number is `differing`.
    :param moving: documents that changed at every look; in the new index each is later than it was in the live one
        before.
    :param capped: so much differs that not all of it was looked at by id.
    """

    live: str
    new: str
    live_documents: int
    new_documents: int
    candidates: int = 0
    differing: int = 0
    differences: tuple[DocumentDifference, ...] = ()
    moving: int = 0
    capped: bool = False
    seconds: float = 0.0
    kinds: Mapping[str, int] = field(default_factory=dict)

    @property
    def same(self) -> bool:
        """Whether both hold the same documents."""
        return not self.differing and not self.capped

    def text(self) -> str:
        """For people."""
        head = (
            f"{self.live} has {self.live_documents} documents, {self.new} {self.new_documents}; read in "
            f"{self.seconds:.1f} s, {self.candidates} looked at by id"
            + (f", {self.moving} in motion" if self.moving else "")
        )
        if self.same:
            return f"{head}: no difference"
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(self.kinds.items()))
        more = "at least " if self.capped else ""
        lines = [f"- {each}" for each in self.differences]
        return "\n".join([f"{head}: {more}{self.differing} differ ({kinds})", *lines])

    def as_json(self) -> dict[str, Any]:
        """For XCom and the report."""
        names = (
            "live", "new", "live_documents", "new_documents", "candidates", "differing", "moving", "capped", "seconds",
            "same",
        )  # fmt: skip
        return {
            **{name: getattr(self, name) for name in names},
            "kinds": dict(self.kinds),
            "differences": [each.as_json() for each in self.differences],
        }


def verify(
    live: Side,
    new: Side,
    *,
    query: Mapping[str, Any] | None = LIVE_FILTER,
    versions: bool = True,
    settle: Callable[[], None] | None = None,
    threads: int = 1,
) -> Verification:
    """Compare two indices, of one cluster or of two.

    :param query: which documents count; the default leaves out markers of deleted documents.
    :param versions: whether versions have to be the same, too; False if the two were not written by versions.
    :param settle: called before the comparison and before differences are read again; returns once both indices have
        all that was committed before it was called. The default waits SETTLE_SECONDS.
    :param threads: that read one index.
    """
    began, settle = time.monotonic(), settle or pause()
    marks = [_highest(side) for side in (live, new)]
    settle()
    for side in (live, new):
        side.hook.run(calls.refresh(side.index))
    documents = [int(side.hook.get(calls.path(side.index, "_count"))["count"]) for side in (live, new)]
    buckets = comparison.buckets_for(max(documents))
    with Reader(live.hook, live.index, query=query) as one, Reader(new.hook, new.index, query=query) as two:
        moved = _written_since((live, new), marks)
        ours, theirs = _summed((one, two), buckets, versions, threads, moved)
        suspects = ours.differing(theirs)
        if len(suspects) * comparison.IN_A_BUCKET > MOST_CANDIDATES:
            log.info("%d buckets differ, perhaps in the form of their JSON only; all is read again.", len(suspects))
            ours, theirs = _summed((one, two), buckets, versions, threads, moved, as_stored=False)
            suspects = ours.differing(theirs)
        found, capped = _candidates((one, two), ours, suspects) if suspects else ({}, False)
    ids = moved | found
    left, moving = _settled(live, new, ids, versions, settle)
    kinds: dict[str, int] = {}
    for each in left:
        kinds[each.kind] = kinds.get(each.kind, 0) + 1
    result = Verification(
        live=live.index,
        new=new.index,
        live_documents=ours.documents,
        new_documents=theirs.documents,
        candidates=len(ids),
        differing=len(left),
        moving=moving,
        differences=tuple(sorted(left, key=lambda each: (each.kind, each.id))[:SHOWN]),
        capped=capped,
        seconds=round(time.monotonic() - began, 2),
        kinds=kinds,
    )
    log.info("%s", result.text())
    return result


def require_same(result: Verification) -> None:
    """Refuse indices that differ.

    :raises NeedsPerson: they do, with the first differences.
    """
    if not result.same:
        raise NeedsPerson(
            f"{result.text()}\nReplay the stream for these documents (stream_replay), or rebuild, then verify again."
        )


def _highest(side: Side) -> dict[int, int]:
    """The highest sequence number of each shard, -1 for an empty one."""
    found = side.hook.get(calls.path(side.index, "_stats"), level="shards")["indices"][side.index]["shards"]
    primaries = {int(shard): [each for each in copies if each["routing"]["primary"]] for shard, copies in found.items()}
    return {shard: int(copies[0]["seq_no"]["max_seq_no"]) for shard, copies in primaries.items() if copies}


def _written_since(sides: tuple[Side, Side], marks: list[dict[int, int]]) -> Routes:
    """Documents and markers that were written to either index since sequence numbers; none if they are too many.

    What was written before the marks has reached both indices by now, so nothing else can differ by time alone.
    """
    found: Routes = {}
    for side, highest in zip(sides, marks, strict=True):
        for shard, mark in highest.items():
            since = {"range": {"_seq_no": {"gt": mark}}}
            with Reader(side.hook, side.index, query=since, source=False, shard=shard) as reader:
                for hits in reader.pages():
                    found |= {hit.id: hit.routing for hit in hits}
                    if len(found) > MOST_CANDIDATES:
                        log.info("More than %d documents were written meanwhile.", MOST_CANDIDATES)
                        return {}
    return found


def _summed(
    readers: tuple[Reader, Reader],
    buckets: int,
    versions: bool,
    threads: int,
    left_out: Container[str],
    *,
    as_stored: bool = True,
) -> tuple[Sums, Sums]:
    """Read both at the same time."""
    logged = time.monotonic()

    def read(reader: Reader, part: int) -> Sums:
        nonlocal logged
        sums = Sums(buckets, versions=versions, as_stored=as_stored)
        for hits in reader.pages(part=(part, threads)):
            sums.add(hits, left_out)
            if time.monotonic() - logged > LOG_SECONDS:
                logged = time.monotonic()
                log.info("%s: %d documents read so far", reader.index, sums.documents)
        return sums

    with ThreadPoolExecutor(max_workers=2 * threads, thread_name_prefix="verify") as pool:
        begun = [[pool.submit(read, reader, part) for part in range(threads)] for reader in readers]
        one, two = ([each.result() for each in parts] for parts in begun)
    for sums in (one, two):
        for more in sums[1:]:
            sums[0].merge(more)
    return one[0], two[0]


def _candidates(readers: tuple[Reader, Reader], sums: Sums, suspects: set[int]) -> tuple[Routes, bool]:
    """The documents in buckets that differ, on either side; and whether there are more than can be looked at."""
    log.info("%d buckets differ; their documents are read by id.", len(suspects))
    found: Routes = {}
    for reader in readers:
        for hits in reader.pages(source=False):
            found |= {hit.id: hit.routing for hit in hits if sums.bucket_of(hit.id) in suspects}
            if len(found) > MOST_CANDIDATES:
                return dict(sorted(found.items())[:MOST_CANDIDATES]), True
    return found, False


def _settled(
    live: Side, new: Side, ids: Routes, versions: bool, settle: Callable[[], None]
) -> tuple[list[DocumentDifference], int]:
    """Differences that stay though the new index had the time to catch up; how many documents changed all the while.

    A document that changes between two reads differs by that alone, so the live one is read before and after.
    """
    left = differences(live, new, ids, versions=versions)
    for turn in range(ROUNDS):
        if not left:
            return [], 0
        log.info("%d documents differ; they are read again.", len(left))
        some = {each.id: ids[each.id] for each in left}
        before = _read(live, some)
        settle()
        reached, after = _read(new, some), _read(live, some)
        left, moving = [], 0
        for each in some:
            found = comparison.difference(each, after[each], reached[each], versions=versions)
            if found is None or comparison.difference(each, before[each], reached[each], versions=versions) is None:
                continue
            moves = before[each] != after[each] and comparison.has_moved_on(before[each], reached[each])
            if moves and versions and turn == ROUNDS - 1:
                moving += 1
            else:
                left.append(found)
    return left, moving


def differences(live: Side, new: Side, ids: Routes, *, versions: bool = True) -> list[DocumentDifference]:
    """How two indices differ in some documents right now, also in what no refresh has shown yet.

    :param ids: the documents, each with its routing; None for the usual one.
    """
    found = []
    for some in _portions(ids):
        ours, theirs = _get(live, some), _get(new, some)
        for identifier in some:
            each = comparison.difference(identifier, ours[identifier], theirs[identifier], versions=versions)
            if each is not None:
                found.append(each)
    return found


def _read(side: Side, ids: Routes) -> dict[str, Found]:
    found: dict[str, Found] = {}
    for some in _portions(ids):
        found |= _get(side, some)
    return found


def _portions(ids: Routes) -> Iterator[Routes]:
    names = list(ids)
    for start in range(0, len(names), GET_AT_ONCE):
        yield {name: ids[name] for name in names[start : start + GET_AT_ONCE]}


def _get(side: Side, ids: Routes) -> dict[str, Found]:
    # Without its routing a document is looked for in the wrong shard, and is not found on either side.
    wanted = [{"_id": name} | ({"routing": routing} if routing else {}) for name, routing in ids.items()]
    call = Call("POST", calls.path(side.index, "_mget"), {"realtime": True}, {"docs": wanted})
    answers = side.hook.ask(call)["docs"]
    if broken := [each for each in answers if "error" in each]:
        raise NeedsPerson(f"{side.index} on {side.hook}: {broken[0]['_id']} cannot be read: {broken[0]['error']}")
    return {each["_id"]: Found.of(each) for each in answers}


def pause(seconds: float = SETTLE_SECONDS) -> Callable[[], None]:
    """A way to let both sides settle: wait so long."""
    return lambda: time.sleep(seconds)
