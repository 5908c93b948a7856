"""The durable state of a rebuild: `_meta.livemove` in the mapping of the new index.

It is part of the cluster's state, so it survives a node that is killed, and goes with the index when that is deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from livemove.runbook.errors import NeedsPerson
from livemove.search import calls, naming

if TYPE_CHECKING:
    from livemove.search.hook import SearchHook

KEY: Final = "livemove"


@dataclass(frozen=True)
class RebuildState:
    """What is known of an index that is being made, or was made, by a copy.

    Times are UTC, ISO 8601.

    :param alias: it is made for.
    :param rebuild: its own name; another one means that the state was copied from elsewhere.
    :param source: the index it is copied from, such as a restored copy.
    :param origin: the index that the snapshot was taken of.
    :param snapshot: `repository/snapshot` that the source was restored from.
    :param snapshot_started_at: what was written before is in the snapshot.
    :param chunk_documents: about how many documents a chunk has.
    :param requests_per_second: limit of the copy; None for none. It may be changed while the copy runs.
    :param copied: ranges of `_seq_no` of the source whose documents are here.
    :param documents: how many documents these ranges have.
    :param task: of the chunk that is being copied: `id`, `low`, `high`, `documents`.
    :param copy_done: all of the source is here, proven by counts. Nothing but this says so.
    :param settings_to_restore: what the copy has to set in the end; None for a default.
    :param replaced: the index that the alias pointed to before the swap.
    """

    alias: str
    rebuild: str
    source: str = ""
    origin: str = ""
    snapshot: str = ""
    snapshot_started_at: str = ""
    chunk_documents: int | None = None
    requests_per_second: float | None = None
    copied: tuple[tuple[int, int], ...] = ()
    documents: int = 0
    task: Mapping[str, Any] | None = None
    copy_done: bool = False
    settings_to_restore: Mapping[str, Any] = field(default_factory=dict)
    verified_at: str = ""
    swapped_at: str = ""
    replaced: str = ""

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> RebuildState:
        """What `as_json` gave; keys of other versions are left out."""
        known = {each.name for each in fields(cls)}
        found = {key: each for key, each in value.items() if key in known}
        found["copied"] = tuple((int(low), int(high)) for low, high in found.get("copied", ()))
        return cls(**found)

    def as_json(self) -> dict[str, Any]:
        """For `_meta`."""
        return {**asdict(self), "copied": [list(each) for each in self.copied]}


def meta_of(hook: SearchHook, index: str) -> dict[str, Any] | None:
    """The whole `_meta` of an index; None if there is no such index."""
    found = hook.find(calls.path(naming.concrete(index), "_mapping"))
    if found is None:
        return None
    if index not in found:
        raise NeedsPerson(f"{index} on {hook} is an alias of {', '.join(sorted(found))}; name the index itself.")
    return dict(found[index]["mappings"].get("_meta") or {})


def find_state(hook: SearchHook, index: str) -> RebuildState | None:
    """The state of an index; None if there is no such index, or we did not make it."""
    value = (meta_of(hook, index) or {}).get(KEY)
    if not value or value.get("rebuild") != index:
        return None
    return RebuildState.of(value)


def read_state(hook: SearchHook, index: str) -> RebuildState:
    """The state of an index that we made.

    :raises NeedsPerson: there is no such index, or we did not make it.
    """
    meta = meta_of(hook, index)
    if meta is None:
        raise NeedsPerson(f"There is no index {index} on {hook}. Create it first (CreateIndexOperator).")
    state = find_state(hook, index)
    if state is None:
        raise NeedsPerson(
            f"The index {index} on {hook} was not made by livemove: its mapping has no _meta.livemove of its own. "
            "Choose another name."
        )
    return state


def write_state(hook: SearchHook, index: str, **changes: Any) -> RebuildState:
    """Change parts of the state, read anew, and return it. The other keys of `_meta` stay."""
    meta = meta_of(hook, index) or {}
    state = replace(RebuildState.of(meta.get(KEY) or {"alias": "", "rebuild": index}), **changes)
    hook.ask(calls.put_meta(index, {**meta, KEY: state.as_json()}))
    return state


def now() -> str:
    """The present time as the state holds it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
