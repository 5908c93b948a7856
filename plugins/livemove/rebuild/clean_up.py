"""Clean-up: what was replaced is deleted once nobody needs it, and so are markers that no stream can contradict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from livemove.rebuild import plan
from livemove.rebuild.plan import Leftover
from livemove.rebuild.preflight import made_for
from livemove.rebuild.rebuild import Rebuild
from livemove.runbook.errors import NeedsPerson
from livemove.runbook.evidence import Check, Evidence, ok, stop, warn
from livemove.search import indices, naming, state
from livemove.search.state import RebuildState
from livemove.search.waiting import Progress
from livemove.stream import points

# Markers of documents that were deleted while a snapshot of the present may still be rebuilt from are kept.
MARGIN = timedelta(hours=1)


def leftovers(
    alias: str,
    live: str,
    states: Mapping[str, RebuildState | None],
    keep_hours: float,
    now: datetime,
    *,
    unfinished: bool,
) -> tuple[list[str], list[str]]:
    """Which indices are to be deleted, each with the reason, and which are kept. Pure.

    :param states: of all indices of the alias, by name.
    :param unfinished: whether those that never came to a swap are deleted, too.
    :returns: `<index>: <reason>` each.
    """
    deleted, kept = [], []
    for index, found in sorted(states.items()):
        if index == live:
            continue
        left_at = max((each.swapped_at for each in states.values() if each and each.replaced == index), default="")
        if left_at:
            until = points.parse(left_at) + timedelta(hours=keep_hours)
            text = f"{index}: replaced at {points.iso(points.parse(left_at))}"
            if until <= now:
                deleted.append(text)
            else:
                kept.append(f"{text}, kept until {points.iso(until)}")
        elif found is None or found.alias != alias:
            kept.append(f"{index}: not made by a rebuild of {alias}")
        elif unfinished:
            deleted.append(f"{index}: never came to the swap")
        else:
            kept.append(f"{index}: never came to the swap; the param `unfinished` lets it go")
    return deleted, kept


class CleanUp:
    """What the runbook deletes.

    :param keep_hours: how long what was replaced stays; by default what index.yaml says.
    """

    def __init__(self, rebuild: Rebuild, *, keep_hours: float | None = None, unfinished: bool = False) -> None:
        self.rebuild = rebuild
        limits = rebuild.settings.limits
        self.keep_hours = limits.keep_hours if keep_hours is None else keep_hours
        self.unfinished = unfinished

    @property
    def live(self) -> str:
        """The index that searches use."""
        found = self.rebuild.live()
        if found is None:
            raise NeedsPerson(f"There is no alias {self.rebuild.alias} on {self.rebuild.target}.")
        return found.index

    def found(self) -> tuple[list[Leftover], list[str]]:
        """What is to be deleted, and what is kept, with the reasons."""
        rebuild, hook = self.rebuild, self.rebuild.target
        states = {index: state.find_state(hook, index) for index in made_for(rebuild)}
        deleted, kept = leftovers(
            rebuild.alias, self.live, states, self.keep_hours, datetime.now(UTC), unfinished=self.unfinished
        )
        return [self._leftover(*text.split(": ", 1)) for text in [*deleted, *self._copies(deleted)]], kept

    def _copies(self, deleted: list[str]) -> list[str]:
        """The live index's own restored copy is not needed any more."""
        copy = naming.restored_copy(self.live)
        exists = indices.described(self.rebuild.target, copy) is not None
        return [f"{self.live}: its restored copy alone"] if exists else []

    def _leftover(self, index: str, why: str) -> Leftover:
        hook = self.rebuild.target
        return Leftover(
            index,
            why,
            restored=indices.described(hook, naming.restored_copy(index)) is not None,
            loader=index != self.live and self.rebuild.deployer.state(index) == "running",
            exists=index != self.live,
        )

    def evidence(self) -> Evidence:
        """Every sign that something is still needed."""
        rebuild = self.rebuild
        live = self.live
        found, kept = self.found()
        checks = [ok("alias", f"{rebuild.alias} is on {live}")]
        said = rebuild.loaders.control.fresh_status(live)
        remedy = "Deploy it and wait until it is level: with the old index the way back goes."
        if said is None or said.state != "running":
            checks.append(stop(f"loader {live}", "does not run", remedy))
        else:
            checks.append(ok(f"loader {live}", "runs"))
        for each in found:
            checks += list(self._unused(each)) if each.exists else []
        for text in kept:
            index, _, why = text.partition(": ")
            checks.append(ok(index, why))
        return Evidence(rebuild.alias, "clean-up", tuple(checks))

    def _unused(self, each: Leftover) -> Iterator[Check]:
        found = indices.described(self.rebuild.target, each.index) or {}
        if found.get("aliases"):
            remedy = "It is not deleted. Remove the alias, or keep the index."
            yield stop(each.index, f"the alias {', '.join(sorted(found['aliases']))} points to it", remedy)
        elif each.why.startswith("never"):
            yield warn(each.index, each.why, "Be sure that no run of index_rebuild is working on it.")
        else:
            yield ok(each.index, f"{each.why}; no alias points to it")

    def purge_before(self) -> datetime:
        """Markers of documents that were deleted before this cannot be needed.

        No stream holds older changes, and no snapshot that a rebuild would take holds an older document.
        """
        settings = self.rebuild.settings
        names = (settings.streams.changes, settings.streams.documents)
        hours = max(self.rebuild.loaders.streams.retention_hours(name) for name in names)
        return datetime.now(UTC) - timedelta(hours=max(hours, settings.snapshot.max_age_hours)) - MARGIN

    def plan(self) -> str:
        """The plan's text."""
        found, _ = self.found()
        return plan.clean_up(self.rebuild.settings, self.live, found, points.iso(self.purge_before()))

    def delete(self) -> str:
        """Delete them, the loader of each first. Everything is looked at again.

        :raises NeedsPerson: a check forbids it; what is gone already stays gone.
        """
        self.evidence().raise_if_worse()
        done = []
        found, _ = self.found()
        for each in found:
            if each.exists:
                done.append(self.rebuild.loaders.stop(each.index))
            if indices.delete(self.rebuild.target, naming.restored_copy(each.index)):
                done.append(f"{naming.restored_copy(each.index)} is deleted")
            if each.exists and indices.delete(self.rebuild.target, each.index):
                done.append(f"{each.index} is deleted")
                self.rebuild.loaders.control.forget(each.index)
        return "; ".join(done) or "nothing was to be deleted"


class Purge:
    """No marker is left of a document that was deleted before any stream begins."""

    def __init__(self, rebuild: Rebuild, before: str) -> None:
        self._rebuild = rebuild
        self._before = points.parse(before)
        self._index = CleanUp(rebuild).live
        self._task = ""

    def __call__(self) -> Progress:
        """Delete on."""
        seen = indices.purge_markers(self._rebuild.target, self._index, self._before, self._task)
        self._task = str(seen.result.get("task", ""))
        return seen
