"""Steps that take time, by name and with values that fit into JSON: what operators and the trigger share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from livemove.runbook.errors import NeedsPerson
from livemove.search import aliases, calls, indices, snapshots
from livemove.search.copying import Copier
from livemove.search.hook import SearchHook
from livemove.search.purging import Purge
from livemove.search.state import find_state, read_state
from livemove.search.waiting import Progress, Step


def resolved(hook: SearchHook, name: str) -> str:
    """The index of that name, or the one that an alias of that name stands for.

    :raises NeedsPerson: there is none, or several.
    """
    found = hook.find(calls.path(name), flat_settings=True)
    if found is None:
        raise NeedsPerson(f"There is no index or alias {name} on {hook}. Check the name.")
    return name if name in found else aliases.index_of(hook, name)


def take_snapshot(hook: SearchHook, *, repository: str, snapshot: str, index: str) -> Step:
    """Take a snapshot of one index."""
    return lambda: snapshots.take(hook, repository, snapshot, resolved(hook, index))


def ensure_snapshot(
    hook: SearchHook, *, repository: str, snapshot: str, index: str, prefix: str, max_age_hours: float
) -> Step:
    """Find a fresh snapshot of one index, or take one."""
    age = timedelta(hours=max_age_hours)
    return lambda: snapshots.ensure(hook, repository, resolved(hook, index), prefix, snapshot, max_age=age)


def restore(hook: SearchHook, *, repository: str, snapshot: str, index: str, into: str) -> Step:
    """Restore one index under another name."""
    return lambda: snapshots.restore(hook, repository, snapshot, index, into)


def copy(hook: SearchHook, *, index: str, slices: int | str = "auto") -> Step:
    """Copy all documents into an index that was created for it."""
    return Copier(hook, index, slices=slices).step


def purge(hook: SearchHook, *, index: str, before: str) -> Step:
    """Delete old markers of deleted documents."""
    return Purge(hook, index, before)


def copied(hook: SearchHook, *, index: str) -> Step:
    """Wait until a copy, which something else drives, is done."""

    def look() -> Progress:
        state = find_state(hook, index)
        if state is None:
            return Progress(False, f"{index} is not created yet")
        told = f"{index} has {state.documents} documents of {state.source or 'no other index'}"
        return Progress(state.copy_done, told, {"index": index, "documents": state.documents})

    return look


def ready(hook: SearchHook, *, index: str) -> Step:
    """Wait until all shards of an index are active, replicas included."""

    def look() -> Progress:
        if indices.described(hook, index) is None:
            raise NeedsPerson(f"There is no index {index} on {hook}. Check the name.")
        found = hook.get(calls.path("_cluster", "health", index), timeout="0s")
        active, left = int(found["active_shards"]), int(found["unassigned_shards"]) + int(found["initializing_shards"])
        told = f"{index} is {found['status']}: {active} shards are active, {left} are not"
        return Progress(found["status"] == "green", told, {"index": index, "status": found["status"]})

    return look


STEPS: Final[Mapping[str, Callable[..., Step]]] = {
    "take_snapshot": take_snapshot,
    "ensure_snapshot": ensure_snapshot,
    "restore": restore,
    "copy": copy,
    "purge": purge,
    "copied": copied,
    "ready": ready,
}


def made(hook: SearchHook, name: str, values: Mapping[str, Any]) -> Step:
    """The step of that name."""
    return STEPS[name](hook, **values)


def require_copied(hook: SearchHook, index: str) -> None:
    """Refuse an index whose copy is not done.

    :raises NeedsPerson: it is one of ours, and not all documents are in it.
    """
    if find_state(hook, index) is not None and not read_state(hook, index).copy_done:
        raise NeedsPerson(
            f"The copy into {index} on {hook} is not done: {read_state(hook, index).documents} documents so far. "
            "Let it end first (ReindexOperator)."
        )
