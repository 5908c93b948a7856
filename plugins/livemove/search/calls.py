"""Calls of Elasticsearch's API as values: what a step sends is the text that plan mode shows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from livemove.search import naming

# Marks our tasks in the list of a cluster's tasks (REST API reference, "X-Opaque-Id HTTP header").
OPAQUE = "X-Opaque-Id"
# Settings of a copied index that must not come along: its age would let ILM delete the copy.
LEFT_BEHIND = ("index.lifecycle.name", "index.lifecycle.rollover_alias", "index.blocks.*")


@dataclass(frozen=True)
class Call:
    """One request.

    :param path: with its names already quoted.
    :param headers: in addition to those that every request has.
    """

    method: str
    path: str
    params: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def line(self) -> str:
        """The request's first line."""
        query = "&" if "?" in self.path else "?"
        return f"{self.method} {self.path}" + (query + urlencode(plain(self.params)) if self.params else "")

    def text(self) -> str:
        """The request as Kibana's console takes it."""
        if self.body is None:
            return self.line()
        return f"{self.line()}\n{json.dumps(self.body, indent=2, ensure_ascii=False)}"


def plain(params: Mapping[str, Any]) -> dict[str, str]:
    """Query parameters as text."""
    return {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in params.items()}


def path(*parts: str) -> str:
    """A path of names, each quoted."""
    return "/" + "/".join(quote(part, safe="") for part in parts)


# -- snapshots ------------------------------------------------------------------------------------------


def take_snapshot(repository: str, snapshot: str, index: str) -> Call:
    """Begin a snapshot of one index."""
    body = {"indices": index, "include_global_state": False, "partial": False}
    return Call("PUT", path("_snapshot", repository, snapshot), {"wait_for_completion": False}, body)


def restore_snapshot(repository: str, snapshot: str, index: str, into: str) -> Call:
    """Begin to restore one index under another name, without its aliases, replicas and life cycle."""
    body = {
        "indices": index,
        "include_global_state": False,
        "include_aliases": False,
        "partial": False,
        "rename_pattern": "^.*$",
        "rename_replacement": into.replace("\\", r"\\").replace("$", r"\$"),
        "index_settings": {"index.number_of_replicas": 0, "index.hidden": True, "index.refresh_interval": "-1"},
        "ignore_index_settings": list(LEFT_BEHIND),
    }
    return Call("POST", path("_snapshot", repository, snapshot, "_restore"), {"wait_for_completion": False}, body)


# -- indices --------------------------------------------------------------------------------------------


def create_index(index: str, body: Mapping[str, Any]) -> Call:
    """Create an index; `body` as `mapping.creation` gives it."""
    return Call("PUT", path(naming.concrete(index)), {"wait_for_active_shards": 1}, body)


def delete_index(index: str) -> Call:
    """Delete one index, named in full."""
    return Call("DELETE", path(naming.concrete(index)))


def put_settings(index: str, settings: Mapping[str, Any]) -> Call:
    """Change dynamic settings; None gives the default back."""
    return Call("PUT", path(naming.concrete(index), "_settings"), body=dict(settings))


def put_meta(index: str, meta: Mapping[str, Any]) -> Call:
    """Replace the mapping's `_meta`, all of it."""
    return Call("PUT", path(naming.concrete(index), "_mapping"), body={"_meta": dict(meta)})


def simulate_template(index: str, body: Mapping[str, Any]) -> Call:
    """Let the server check settings and mapping without making anything."""
    template = {"settings": body.get("settings", {}), "mappings": body.get("mappings", {})}
    return Call(
        "POST",
        path("_index_template", "_simulate"),
        body={"index_patterns": [index], "priority": 2_000_000_000, "template": template},
    )


def refresh(index: str) -> Call:
    """Let searches see all that was written."""
    return Call("POST", path(naming.concrete(index), "_refresh"))


# -- copying --------------------------------------------------------------------------------------------


def seq_no_range(low: int, high: int) -> dict[str, Any]:
    """The query for documents with low <= `_seq_no` < high."""
    return {"range": {"_seq_no": {"gte": low, "lt": high}}}


def reindex(
    source: str,
    target: str,
    low: int | None = None,
    high: int | None = None,
    *,
    requests_per_second: float | None = None,
    slices: int | str = "auto",
    size: int = 2000,
) -> Call:
    """Begin to copy documents, all or those of a range of `_seq_no`, as a task of the server.

    :param requests_per_second: documents a second; None for no limit.
    :param size: documents that a slice reads and writes at once.
    """
    origin: dict[str, Any] = {"index": source, "size": size}
    headers = {}
    if low is not None and high is not None:
        origin["query"] = seq_no_range(low, high)
        headers = {OPAQUE: opaque(target, low, high)}
    body = {
        "conflicts": "proceed",
        "source": origin,
        "dest": {"index": target, "version_type": "external_gte"},
    }
    params = {
        "wait_for_completion": False,
        "slices": slices,
        "requests_per_second": rate(requests_per_second),
    }
    return Call("POST", "/_reindex", params, body, headers)


def rate(requests_per_second: float | None) -> str:
    """A limit as Elasticsearch takes it: -1 for none."""
    return f"{requests_per_second:g}" if requests_per_second else "-1"


def opaque(target: str, low: int, high: int) -> str:
    """The mark of the task that copies a chunk."""
    return f"livemove:{target}:{low}-{high}"


def rethrottle(task: str, requests_per_second: float | None) -> Call:
    """Change the speed of a running copy."""
    params = {"requests_per_second": rate(requests_per_second)}
    return Call("POST", f"/_reindex/{quote(task, safe=':')}/_rethrottle", params)


def cancel(task: str) -> Call:
    """End a running task."""
    return Call("POST", f"/_tasks/{quote(task, safe=':')}/_cancel")


# -- aliases --------------------------------------------------------------------------------------------


def aliases(actions: list[dict[str, Any]]) -> Call:
    """Change aliases in one step: all of the actions, or none."""
    return Call("POST", "/_aliases", body={"actions": actions})
