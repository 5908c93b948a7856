"""One index: creating it for a copy, deleting it once nothing points to it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from livemove.runbook.errors import NeedsPerson
from livemove.search import calls, mapping, naming
from livemove.search.faults import AlreadyThere, NotThere
from livemove.search.state import RebuildState, read_state
from livemove.search.waiting import Progress

if TYPE_CHECKING:
    from livemove.search.hook import SearchHook

log = logging.getLogger(__name__)


def described(hook: SearchHook, index: str) -> dict[str, Any] | None:
    """Settings, mapping and aliases of an index; None if it does not exist.

    :raises NeedsPerson: it is an alias.
    """
    found = hook.find(calls.path(naming.concrete(index)), flat_settings=True)
    if found is None:
        return None
    if index not in found:
        raise NeedsPerson(f"{index} on {hook} is an alias of {', '.join(sorted(found))}; name the index itself.")
    return dict(found[index])


def create(
    hook: SearchHook,
    index: str,
    body: Mapping[str, Any],
    *,
    alias: str,
    source: str = "",
    origin: str = "",
    snapshot: str = "",
    snapshot_started_at: str = "",
    requests_per_second: float | None = None,
    chunk_documents: int | None = None,
) -> RebuildState:
    """Create an index for a copy, or find it created, and return its state.

    It gets the settings that a copy wants: no refresh, no replicas; the copy sets the user's in the end. No alias
    points to it.

    :param body: the user's `mapping.json`.
    :param source: what it will be copied from; empty for an index that begins empty.
    :param origin: the index that the snapshot was taken of.
    :raises NeedsPerson: another index has that name, or was made from another mapping or source; the server refuses
        the mapping; a template gives it an alias.
    """
    mapping.checked(body)
    state = RebuildState(
        alias=alias,
        rebuild=index,
        source=source,
        origin=origin,
        snapshot=snapshot,
        snapshot_started_at=snapshot_started_at,
        requests_per_second=requests_per_second,
        chunk_documents=chunk_documents,
        copy_done=not source,
        settings_to_restore=mapping.to_restore(body) if source else {},
    )
    if described(hook, index) is None:
        try:
            hook.run(calls.create_index(index, mapping.creation(body, state.as_json(), for_copy=bool(source))))
        except AlreadyThere:
            log.info("%s was created meanwhile.", index)
    return _same(hook, index, body, state)


def _same(hook: SearchHook, index: str, body: Mapping[str, Any], wanted: RebuildState) -> RebuildState:
    state = read_state(hook, index)
    if (state.alias, state.source) != (wanted.alias, wanted.source):
        raise NeedsPerson(
            f"The index {index} on {hook} was made for the alias {state.alias} from {state.source or 'nothing'}, not "
            f"for {wanted.alias} from {wanted.source or 'nothing'}. Start a new run, or delete it."
        )
    found = described(hook, index) or {}
    if found.get("aliases") and not state.swapped_at and not state.copy_done:
        raise NeedsPerson(
            f"The alias {', '.join(found['aliases'])} points to the new index {index} on {hook} already, before "
            "anything is in it: an index template adds it. Take `aliases` out of the template, delete the index."
        )
    changed = [
        str(each)
        for each in mapping.differences(found, body)
        if each.key.removeprefix("settings.") not in mapping.DURING_COPY and each.wanted is not None and each.rebuild
    ]
    if changed:
        raise NeedsPerson(
            f"The index {index} on {hook} was made from another mapping: {'; '.join(changed[:10])}. Start a new run, "
            "or delete the index and clear this task."
        )
    return state


def validate(hook: SearchHook, index: str, body: Mapping[str, Any]) -> None:
    """Let the server check settings and mapping, without making anything.

    :raises NeedsPerson: it refuses them.
    """
    mapping.checked(body)
    try:
        hook.ask(calls.simulate_template(index, mapping.completed(body)))
    except NotThere:
        raise
    except NeedsPerson as refusal:
        raise NeedsPerson(f"mapping.json: the server refuses it. {refusal}") from None


def delete(hook: SearchHook, index: str) -> bool:
    """Delete an index to which no alias points.

    :returns: whether it was deleted now; False if it was gone.
    :raises NeedsPerson: an alias points to it, or the name stands for more than one index.
    """
    found = described(hook, index)
    if found is None:
        log.info("%s is gone already.", index)
        return False
    if found.get("aliases"):
        raise NeedsPerson(
            f"The index {index} on {hook} is not deleted: the alias {', '.join(sorted(found['aliases']))} points to it."
        )
    try:
        hook.run(calls.delete_index(index))
    except NotThere:
        return False
    return True


def purge_markers(hook: SearchHook, index: str, before: datetime, task: str = "") -> Progress:
    """Delete the markers of documents that were deleted before a time; called again until it is done.

    What no stream holds any more cannot bring a deleted document back, so its marker is no longer needed.

    :param before: older than what the streams keep; with a time zone.
    :param task: of the deletion, from the result of the call before.
    """
    query = {
        "bool": {"filter": [{"term": {"livemove.deleted": True}}, {"range": {"livemove.at": {"lt": _iso(before)}}}]}
    }
    if task:
        found = hook.find(f"/_tasks/{task}")
        if found is not None and not found["completed"]:
            return Progress(False, f"{index}: markers are being deleted", {"task": task})
    hook.run(calls.refresh(index))
    left = int(hook.get(calls.path(index, "_count"), {"query": query})["count"])
    if not left:
        return Progress(True, f"{index} has no marker of a document deleted before {_iso(before)}")
    call = calls.Call(
        "POST",
        calls.path(naming.concrete(index), "_delete_by_query"),
        {"wait_for_completion": False, "conflicts": "proceed", "slices": "auto"},
        {"query": query},
    )
    return Progress(False, f"{index}: {left} markers are being deleted", {"task": str(hook.run(call)["task"])})


def _iso(at: datetime) -> str:
    if at.tzinfo is None:
        raise ValueError("The time has no time zone.")
    return at.isoformat(timespec="milliseconds")
