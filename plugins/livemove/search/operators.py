"""Operators for indices, snapshots and aliases. Each can be used alone, in any DAG."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from livemove.runbook.errors import NeedsPerson
from livemove.runbook.evidence import Check
from livemove.search import aliases, cluster, copying, indices, naming, state, verifying
from livemove.search.base import SearchOperator, StepOperator
from livemove.search.hook import SearchHook
from livemove.search.steps import require_copied, resolved
from livemove.search.verifying import Side

__all__ = [
    "AddAliasOperator",
    "CheckClusterOperator",
    "CreateIndexOperator",
    "DeleteIndexOperator",
    "EnsureSnapshotOperator",
    "PurgeMarkersOperator",
    "ReindexOperator",
    "RestoreSnapshotOperator",
    "SwapAliasOperator",
    "TakeSnapshotOperator",
    "ThrottleReindexOperator",
    "VerifyIndexOperator",
]


class CheckClusterOperator(SearchOperator):
    """Look whether a cluster can take a copy of an index: version, health, disk, templates. Changes nothing.

    :param index: an index, or an alias that stands for one.
    :param new_index: the name that the new index will have.
    :param free_disk_factor: times the index's size that has to be free below the high watermark.
    :returns: the checks.
    :raises AirflowFailException: one of them forbids to go on.

    Example::

        with DAG("before_a_copy", schedule=None):
            CheckClusterOperator(task_id="look", index="products", new_index="products-20260131120000")
    """

    template_fields: Sequence[str] = ("index", "new_index", *SearchOperator.template_fields)

    def __init__(self, *, index: str, new_index: str, free_disk_factor: float = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.index = index
        self.new_index = new_index
        self.free_disk_factor = free_disk_factor

    def act(self, hook: SearchHook) -> list[dict[str, str]]:
        """Look at all of it, then decide."""
        index = resolved(hook, self.index)
        checks = [
            cluster.version_check(hook),
            cluster.health_check(hook),
            cluster.disk_check(hook, index, self.free_disk_factor),
            *cluster.template_checks(hook, self.new_index),
        ]
        for check in checks:
            self.log.info("%s", _told(check))
        if stops := [_told(check) for check in checks if check.result == "stop"]:
            raise NeedsPerson(f"{self.search_conn_id}: {'; '.join(stops)}")
        return [{"name": each.name, "result": each.result, "figures": each.figures} for each in checks]


class TakeSnapshotOperator(StepOperator):
    """Take a snapshot of one index, or find it taken.

    :param repository: a registered snapshot repository.
    :param snapshot: its name, the same at each attempt.
    :param index: an index, or an alias that stands for one.
    :returns: `snapshot`, `state`, `started_at` (all that was written before is in it).

    Example::

        with DAG("nightly_snapshot", schedule="@daily"):
            TakeSnapshotOperator(
                task_id="snapshot", repository="livemove", snapshot="products-{{ ts_nodash | lower }}", index="products"
            )
    """

    template_fields: Sequence[str] = ("repository", "snapshot", "index", *StepOperator.template_fields)
    step_name = "take_snapshot"

    def __init__(self, *, repository: str, snapshot: str, index: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.repository = repository
        self.snapshot = snapshot
        self.index = index

    def values(self) -> dict[str, Any]:
        """What the step is given."""
        return {"repository": self.repository, "snapshot": self.snapshot, "index": self.index}


class EnsureSnapshotOperator(TakeSnapshotOperator):
    """Find the newest whole snapshot of an index that is not too old, or take one.

    :param prefix: of the names of the snapshots that are looked at.
    :param max_age_hours: the oldest one that will do.
    :returns: `snapshot`, `state`, `started_at`.

    Example::

        with DAG("fresh_snapshot", schedule=None):
            EnsureSnapshotOperator(
                task_id="snapshot", repository="livemove", prefix="products-", max_age_hours=24, index="products",
                snapshot="products-{{ ts_nodash | lower }}",
            )
    """

    template_fields: Sequence[str] = ("prefix", "max_age_hours", *TakeSnapshotOperator.template_fields)
    step_name = "ensure_snapshot"

    def __init__(self, *, prefix: str, max_age_hours: float = 24, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.prefix = prefix
        self.max_age_hours = max_age_hours

    def values(self) -> dict[str, Any]:
        """What the step is given."""
        return {**super().values(), "prefix": self.prefix, "max_age_hours": float(self.max_age_hours)}


class RestoreSnapshotOperator(StepOperator):
    """Restore one index of a snapshot under another name, closed to writing, without its aliases.

    :param repository: a registered snapshot repository; another cluster's is registered with `readonly`.
    :param snapshot: a whole one.
    :param index: its name in the snapshot.
    :param into: the name of the copy.
    :returns: `index`, `documents`, `snapshot_started_at`.
    :raises AirflowFailException: the snapshot is missing or not whole, or another index has that name.

    Example::

        with DAG("look_at_yesterday", schedule=None):
            RestoreSnapshotOperator(
                task_id="restore", repository="livemove", snapshot="products-20260131", index="products-20260101000000",
                into="products-20260101000000.restored",
            )
    """

    template_fields: Sequence[str] = ("repository", "snapshot", "index", "into", *StepOperator.template_fields)
    step_name = "restore"

    def __init__(self, *, repository: str, snapshot: str, index: str, into: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.repository = repository
        self.snapshot = snapshot
        self.index = index
        self.into = into

    def values(self) -> dict[str, Any]:
        """What the step is given."""
        return {"repository": self.repository, "snapshot": self.snapshot, "index": self.index, "into": self.into}


class CreateIndexOperator(SearchOperator):
    """Create an index from settings and mapping, for a copy or empty; no alias points to it.

    :param index: its name, the same at each attempt.
    :param alias: that it is made for.
    :param body: `{"settings": …, "mappings": …}`, or the path of a JSON file that holds it.
    :param source: what it will be copied from; empty for an index that begins empty.
    :param requests_per_second: limit of the copy; None for no limit.
    :param chunk_documents: about so many documents are copied at once.
    :returns: `index`, `source`, `documents`, `copy_done`.
    :raises AirflowFailException: the server refuses the mapping, or another index has that name.

    Example::

        with DAG("more_shards", schedule=None):
            create = CreateIndexOperator(
                task_id="create", index="products-20260131120000", alias="products", source="products-20260101000000",
                body={"settings": {"number_of_shards": 3}, "mappings": {"properties": {"name": {"type": "text"}}}},
            )
            create >> ReindexOperator(task_id="copy", index="products-20260131120000")
    """

    template_fields: Sequence[str] = (
        "index", "alias", "body", "source", "requests_per_second", "chunk_documents", *SearchOperator.template_fields,
    )  # fmt: skip

    def __init__(
        self,
        *,
        index: str,
        alias: str,
        body: Mapping[str, Any] | str,
        source: str = "",
        requests_per_second: float | None = None,
        chunk_documents: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.index = index
        self.alias = alias
        self.body = body
        self.source = source
        self.requests_per_second = requests_per_second
        self.chunk_documents = chunk_documents

    def act(self, hook: SearchHook) -> dict[str, Any]:
        """Create it, or find it created."""
        made = indices.create(
            hook,
            self.index,
            _body(self.body),
            alias=self.alias,
            source=self.source,
            requests_per_second=_limit(self.requests_per_second),
            chunk_documents=int(self.chunk_documents) if self.chunk_documents else None,
        )
        return {"index": made.rebuild, "source": made.source, "documents": made.documents, "copy_done": made.copy_done}


class ReindexOperator(StepOperator):
    """Copy all documents into an index that CreateIndexOperator has made, by the server's own `_reindex`.

    In chunks: a node or a worker that is killed costs the chunk that was being copied. The source has to be at rest,
    such as a restored copy, or the counts do not agree in the end.

    :param index: the new one; its state names the source.
    :param slices: into how many parts the server cuts a chunk.
    :returns: `index`, `documents`, `chunks`.
    :raises AirflowFailException: the mapping rejects documents, or a disk is full.

    Example::

        with DAG("copy", schedule=None):
            ReindexOperator(task_id="copy", index="products-20260131120000", deferrable=True)
    """

    template_fields: Sequence[str] = ("index", "slices", *StepOperator.template_fields)
    step_name = "copy"

    def __init__(self, *, index: str, slices: int | str = "auto", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.index = index
        self.slices = slices

    def values(self) -> dict[str, Any]:
        """What the step is given."""
        return {"index": self.index, "slices": self.slices}


class ThrottleReindexOperator(SearchOperator):
    """Change the speed of a copy while it runs; what copies it follows within seconds.

    :param index: the new one.
    :param requests_per_second: documents a second; None for no limit.
    :returns: the limit.

    Example::

        with DAG("go_slow", schedule="0 9 * * *"):
            ThrottleReindexOperator(task_id="by_day", index="products-20260131120000", requests_per_second=2000)
    """

    template_fields: Sequence[str] = ("index", "requests_per_second", *SearchOperator.template_fields)

    def __init__(self, *, index: str, requests_per_second: float | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.index = index
        self.requests_per_second = requests_per_second

    def act(self, hook: SearchHook) -> float | None:
        """Write the limit where the copy reads it."""
        return copying.throttle(hook, self.index, _limit(self.requests_per_second)).requests_per_second


class VerifyIndexOperator(SearchOperator):
    """Compare two indices document by document: ids, versions and content, while both are written to.

    Memory stays flat. What differs is read again after a pause; only what stays different counts.

    :param live: an index, or an alias that stands for one.
    :param new: the index that is to take its place.
    :param new_search_conn_id: connection to the cluster of `new`, if it is another one.
    :param query: which documents count; the default leaves out markers of deleted documents.
    :param versions: False if the two were not written with the same versions.
    :param settle_seconds: after which differences are read again.
    :returns: counts, and the first differences.
    :raises AirflowFailException: documents are missing, surplus or different, or the copy is not done.

    Example::

        with DAG("compare", schedule=None):
            VerifyIndexOperator(task_id="verify", live="products", new="products-20260131120000")
    """

    template_fields: Sequence[str] = (
        "live", "new", "new_search_conn_id", "query", "versions", "settle_seconds", *SearchOperator.template_fields,
    )  # fmt: skip

    def __init__(
        self,
        *,
        live: str,
        new: str,
        new_search_conn_id: str | None = None,
        query: Mapping[str, Any] | None = aliases.LIVE_FILTER,
        versions: bool = True,
        settle_seconds: float = verifying.SETTLE_SECONDS,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.live = live
        self.new = new
        self.new_search_conn_id = new_search_conn_id
        self.query = query
        self.versions = versions
        self.settle_seconds = settle_seconds

    def act(self, hook: SearchHook) -> dict[str, Any]:
        """Compare, keep the time, and fail if anything differs."""
        other = SearchHook(self.new_search_conn_id) if self.new_search_conn_id else hook
        new = resolved(other, self.new)
        require_copied(other, new)
        result = verifying.verify(
            Side(hook, resolved(hook, self.live)),
            Side(other, new),
            query=self.query,
            versions=self.versions,
            settle=verifying.pause(float(self.settle_seconds)),
        )
        verifying.require_same(result)
        if state.find_state(other, new) is not None:
            state.write_state(other, new, verified_at=state.now())
        return result.as_json()


class SwapAliasOperator(SearchOperator):
    """Move an alias from one index to another, in one call.

    :param alias: that searches use.
    :param old: the index that it is on, alone.
    :param new: the index that takes its place.
    :param filter: of the alias on the new index; the default hides markers of deleted documents, None is for none.
    :returns: whether it was moved now; False if it had moved already.
    :raises AirflowFailException: the alias is elsewhere, or the copy into the new index is not done.

    Example::

        with DAG("swap", schedule=None):
            SwapAliasOperator(
                task_id="swap", alias="products", old="products-20260101000000", new="products-20260131120000"
            )
    """

    template_fields: Sequence[str] = ("alias", "old", "new", "filter", *SearchOperator.template_fields)

    def __init__(
        self,
        *,
        alias: str,
        old: str,
        new: str,
        filter: Mapping[str, Any] | None = aliases.LIVE_FILTER,  # noqa: A002 - the API's name
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.alias = alias
        self.old = old
        self.new = new
        self.filter = filter

    def act(self, hook: SearchHook) -> bool:
        """Move it, and remember where it was."""
        require_copied(hook, self.new)
        moved = aliases.swap(hook, self.alias, self.old, self.new, self.filter)
        if moved and state.find_state(hook, self.new) is not None:
            state.write_state(hook, self.new, swapped_at=state.now(), replaced=self.old)
        return moved


class AddAliasOperator(SearchOperator):
    """Put an alias on its first index.

    :param alias: on no index yet, or on this one.
    :param index: one whose copy, if there was one, is done.
    :param filter: as for SwapAliasOperator.
    :returns: whether it was put there now.
    :raises AirflowFailException: it is on another index.

    Example::

        with DAG("first_index", schedule=None):
            AddAliasOperator(task_id="alias", alias="products", index="products-20260131120000")
    """

    template_fields: Sequence[str] = ("alias", "index", "filter", *SearchOperator.template_fields)

    def __init__(
        self,
        *,
        alias: str,
        index: str,
        filter: Mapping[str, Any] | None = aliases.LIVE_FILTER,  # noqa: A002 - the API's name
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.alias = alias
        self.index = index
        self.filter = filter

    def act(self, hook: SearchHook) -> bool:
        """Put it there."""
        require_copied(hook, self.index)
        return aliases.add(hook, self.alias, self.index, self.filter)


class DeleteIndexOperator(SearchOperator):
    """Delete an index to which no alias points.

    :param index: named in full; patterns are refused.
    :returns: whether it was deleted now; False if it was gone.
    :raises AirflowFailException: an alias points to it.

    Example::

        with DAG("clean_up", schedule=None):
            DeleteIndexOperator.partial(task_id="delete").expand(
                index=["products-20260101000000", "products-20260131120000.restored"]
            )
    """

    template_fields: Sequence[str] = ("index", *SearchOperator.template_fields)

    def __init__(self, *, index: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.index = index

    def act(self, hook: SearchHook) -> bool:
        """Look whether an alias points there, then delete."""
        try:
            naming.concrete(self.index)
        except naming.BadName as problem:
            raise NeedsPerson(str(problem)) from None
        return indices.delete(hook, self.index)


class PurgeMarkersOperator(StepOperator):
    """Delete the markers of documents that were deleted before a time.

    :param index: an index, not an alias: the alias hides them.
    :param before: older than what the streams keep, with a time zone, ISO 8601.

    Example::

        with DAG("purge", schedule="@weekly"):
            PurgeMarkersOperator(
                task_id="purge", index="products-20260131120000", before="{{ logical_date.subtract(days=8) }}"
            )
    """

    template_fields: Sequence[str] = ("index", "before", *StepOperator.template_fields)
    step_name = "purge"

    def __init__(self, *, index: str, before: datetime | str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.index = index
        self.before = before

    def values(self) -> dict[str, Any]:
        """What the step is given."""
        return {"index": self.index, "before": str(self.before)}


def _told(check: Check) -> str:
    return f"{check.name}: {check.figures}" + (f". {check.remedy}" if check.remedy else "")


def _limit(value: Any) -> float | None:
    return None if value in (None, "", "None") else float(value)


def _body(value: Mapping[str, Any] | str) -> Mapping[str, Any]:
    if not isinstance(value, str):
        return value
    try:
        found = json.loads(Path(value).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise NeedsPerson(f"{value}: {error}. It has to be a JSON file with `settings` and `mappings`.") from None
    if not isinstance(found, dict):
        raise NeedsPerson(f"{value}: it has to hold an object with `settings` and `mappings`.")
    return found
