"""What a person sees before the alias moves: contents, loaders, canaries. The acting task looks again."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from livemove.rebuild.rebuild import Rebuild
from livemove.runbook.errors import NeedsPerson, TryAgain
from livemove.runbook.evidence import Check, Evidence, ok, stop, warn
from livemove.search import calls, state, verifying
from livemove.search.aliases import LIVE_FILTER
from livemove.search.verifying import Side, Verification
from livemove.stream import points
from livemove.stream.status import LoaderStatus

log = logging.getLogger(__name__)

# A comparison that is older is made anew before the swap.
VERIFIED_SECONDS = 3600.0
SETTLE_SECONDS = 30.0
LEVEL_SECONDS = 10.0


def evidence(rebuild: Rebuild) -> Evidence:
    """Everything, contents included. Records in the new index that it was verified."""
    contents = _contents(rebuild)
    return Evidence(rebuild.alias, "swap", (contents, *checks(rebuild)))


def evidence_again(rebuild: Rebuild, approved: Evidence | None) -> tuple[Evidence, Evidence | None]:
    """What the acting task sees, and the part of what was approved that it is held against.

    Contents are compared again only if that was long ago: since then both loaders have written the same.
    """
    found = [*checks(rebuild)]
    verified_at = rebuild.state().verified_at
    if not verified_at or (datetime.now(UTC) - points.parse(verified_at)).total_seconds() > VERIFIED_SECONDS:
        found.append(_contents(rebuild))
    names = {check.name for check in found}
    held = approved and Evidence(
        approved.subject, approved.action, tuple(check for check in approved.checks if check.name in names)
    )
    return Evidence(rebuild.alias, "swap", tuple(found)), held


def checks(rebuild: Rebuild) -> Iterator[Check]:
    """All but the contents: quick."""
    yield _copy(rebuild)
    for index in _fed(rebuild):
        yield from _loader(rebuild, index)
    for canary in rebuild.settings.verify.canaries:
        yield _canary(rebuild, canary.name)


def _copy(rebuild: Rebuild) -> Check:
    found = rebuild.state()
    if found.copy_done:
        return ok("copy", f"{found.documents:,} documents of {found.snapshot}, proven by counts")
    return stop("copy", "is not done", "Clear the task copy.reindex.")


def _fed(rebuild: Rebuild) -> list[str]:
    live = rebuild.live()
    others = [] if live is None or live.index == rebuild.index else [live.index]
    return [rebuild.index, *others]


def _loader(rebuild: Rebuild, index: str) -> Iterator[Check]:
    name, limits = f"loader {index}", rebuild.settings.limits
    remedy = f"See its log and {rebuild.settings.loader.state}/{index}/status.json; then clear the task until_level."
    try:
        reasons = _behind(rebuild, index, limits.lag_seconds)
    except NeedsPerson as problem:
        yield stop(name, str(problem), remedy)
        return
    said = rebuild.loaders.control.status(index)
    if said is None or (said.targets and not any(target.endswith(f"/{index}") for target in said.targets)):
        yield stop(name, "writes elsewhere or has never run", remedy)
    elif not said.is_fresh(datetime.now(UTC)) or said.state != "running":
        yield stop(name, "; ".join(reasons) or said.state, remedy)
    elif reasons:
        yield warn(name, "; ".join(reasons), "Searches would see updates later than now. Wait until it is level.")
    else:
        yield ok(name, f"level, {said.documents:,} documents applied, none set aside")


def _behind(rebuild: Rebuild, index: str, limit_seconds: float) -> list[str]:
    """Why a loader is not level, in the best of some looks: between two reads there is always something new."""
    ends = time.monotonic() + LEVEL_SECONDS
    while reasons := rebuild.loaders.behind(index, rebuild.settings.streams.documents, limit_seconds):
        if time.monotonic() > ends:
            break
        time.sleep(0.5)
    return reasons


def _canary(rebuild: Rebuild, name: str) -> Check:
    wanted = next(each for each in rebuild.settings.verify.canaries if each.name == name)
    body = {
        "size": 0,
        "track_total_hits": wanted.at_least,
        "query": {"bool": {"must": [wanted.query], "filter": [dict(LIVE_FILTER)]}},
    }
    title = f"canary {name}"
    try:
        found = int(rebuild.target.get(calls.path(rebuild.index, "_search"), body)["hits"]["total"]["value"])
    except NeedsPerson as problem:
        return stop(title, str(problem), "Mend the query in index.yaml, or the mapping.")
    figures = f"{found} or more found, {wanted.at_least} wanted"
    if found >= wanted.at_least:
        return ok(title, figures)
    return stop(title, figures, "The new index does not answer as it should; see mapping.json.")


# -- contents -------------------------------------------------------------------------------------------


def compare(rebuild: Rebuild, live: str) -> Verification:
    """Compare the new index with another, document by document, while both are written to."""
    one, two = Side(rebuild.source, live), Side(rebuild.target, rebuild.index)
    return verifying.verify(one, two, settle=lambda: settle(rebuild, live, rebuild.index))


def _contents(rebuild: Rebuild) -> Check:
    live = rebuild.state().origin
    found = compare(rebuild, live)
    if not found.same:
        return stop(
            f"contents of {live} and {rebuild.index}",
            found.text(),
            "Replay the stream for these documents (stream_replay), or see which of the two is right, by the database.",
        )
    state.write_state(rebuild.target, rebuild.index, verified_at=state.now())
    return ok(f"contents of {live} and {rebuild.index}", found.text())


def settle(rebuild: Rebuild, *indices: str) -> None:
    """Return once the loaders of these indices have applied all that was in the stream when this was called.

    :raises TryAgain: they have not in time.
    """
    asked, ends = datetime.now(UTC), time.monotonic() + SETTLE_SECONDS
    waiting = list(indices)
    while waiting:
        waiting = [index for index in waiting if not _applied(rebuild.loaders.control.status(index), asked)]
        if waiting and time.monotonic() > ends:
            raise TryAgain(f"The loaders {', '.join(waiting)} did not come to the end of the stream in time.")
        time.sleep(0.2)


def _applied(said: LoaderStatus | None, asked: datetime) -> bool:
    """Whether every shard was read to its end, or to a record that came later, after a moment."""
    if said is None:
        return False
    return all(
        shard.finished or any(at and points.parse(at) > asked for at in (shard.level_at, shard.arrived_at))
        for shard in said.shards.values()
    )
