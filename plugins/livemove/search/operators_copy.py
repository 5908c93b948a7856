"""Operators that look at a cluster, create an index, copy into it, and compare."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from livemove.runbook.errors import NeedsPerson
from livemove.runbook.evidence import Check
from livemove.search import aliases, cluster, copying, indices, state, verifying
from livemove.search.base import SearchOperator, StepOperator
from livemove.search.hook import SearchHook
from livemove.search.steps import require_copied, resolved
from livemove.search.verifying import Side


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
    :param settle_seconds: waited before the comparison, and before differences are read again.
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
