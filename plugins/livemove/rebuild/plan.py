"""The plans of the runbooks as text: every call and command, in order. Pure, tested contracts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from livemove.rebuild.settings import IndexSettings
from livemove.search import aliases, calls, mapping, naming, snapshots
from livemove.search.aliases import LIVE_FILTER, Alias
from livemove.stream.deployment import Deployment

# In the place of what is known only later.
LATER = "<{}>"


@dataclass(frozen=True)
class Known:
    """What was found before anything is done.

    :ivar index: the new index.
    :ivar source: the index that the source's alias stands for.
    :ivar live: the alias that will be moved, on its index; None where there is none yet.
    :ivar snapshot: the one that will be used; empty if one will be taken.
    :ivar snapshot_name: of the one that would be taken.
    :ivar snapshot_started_at: ISO 8601; empty if it is not known yet.
    :ivar differences: between the live index and `mapping.json`.
    :ivar documents: in the live index, markers included.
    """

    index: str
    source: str
    live: Alias | None
    snapshot: str
    snapshot_name: str
    snapshot_started_at: str
    differences: Sequence[str]
    documents: int


def rebuild(settings: IndexSettings, body: Mapping[str, Any], known: Known, command: str) -> str:
    """The plan of `index_rebuild`.

    :param body: of `mapping.json`.
    :param command: how the new loader is run.
    """
    lines = [f"# Plan of index_rebuild for {settings.alias}: {known.index}", ""]
    lines += [f"{known.source} has {known.documents:,} documents. mapping.json differs from it in:", ""]
    lines += [f"- {each}" for each in known.differences] or ["- nothing"]
    for number, (heading, text) in enumerate(_sections(settings, body, known, command), 1):
        lines += ["", f"## {number}. {heading}", "", *(f"    {line}" if line else "" for line in text)]
    return "\n".join(lines) + "\n"


def _sections(
    settings: IndexSettings, body: Mapping[str, Any], known: Known, command: str
) -> Iterator[tuple[str, list[str]]]:
    source, target, limits = settings.elasticsearch_conn_id, settings.target_conn_id, settings.limits
    copy = naming.restored_copy(known.index)
    repository, name = settings.snapshot.repository, known.snapshot or known.snapshot_name
    if known.snapshot:
        yield f"snapshot, on {source}", [f"-- {repository}/{name} is used, started at {known.snapshot_started_at}"]
    else:
        yield f"snapshot, on {source}", _text(calls.take_snapshot(repository, name, known.source))
    state = {"alias": settings.alias, "rebuild": known.index, "snapshot": f"{repository}/{name}", "copy_done": False}
    restoring = snapshots.plan_calls(repository, name, known.source, copy, taking=False)
    yield (
        f"restore, on {target}",
        [
            *_text(calls.create_index(known.index, mapping.creation(body, state))),
            *(line for call in restoring for line in _text(call)),
        ],
    )
    limit, chunk = settings.reindex.requests_per_second, settings.reindex.chunk_documents
    yield (
        f"reindex, on {target}: in portions of about {chunk:,} documents, resumed by portion",
        [
            *_text(calls.reindex(copy, known.index, 0, chunk, requests_per_second=limit)),
            "-- counts of each portion are compared; then the settings of mapping.json:",
            *_text(calls.put_settings(known.index, mapping.to_restore(body))),
        ],
    )
    started = known.snapshot_started_at or LATER.format("start of the snapshot")
    yield (
        "deploy the rewound loader, once all is copied",
        [f"-- from {started}, less the measured delay and {limits.rewind_seconds:g} s", command],
    )
    yield (
        "until level",
        [
            f"-- every shard read to its end, below {limits.lag_seconds:g} s from commit to applied, "
            f"{limits.polls} looks in a row"
        ],
    )
    yield (
        "verify",
        [
            f"-- ids, versions and contents of {known.source} and {known.index}; differences are read again",
            *(f"-- canary {each.name}: at least {each.at_least} for {each.query}" for each in settings.verify.canaries),
        ],
    )
    yield "approve", ["-- a person, who sees the evidence and this plan"]
    yield "swap", list(swapping(settings, known.live, known.index))
    yield (
        f"afterwards: {known.source} stays, and stays fed, for {limits.keep_hours:g} h",
        ["-- back: index_roll_back; then index_clean_up"],
    )


def swapping(settings: IndexSettings, live: Alias | None, index: str) -> Iterator[str]:
    """How an alias moves."""
    yield "-- all checks again; refused if worse than approved"
    if live is None:
        yield from _text(calls.refresh(index))
        yield from _text(aliases.add_call(settings.alias, index, LIVE_FILTER))
        return
    lease = settings.limits.swap_seconds
    yield f"-- the loader {live.index} pauses, for {lease:g} s at most; {index} passes its position on every shard"
    yield from _text(calls.refresh(index))
    yield from _text(aliases.swap_call(live.name, live, index, LIVE_FILTER))
    yield f"-- the loader {live.index} goes on"


def roll_back(settings: IndexSettings, live: Alias, index: str) -> str:
    """The plan of `index_roll_back`."""
    lines = [f"# Plan of index_roll_back for {settings.alias}: from {live.index} back to {index}", ""]
    lines += [f"    {line}" if line else "" for line in swapping(settings, live, index)]
    lines += ["", f"{live.index} stays, and stays fed: index_roll_back again would return to it."]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Leftover:
    """An index that is to be deleted.

    :ivar why: what it was, and since when it is not needed.
    :ivar restored: whether its restored copy is there, too.
    :ivar loader: whether its loader runs.
    """

    index: str
    why: str
    restored: bool
    loader: bool
    exists: bool = True


def clean_up(settings: IndexSettings, live: str, leftovers: Sequence[Leftover], purge_before: str) -> str:
    """The plan of `index_clean_up`.

    :param purge_before: markers of documents that were deleted before this are purged.
    """
    lines = [f"# Plan of index_clean_up for {settings.alias}, which is on {live}"]
    for each in leftovers:
        lines += ["", f"## {each.index}: {each.why}", ""]
        lines += ["    -- no alias points to it; looked at again before each call"]
        lines += [f"    -- the loader {each.index} is stopped"] if each.loader else []
        lines += [f"    {calls.delete_index(naming.restored_copy(each.index)).line()}"] if each.restored else []
        lines += [f"    {calls.delete_index(each.index).line()}"] if each.exists else []
    lines += [] if leftovers else ["", "Nothing is to be deleted."]
    lines += ["", f"## {live}: markers of documents deleted before {purge_before}", ""]
    lines += [f"    POST /{live}/_delete_by_query    -- livemove.deleted and livemove.at < {purge_before}"]
    return "\n".join(lines) + "\n"


def replay(settings: IndexSettings, deployment: Deployment, command: str, indices: Sequence[str]) -> str:
    """The plan of `stream_replay`."""
    lines = [
        f"# Plan of stream_replay for {settings.alias}: {deployment.start} to {deployment.until}",
        "",
        f"Every document of {deployment.stream} in that span is written to {', '.join(indices)} again, unless a newer",
        "version of it is there:",
        "",
        f"    {command}",
        f"    -- until it has read all of it ({settings.limits.rebuild_hours:g} h at most); then the span is read once",
        "    -- more, and each id has to be in the index in that version or a newer one",
    ]
    return "\n".join(lines) + "\n"


def _text(call: calls.Call) -> list[str]:
    return call.text().splitlines()
