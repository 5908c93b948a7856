"""What a preflight asks a cluster: version, health, disk, templates. Changes nothing."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import elasticsearch

from livemove.runbook.evidence import Check, ok, stop, warn
from livemove.search import calls, disk, versions
from livemove.search.calls import Call
from livemove.search.versions import Verdict

if TYPE_CHECKING:
    from livemove.search.hook import SearchHook


def version_of(hook: SearchHook) -> tuple[str, str]:
    """Version and distribution of the server; on a mixed cluster the oldest node's version."""
    said = hook.get("/").get("version", {})
    nodes = hook.get("/_nodes/_all/settings", filter_path="nodes.*.version").get("nodes", {})
    numbers = {str(node["version"]) for node in nodes.values()} or {str(said["number"])}
    return min(numbers, key=versions.parse), str(said.get("distribution", "elasticsearch"))


def version_check(hook: SearchHook) -> Check:
    """Whether we can speak to the server, and its version."""
    number, distribution = version_of(hook)
    return _check("server", versions.judge(number, elasticsearch.VERSION[0], compat_with(), distribution))


def restore_check(source: SearchHook, target: SearchHook, index: str, taken_by: str = "") -> Check:
    """Whether the target restores an index of the source's snapshots."""
    found = source.get(calls.path(index, "_settings"), flat_settings=True)[index]["settings"]
    created = int(found.get("index.version.created", 0))
    number, _ = version_of(target)
    return _check("restore", versions.judge_restore(created, taken_by or version_of(source)[0], number))


def compat_with() -> int | None:
    """`[elasticsearch] es_compat_with` of Airflow."""
    from airflow.providers.common.compat.sdk import conf

    value = conf.get("elasticsearch", "es_compat_with", fallback=None)
    return int(value) if value and str(value).strip().isdigit() else None


def health_check(hook: SearchHook, index: str = "") -> Check:
    """Whether the cluster, or one index of it, has all its primary shards."""
    found = hook.get(calls.path("_cluster", "health", *([index] if index else [])))
    what = f"index {index}" if index else "cluster"
    figures = (
        f"{found['status']}, {found['number_of_data_nodes']} data nodes, {found['unassigned_shards']} unassigned shards"
    )
    if found["status"] == "red":
        return stop(what, figures, "Primary shards are missing: see GET /_cluster/allocation/explain.")
    if found["status"] == "yellow" and found["number_of_data_nodes"] > 1:
        return warn(what, figures, "Replicas are missing: a node that fails now costs data.")
    return ok(what, figures)


def disk_check(hook: SearchHook, index: str, factor: float, source: SearchHook | None = None) -> Check:
    """Whether there is room for a restored copy and a new index.

    :param index: that is copied; its primary shards' size is the measure.
    :param factor: times its size that has to be free below the high watermark.
    :param source: where the index is, if not here.
    """
    size = primary_bytes(source or hook, index)
    return disk_verdict(nodes_of(hook), settings_of(hook), size, factor)


def disk_verdict(nodes: list[disk.NodeDisk], settings: Mapping[str, Any], size: int, factor: float) -> Check:
    """Judge what was read. Pure but for the time.

    :param size: of the index that is copied, in bytes.
    """
    needed = int(size * factor)
    marks = disk.watermarks(settings)
    if not disk.is_watched(settings):
        room = sum(node.available for node in nodes)
        marked = "free (the cluster does not watch its disks)"
    else:
        room = disk.total_room(nodes, marks[disk.HIGH])
        marked = f"free below the high watermark ({marks[disk.HIGH].text})"
        if flooded := disk.over(nodes, marks[disk.FLOOD]):
            names = ", ".join(node.name for node in flooded)
            figures = f"{names} over the flood-stage watermark ({marks[disk.FLOOD].text})"
            return stop("disk", figures, "Its indices take no writes: free space or add a node.")
    figures = f"{disk.human(room)} {marked}; needed {disk.human(needed)}: {factor:g} x {disk.human(size)}"
    if room < needed:
        return stop("disk", figures, "Free space, add a node, or delete what earlier rebuilds left (index_clean_up).")
    if disk.is_watched(settings) and (full := disk.over(nodes, marks[disk.HIGH])):
        names = ", ".join(node.name for node in full)
        return warn("disk", f"{figures}; {names} over the high watermark", "Shards move away from it: see disk usage.")
    return ok("disk", figures)


def nodes_of(hook: SearchHook) -> list[disk.NodeDisk]:
    """The data nodes' disks."""
    found = hook.get("/_nodes/stats/fs")["nodes"].values()
    return [
        disk.NodeDisk(
            str(node["name"]),
            int(node["fs"]["total"]["total_in_bytes"]),
            int(node["fs"]["total"]["available_in_bytes"]),
        )
        for node in found
        if any(str(role).startswith("data") for role in node.get("roles", ["data"]))
    ]


def settings_of(hook: SearchHook) -> dict[str, Any]:
    """The cluster's settings as they hold, flat."""
    found = hook.get("/_cluster/settings", include_defaults=True, flat_settings=True)
    return {**found.get("defaults", {}), **found.get("persistent", {}), **found.get("transient", {})}


def primary_bytes(hook: SearchHook, index: str) -> int:
    """The size of an index's primary shards."""
    found = hook.get(calls.path(index, "_stats", "store"))["_all"]["primaries"]["store"]
    return int(found["size_in_bytes"])


def template_checks(hook: SearchHook, index: str) -> Iterator[Check]:
    """Whether a template would add aliases to an index of this name the moment it is created."""
    simulated = hook.ask(Call("POST", calls.path("_index_template", "_simulate_index", index)))
    given = set((simulated.get("template") or {}).get("aliases") or {})
    legacy = hook.find("/_template") or {}
    for template in legacy.values():
        if any(fnmatch.fnmatchcase(index, str(pattern)) for pattern in template.get("index_patterns", [])):
            given |= set(template.get("aliases") or {})
    if given:
        yield stop(
            "templates",
            f"an index template gives {index} the alias {', '.join(sorted(given))}",
            "Searches would see an empty index: take `aliases` out of the template.",
        )
    else:
        yield ok("templates", f"none gives {index} an alias")


def _check(name: str, verdict: Verdict) -> Check:
    if verdict.result == "ok":
        return ok(name, verdict.figures)
    return (stop if verdict.result == "stop" else warn)(name, verdict.figures, verdict.remedy)
