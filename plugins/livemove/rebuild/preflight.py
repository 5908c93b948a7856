"""What is looked at before a rebuild. Changes nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

from livemove.rebuild import plan
from livemove.rebuild.rebuild import Rebuild
from livemove.runbook.errors import NeedsPerson, TryAgain
from livemove.runbook.evidence import Check, Evidence, ok, stop, warn
from livemove.search import aliases, calls, cluster, indices, mapping, naming, snapshots, state
from livemove.search.aliases import Alias
from livemove.search.reading import Reader
from livemove.search.snapshots import Snapshot
from livemove.stream import points, retention
from livemove.stream.contract import POSITION_BITS, RECORD_BITS, unpack_version

log = logging.getLogger(__name__)

# A careful guess of what a copy and its catching up take; the spare hours of `limits` come on top.
DOCUMENTS_PER_SECOND = 5_000
# Versions below the first position in the first binary log file are counters of Elasticsearch, not ours.
LOWEST_VERSION = 1 << (POSITION_BITS + RECORD_BITS)
SAMPLE = 500


class Preflight:
    """One look. What several checks need is read once."""

    def __init__(self, rebuild: Rebuild) -> None:
        self.rebuild = rebuild
        self.settings = rebuild.settings

    @cached_property
    def source_index(self) -> str:
        """The index whose documents are copied."""
        return self.rebuild.source_index()

    @cached_property
    def snapshot(self) -> Snapshot | None:
        """The snapshot that will be used; None if one has to be taken."""
        wanted = self.settings.snapshot
        found, self._refused = snapshots.newest(
            self.rebuild.source,
            wanted.repository,
            self.source_index,
            wanted.prefix,
            timedelta(hours=wanted.max_age_hours),
        )
        return found

    @cached_property
    def documents(self) -> int:
        """Documents that will be copied, markers included."""
        return int(self.rebuild.source.get(calls.path(self.source_index, "_count"))["count"])

    @cached_property
    def described(self) -> dict[str, Any]:
        """Settings and mapping of the index that is copied."""
        return indices.described(self.rebuild.source, self.source_index) or {}

    # -- evidence -----------------------------------------------------------------------------

    def evidence(self) -> Evidence:
        """All checks; one that cannot be made forbids."""
        looks: tuple[tuple[str, Callable[[], Iterator[Check]]], ...] = (
            ("cluster", self._clusters),
            ("disk", self._disk),
            ("alias", self._alias),
            ("mapping.json", self._mapping),
            ("snapshot", self._snapshot),
            ("streams", self._streams),
            ("loader", self._loader),
            ("versions", self._versions),
            ("earlier rebuilds", self._earlier),
        )
        found = [check for name, look in looks for check in _looked(name, look)]
        return Evidence(self.rebuild.alias, "rebuild", tuple(found))

    def _clusters(self) -> Iterator[Check]:
        source, target, index = self.rebuild.source, self.rebuild.target, self.source_index
        for hook in (source,) if target is source else (source, target):
            yield cluster.version_check(hook)
            yield cluster.health_check(hook)
        yield cluster.health_check(source, index)
        yield cluster.restore_check(source, target, index, self.snapshot.version if self.snapshot else "")
        yield from cluster.template_checks(target, self.rebuild.index)

    def _disk(self) -> Iterator[Check]:
        factor = self.settings.limits.free_disk_factor
        yield cluster.disk_check(self.rebuild.target, self.source_index, factor, self.rebuild.source)

    def _alias(self) -> Iterator[Check]:
        live = self.rebuild.live()
        if live is None:
            yield ok("alias", f"{self.rebuild.alias} is on no index of {self.rebuild.target}; it will be put there")
        elif aliases.same_filter(live.filter, aliases.LIVE_FILTER):
            yield ok("alias", f"{live.name} is on {live.index} alone, and hides markers of deleted documents")
        else:
            remedy = "The swap sets the filter that hides the markers, and no other. See whether yours is needed."
            yield warn("alias", f"{live.name} is on {live.index} with the filter {live.filter}", remedy)

    def _mapping(self) -> Iterator[Check]:
        name = "mapping.json"
        indices.validate(self.rebuild.target, self.rebuild.index, self.rebuild.body)
        found = self.differences()
        if not found:
            remedy = "A rebuild would change nothing but to make the index anew. Is the change committed and deployed?"
            yield warn(name, f"{self.source_index} is as it says already", remedy)
        elif not any(each.rebuild for each in found):
            remedy = "A call on the live index would do: PUT /<index>/_settings or /_mapping."
            yield warn(name, f"{len(found)} differences, none of which takes a new index", remedy)
        else:
            yield ok(name, f"{len(found)} differences from {self.source_index}; the server accepts it")

    def differences(self) -> list[mapping.Difference]:
        """How the live index differs from `mapping.json`."""
        return mapping.differences(self.described, self.rebuild.body)

    def _snapshot(self) -> Iterator[Check]:
        wanted, name = self.settings.snapshot, "snapshot"
        repository = snapshots.repository_of(self.rebuild.source, wanted.repository)
        if self.rebuild.target is not self.rebuild.source:
            there = snapshots.repository_of(self.rebuild.target, wanted.repository)
            if not snapshots.is_read_only(there) and not snapshots.is_read_only(repository):
                # Manual, "Register a snapshot repository": of several clusters, one may write.
                remedy = "Register it there with readonly: two clusters that write to one repository destroy it."
                yield warn("repository", f"{self.rebuild.target} may write to {wanted.repository}, too", remedy)
        if self.snapshot is not None:
            yield ok(name, f"{wanted.repository}/{self.snapshot.name}, started {points.iso(self.snapshot.started_at)}")
            return
        seen = f"none in {wanted.repository} is whole and younger than {wanted.max_age_hours:g} h"
        seen += f" (seen: {'; '.join(self._refused[:3])})" if self._refused else ""
        if not wanted.take:
            yield stop(name, seen, "Take one, or set snapshot.take to true.")
        elif snapshots.is_read_only(repository):
            remedy = "Register the repository without readonly, or let the cluster that writes to it take one."
            yield stop(name, f"{seen}, and the repository is read-only", remedy)
        else:
            yield ok(name, f"{seen}; one is taken")

    def _streams(self) -> Iterator[Check]:
        streams, limits = self.settings.streams, self.settings.limits
        age = (datetime.now(UTC) - self.snapshot.started_at).total_seconds() / 3600 if self.snapshot else 0.0
        forecast = self.documents / DOCUMENTS_PER_SECOND / 3600
        needed = retention.needed_hours(age + limits.rewind_seconds / 3600, forecast, limits.spare_hours)
        why = f"snapshot {age:.1f} h old, forecast {forecast:.1f} h, {limits.spare_hours:g} h to spare"
        hook = self.rebuild.loaders.streams
        hours = {name: hook.retention_hours(name) for name in (streams.changes, streams.documents)}
        yield from retention.checks(hours, needed, why)

    def _loader(self) -> Iterator[Check]:
        index, name = self.source_index, f"loader {self.source_index}"
        remedy = f"Deploy it under the index's name, with its state below {self.settings.loader.state}."
        said = self.rebuild.loaders.control.status(index)
        if said is None:
            yield stop(name, "has never run", remedy)
        elif not said.is_fresh(datetime.now(UTC)) or said.state != "running":
            yield stop(name, f"{said.state}, said {said.age_seconds(datetime.now(UTC)):.0f} s ago {said.error}", remedy)
        elif said.failed_documents:
            remedy = "They are missing in the live index, too. See them, and decide what to do."
            yield warn(name, f"{said.failed_documents} documents are set aside", remedy)
        else:
            lag = said.lag_seconds
            yield ok(name, "runs" + ("" if lag is None else f", {lag:.1f} s from commit to applied"))

    def _versions(self) -> Iterator[Check]:
        name, epoch = "versions", self.settings.documents.epoch
        with Reader(self.rebuild.source, self.source_index, source=False) as reader:
            sample = [hit.version for hit in next(reader.pages(), [])][:SAMPLE]
        if not sample:
            yield ok(name, f"{self.source_index} is empty")
            return
        lowest, highest = min(sample), max(sample)
        newest = unpack_version(highest)
        if lowest < LOWEST_VERSION and unpack_version(lowest).epoch == 0 and epoch > 0:
            remedy = (
                "Its loader writes without external versions (or did): an older change could replace a newer one. Feed "
                "it by a loader that does, and index all documents anew once."
            )
            yield stop(name, f"{self.source_index} has documents of version {lowest}, which is a counter", remedy)
        elif newest.epoch > epoch:
            remedy = f"Set documents.epoch to {newest.epoch}, or one more if the source was replaced since."
            yield stop(
                name, f"{self.source_index} has versions of epoch {newest.epoch}, index.yaml says {epoch}", remedy
            )
        else:
            yield ok(name, f"of {len(sample)} documents up to binary log file {newest.file} of epoch {newest.epoch}")

    def _earlier(self) -> Iterator[Check]:
        name, alias = "earlier rebuilds", self.rebuild.alias
        left = [index for index in made_for(self.rebuild) if index != self.rebuild.index]
        unfinished = [each for each in left if not (state.find_state(self.rebuild.target, each) or _NONE).swapped_at]
        live = self.rebuild.live()
        unfinished = [each for each in unfinished if live is None or each != live.index]
        if unfinished:
            remedy = f"Go on with one of them by the param `index`, or delete them by index_clean_up of {alias}."
            yield warn(name, f"{', '.join(unfinished)} never came to the swap, and take space", remedy)
        else:
            yield ok(name, "none is unfinished")

    # -- plan ---------------------------------------------------------------------------------

    def known(self) -> plan.Known:
        """What the plan is made from."""
        live: Alias | None = self.rebuild.live()
        found = self.snapshot
        return plan.Known(
            index=self.rebuild.index,
            source=self.source_index,
            live=live,
            snapshot=found.name if found else "",
            snapshot_name=naming.snapshot(self.settings.snapshot.prefix, self.rebuild.made_at),
            snapshot_started_at=points.iso(found.started_at) if found else "",
            differences=tuple(str(each) for each in self.differences()),
            documents=self.documents,
        )

    def plan(self) -> str:
        """The plan's text."""
        known = self.known()
        start = known.snapshot_started_at or plan.LATER.format("start of the snapshot")
        command = self.rebuild.deployer.describe(self.rebuild.deployment(self.rebuild.index, start))
        return plan.rebuild(self.settings, self.rebuild.body, known, command)


_NONE = state.RebuildState(alias="", rebuild="")


def made_for(rebuild: Rebuild) -> list[str]:
    """All indices of an alias by their names, restored copies left out."""
    found = rebuild.target.find(f"{calls.path(rebuild.alias)}-*/_alias") or {}
    return sorted(
        index
        for index in found
        if naming.made_at(index, rebuild.alias) is not None and not index.endswith(naming.RESTORED)
    )


def _looked(name: str, look: Callable[[], Iterator[Check]]) -> list[Check]:
    try:
        return list(look())
    except (NeedsPerson, TryAgain) as error:
        return [stop(name, f"could not be looked at: {error}", "Mend what the text names, and look again.")]
