"""Snapshots: the newest good one of an index, taking one, and restoring it under another name."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from livemove.runbook.errors import NeedsPerson, TryAgain
from livemove.search import calls, naming
from livemove.search.calls import Call
from livemove.search.faults import AlreadyThere, NotThere
from livemove.search.waiting import Progress

if TYPE_CHECKING:
    from livemove.search.hook import SearchHook

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Snapshot:
    """One snapshot of a repository.

    :param state: SUCCESS, PARTIAL, FAILED, IN_PROGRESS or INCOMPATIBLE.
    :param started_at: all that was written before this time is in it.
    :param failed: how many shards are not in it.
    :param version: of the server that took it.
    """

    name: str
    state: str
    started_at: datetime
    indices: tuple[str, ...]
    failed: int = 0
    version: str = ""

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Snapshot:
        """What GET _snapshot tells of one."""
        return cls(
            name=value["snapshot"],
            state=value["state"],
            started_at=datetime.fromtimestamp(value.get("start_time_in_millis", 0) / 1000, UTC),
            indices=tuple(value.get("indices", ())),
            failed=int((value.get("shards") or {}).get("failed", 0)) or len(value.get("failures") or ()),
            version=str(value.get("version", "")),
        )

    def problem(self, index: str) -> str:
        """Why an index cannot be restored from it; empty if it can."""
        if self.state != "SUCCESS":
            return f"its state is {self.state}" + (f", {self.failed} shards are missing" if self.failed else "")
        if self.failed:
            return f"{self.failed} shards are missing"
        return "" if index in self.indices else f"it does not hold {index}"

    def as_json(self) -> dict[str, Any]:
        """For XCom and the report."""
        return {"snapshot": self.name, "state": self.state, "started_at": self.started_at.isoformat()}


def choose(
    snapshots: Sequence[Snapshot], index: str, prefix: str, oldest: datetime
) -> tuple[Snapshot | None, list[str]]:
    """The newest good snapshot of an index, and why each newer one was not taken. Pure.

    :param prefix: of the names that are looked at.
    :param oldest: what was started before is too old.
    """
    refused: list[str] = []
    for each in sorted(snapshots, key=lambda one: one.started_at, reverse=True):
        if not each.name.startswith(prefix):
            continue
        problem = each.problem(index)
        if not problem and each.started_at >= oldest:
            return each, refused
        refused.append(f"{each.name}: {problem or f'started at {each.started_at:%Y-%m-%d %H:%M} UTC, too old'}")
    return None, refused


# -- looks ----------------------------------------------------------------------------------------------


def repository_of(hook: SearchHook, repository: str) -> Mapping[str, Any]:
    """Type and settings of a repository.

    :raises NeedsPerson: it is not registered.
    """
    found = hook.find(calls.path("_snapshot", repository))
    if found is None:
        raise NeedsPerson(
            f"There is no snapshot repository {repository} on {hook}. Register it (PUT /_snapshot/{repository}), with "
            "`readonly` where another cluster writes to it."
        )
    value: Mapping[str, Any] = found[repository]
    return value


def is_read_only(repository: Mapping[str, Any]) -> bool:
    """Whether a repository is registered for reading only."""
    settings = repository.get("settings", {})
    return repository.get("type") == "url" or str(settings.get("readonly", settings.get("read_only"))).lower() == "true"


def snapshots_of(hook: SearchHook, repository: str, pattern: str = "*") -> list[Snapshot]:
    """The snapshots of a repository whose names match."""
    found = hook.find(f"{calls.path('_snapshot', repository)}/{pattern}", ignore_unavailable=True)
    if found is None:
        repository_of(hook, repository)
        return []
    listed = found.get("snapshots") or [each for part in found.get("responses", []) for each in part["snapshots"]]
    return [Snapshot.of(each) for each in listed]


def snapshot_named(hook: SearchHook, repository: str, name: str) -> Snapshot | None:
    """One snapshot; None if it does not exist."""
    return next((each for each in snapshots_of(hook, repository, name) if each.name == name), None)


def newest(
    hook: SearchHook, repository: str, index: str, prefix: str, max_age: timedelta, now: datetime | None = None
) -> tuple[Snapshot | None, list[str]]:
    """The newest good snapshot of an index that is not too old, and why each newer one was not taken."""
    oldest = (now or datetime.now(UTC)) - max_age
    return choose(snapshots_of(hook, repository, f"{prefix}*"), index, prefix, oldest)


# -- taking ---------------------------------------------------------------------------------------------


def take(hook: SearchHook, repository: str, name: str, index: str) -> Progress:
    """Take a snapshot of one index, or find it taken; called again until it is done.

    :param name: the same at each call, such as `naming.snapshot` gives it.
    :returns: in the end with `snapshot`, `state`, `started_at`.
    :raises NeedsPerson: the repository takes none, or the snapshot is not whole.
    """
    found = snapshot_named(hook, repository, name)
    if found is None:
        if is_read_only(repository_of(hook, repository)):
            raise NeedsPerson(
                f"The repository {repository} on {hook} is registered as read-only, so no snapshot can be taken. "
                "Register it without `readonly`, or let the cluster that writes to it take one."
            )
        try:
            hook.run(calls.take_snapshot(repository, name, index))
        except AlreadyThere:
            log.info("The snapshot %s was begun meanwhile.", name)
        return Progress(False, f"snapshot {repository}/{name} begins")
    if found.state == "IN_PROGRESS":
        return Progress(False, f"snapshot {repository}/{name}: {_figures(hook, repository, name)}")
    if problem := found.problem(index):
        raise NeedsPerson(
            f"The snapshot {repository}/{name} on {hook} cannot be used: {problem}. See GET "
            f"{calls.path('_snapshot', repository, name)} for the failures and the server's log for their cause, "
            f"delete the snapshot, then run this again."
        )
    return Progress(True, f"snapshot {repository}/{name} is whole", found.as_json())


def ensure(
    hook: SearchHook,
    repository: str,
    index: str,
    prefix: str,
    name: str,
    *,
    max_age: timedelta = timedelta(hours=24),
    take_one: bool = True,
) -> Progress:
    """Find the newest good snapshot of an index, or take one; called again until it is done.

    :param prefix: of the names that are looked at.
    :param name: of the one to take, the same at each call.
    :param take_one: False to refuse when there is none.
    :raises NeedsPerson: there is none, and none may or can be taken.
    """
    own = snapshot_named(hook, repository, name)
    if own is None:
        found, refused = newest(hook, repository, index, prefix, max_age)
        if found is not None:
            for why in refused:
                log.warning("Not used: %s", why)
            return Progress(
                True, f"snapshot {repository}/{found.name} of {found.started_at:%F %T} UTC", found.as_json()
            )
        if not take_one:
            seen = f" Seen: {'; '.join(refused[:5])}." if refused else ""
            hours = max_age.total_seconds() / 3600
            raise NeedsPerson(
                f"The repository {repository} on {hook} holds no whole snapshot of {index} with the prefix {prefix} "
                f"that is younger than {hours:g} h.{seen} Take one, or allow it (`snapshot.take: true`)."
            )
    return take(hook, repository, name, index)


def _figures(hook: SearchHook, repository: str, name: str) -> str:
    found = hook.find(calls.path("_snapshot", repository, name, "_status"))
    for each in (found or {}).get("snapshots", []):
        shards, stats = each.get("shards_stats", {}), each.get("stats", {})
        sizes = [stats.get(part, {}).get("size_in_bytes", 0) / 1e6 for part in ("processed", "incremental")]
        return f"{shards.get('done', 0)} of {shards.get('total', 0)} shards, {sizes[0]:.1f} of {sizes[1]:.1f} MB"
    return "under way"


# -- restoring ------------------------------------------------------------------------------------------

RESTORED_KEY = "livemove_restored"


def restore(hook: SearchHook, repository: str, snapshot: str, index: str, into: str) -> Progress:
    """Restore one index under another name, closed to writing; called again until it is done.

    A copy counts as whole only once it is marked as such, after all of its shards were seen to come from the snapshot:
    a shard whose node is killed while it is restored can come back empty and look healthy. An unmarked copy that does
    not come from the snapshot any more is deleted and restored again.

    :param into: the copy's name, such as `naming.restored_copy` gives it.
    :returns: in the end with `index`, `documents`, `snapshot_started_at`.
    :raises NeedsPerson: the snapshot is missing or not whole, or another index has that name.
    """
    origin = f"{repository}/{snapshot}"
    mark = _mark(hook, into)
    if mark is not None and mark.get("snapshot") == origin and mark.get("index") == index:
        return Progress(True, f"{into} is restored: {mark['documents']} documents", {**mark, "index": into})
    found = _whole(hook, repository, snapshot, index)
    if mark is None:
        hook.run(calls.restore_snapshot(repository, snapshot, index, into), retries=0)
        return Progress(False, f"restore of {index} from {origin} into {into} begins")
    if mark:
        raise NeedsPerson(f"{into} on {hook} was restored from {mark.get('snapshot')}, not from {origin}; delete it.")
    return _finish_restore(hook, found, origin, index, into)


def _whole(hook: SearchHook, repository: str, name: str, index: str) -> Snapshot:
    found = snapshot_named(hook, repository, name)
    if found is None:
        repository_of(hook, repository)
        raise NeedsPerson(
            f"There is no snapshot {name} in the repository {repository} on {hook}; it may have been deleted by a "
            f"retention rule. Start a new run, which takes another one."
        )
    if found.state == "IN_PROGRESS":
        raise TryAgain(f"The snapshot {repository}/{name} is still being taken.")
    if problem := found.problem(index):
        raise NeedsPerson(f"The snapshot {repository}/{name} on {hook} cannot be restored: {problem}. Use another one.")
    return found


def _mark(hook: SearchHook, into: str) -> dict[str, Any] | None:
    """What a restored copy says of itself, {} if nothing; None if there is no such index."""
    found = hook.find(calls.path(naming.concrete(into), "_mapping"))
    if found is None:
        return None
    return dict((found[into]["mappings"].get("_meta") or {}).get(RESTORED_KEY) or {})


def _finish_restore(hook: SearchHook, found: Snapshot, origin: str, index: str, into: str) -> Progress:
    shards = hook.get(calls.path(into, "_recovery"), detailed=False).get(into, {}).get("shards", [])
    count = int(hook.get(calls.path(into, "_settings"), flat_settings=True)[into]["settings"]["index.number_of_shards"])
    seen = {
        int(each["id"]): str(each["stage"])
        for each in shards
        if each.get("primary") and each.get("type") == "SNAPSHOT" and each["source"].get("snapshot") == found.name
    }
    foreign = [each for each in shards if each.get("primary") and each.get("type") != "SNAPSHOT"]
    if foreign:
        _restore_again(hook, into, f"{len(foreign)} shards do not come from the snapshot, as after a restart")
        return Progress(False, f"{into} is restored again")
    done = sum(stage == "DONE" for stage in seen.values())
    if done == count:
        return _sealed(hook, found, origin, index, into)
    given_up = next((shard for shard in range(count) if shard not in seen), None)
    if given_up is not None and _given_up(hook, into, given_up):
        _restore_again(hook, into, "its node was restarted before all of it had come")
        return Progress(False, f"{into} is restored again")
    files = [each["index"]["size"] for each in shards if "index" in each]
    got = sum(each.get("recovered_in_bytes", 0) for each in files) / 1e6
    total = sum(each.get("total_in_bytes", 0) for each in files) / 1e6
    return Progress(False, f"{into}: {done} of {count} shards restored, {got:.1f} of {total:.1f} MB")


def _given_up(hook: SearchHook, into: str, shard: int) -> bool:
    """Whether a restart of the cluster has ended the restore of a shard.

    :raises NeedsPerson: the server has tried, and will not try again.
    """
    call = Call("POST", "/_cluster/allocation/explain", body={"index": into, "shard": shard, "primary": True})
    told = hook.ask(call)
    if told.get("current_state") != "unassigned":
        return False
    reason = str((told.get("unassigned_info") or {}).get("reason"))
    if reason == "CLUSTER_RECOVERED":
        return True
    decided = [
        decider["explanation"]
        for node in told.get("node_allocation_decisions", [])
        for decider in node.get("deciders", [])
        if decider.get("decider") == "restore_in_progress" and decider.get("decision") == "NO"
    ]
    if decided:
        raise NeedsPerson(
            f"{into} on {hook} cannot be restored: {decided[0]}. Remove the cause, delete the index {into}, then clear "
            "the task."
        )
    return False


def _restore_again(hook: SearchHook, into: str, why: str) -> None:
    if not into.endswith(naming.RESTORED):
        raise NeedsPerson(
            f"{into} on {hook} is no whole copy of the snapshot: {why}. Delete it if it is not needed, or choose "
            "another name."
        )
    if hook.get(calls.path(into, "_alias")).get(into, {}).get("aliases"):
        raise NeedsPerson(f"{into} on {hook} is no whole copy of the snapshot ({why}), and an alias points to it.")
    log.warning("%s is deleted and restored again: %s.", into, why)
    try:
        hook.run(calls.delete_index(into))
    except NotThere:
        log.info("It is gone already.")


def _sealed(hook: SearchHook, found: Snapshot, origin: str, index: str, into: str) -> Progress:
    """Close the copy to writing, count it, and mark it as whole."""
    hook.run(calls.put_settings(into, {"index.blocks.write": True}))
    hook.run(calls.refresh(into))
    documents = int(hook.get(calls.path(into, "_count"))["count"])
    mark = {
        "snapshot": origin,
        "index": index,
        "documents": documents,
        "snapshot_started_at": found.started_at.isoformat(timespec="milliseconds"),
    }
    mappings = hook.get(calls.path(into, "_mapping"))[into]["mappings"]
    kept = {key: each for key, each in (mappings.get("_meta") or {}).items() if key != "livemove"}
    hook.run(calls.put_meta(into, {**kept, RESTORED_KEY: mark}))
    return Progress(True, f"{into} is restored: {documents} documents", {**mark, "index": into})


def plan_calls(repository: str, snapshot: str, index: str, into: str, *, taking: bool) -> list[Call]:
    """The calls of a restore, as plan mode shows them."""
    begin = [calls.take_snapshot(repository, snapshot, index)] if taking else []
    return [
        *begin,
        calls.restore_snapshot(repository, snapshot, index, into),
        calls.put_settings(into, {"index.blocks.write": True}),
    ]
