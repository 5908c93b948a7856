"""Snapshots are whole or refused; a restored copy is whole or restored again."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from livemove.runbook.errors import NeedsPerson, TryAgain
from livemove.search import calls, snapshots
from livemove.search.hook import SearchHook
from livemove.search.waiting import complete
from tests.integration.search.shop import COPY, OLD, PREFIX, REPOSITORY, SNAPSHOT, Shop, done


def ensured(shop: Shop, name: str, **options: Any) -> dict[str, Any]:
    return dict(done(lambda: snapshots.ensure(shop.hook, REPOSITORY, OLD, PREFIX, name, **options)).result)


def partial(hook: SearchHook, name: str, index: str) -> None:
    """A snapshot of an index none of whose shards is anywhere."""
    hook.client.indices.create(
        index=index, settings={"index.routing.allocation.require._name": "nobody"}, wait_for_active_shards=0
    )
    hook.client.perform_request(
        "PUT", f"/_snapshot/{REPOSITORY}/{name}", params={"wait_for_completion": "true"},
        headers={"accept": "application/json", "content-type": "application/json"},
        body={"indices": index, "partial": True, "include_global_state": False},
    )  # fmt: skip
    # A cluster without all primary shards is waited for by the fixture.
    hook.client.indices.delete(index=index)


def test_a_fresh_snapshot_is_used_and_an_old_one_is_not(shop: Shop) -> None:
    first = ensured(shop, f"{PREFIX}1")
    assert first["snapshot"] == f"{PREFIX}1"
    assert ensured(shop, f"{PREFIX}2")["snapshot"] == f"{PREFIX}1"
    assert ensured(shop, f"{PREFIX}3", max_age=timedelta(0))["snapshot"] == f"{PREFIX}3"
    assert ensured(shop, f"{PREFIX}1", max_age=timedelta(0))["snapshot"] == f"{PREFIX}1"


def test_without_a_snapshot_and_leave_to_take_one_the_reason_is_told(shop: Shop) -> None:
    partial(shop.hook, f"{PREFIX}broken", "products-broken")
    with pytest.raises(NeedsPerson, match=rf"no whole snapshot of {OLD} .* Seen: {PREFIX}broken: its state is PARTIAL"):
        ensured(shop, f"{PREFIX}1", take_one=False)


def test_a_partial_snapshot_is_never_restored(shop: Shop) -> None:
    partial(shop.hook, f"{PREFIX}broken", "products-broken")
    with pytest.raises(NeedsPerson, match="its state is PARTIAL, 1 shards are missing"):
        snapshots.restore(shop.hook, REPOSITORY, f"{PREFIX}broken", "products-broken", COPY)
    with pytest.raises(NeedsPerson, match="PARTIAL"):
        done(lambda: snapshots.take(shop.hook, REPOSITORY, f"{PREFIX}broken", "products-broken"))
    assert shop.hook.find(calls.path(COPY)) is None


def test_a_missing_snapshot_repository_or_index_is_named(shop: Shop) -> None:
    with pytest.raises(NeedsPerson, match="There is no snapshot nothing in the repository livemove"):
        snapshots.restore(shop.hook, REPOSITORY, "nothing", OLD, COPY)
    with pytest.raises(NeedsPerson, match="There is no snapshot repository elsewhere"):
        snapshots.restore(shop.hook, "elsewhere", SNAPSHOT, OLD, COPY)
    shop.snapshot()
    with pytest.raises(NeedsPerson, match="it does not hold other"):
        snapshots.restore(shop.hook, REPOSITORY, SNAPSHOT, "other", COPY)


def test_a_read_only_repository_gives_snapshots_and_takes_none(shop: Shop, server: Any) -> None:
    shop.snapshot()
    body = {"type": "fs", "settings": {"location": str(server.snapshots), "readonly": True}}
    server.request("PUT", f"/_snapshot/{REPOSITORY}", body)
    assert ensured(shop, f"{PREFIX}other")["snapshot"] == SNAPSHOT
    with pytest.raises(NeedsPerson, match="registered as read-only"):
        snapshots.take(shop.hook, REPOSITORY, f"{PREFIX}other", OLD)
    assert shop.restore().result["documents"] == 3000


def test_a_restored_copy_is_closed_to_writing_has_no_alias_and_is_whole(shop: Shop) -> None:
    shop.snapshot()
    seen = shop.restore()
    assert seen.result["documents"] == 3000
    assert seen.result["snapshot"] == f"{REPOSITORY}/{SNAPSHOT}"
    found = shop.hook.get(calls.path(COPY))[COPY]
    assert found["aliases"] == {}
    with pytest.raises(Exception, match="blocked by"):
        shop.hook.client.index(index=COPY, id="x", document={})
    assert shop.restore().result == seen.result
    done(lambda: snapshots.take(shop.hook, REPOSITORY, "other", OLD))
    with pytest.raises(NeedsPerson, match=f"was restored from {REPOSITORY}/{SNAPSHOT}"):
        snapshots.restore(shop.hook, REPOSITORY, "other", OLD, COPY)


def test_a_copy_whose_node_was_killed_before_it_was_seen_whole_is_restored_again(shop: Shop, server: Any) -> None:
    shop.snapshot()
    snapshots.restore(shop.hook, REPOSITORY, SNAPSHOT, OLD, COPY)
    server.kill()
    with pytest.raises(TryAgain):
        snapshots.restore(shop.hook, REPOSITORY, SNAPSHOT, OLD, COPY)
    # The node may wait for the copy that no one restores any more.
    starter = threading.Thread(target=server.start)
    starter.start()
    try:
        seen = complete(
            lambda: snapshots.restore(shop.hook, REPOSITORY, SNAPSHOT, OLD, COPY), timeout_seconds=150, poll_seconds=0.3
        )
    finally:
        starter.join()
    assert seen.result["documents"] == 3000


def test_an_empty_index_in_the_copys_place_is_not_taken_for_the_copy(shop: Shop) -> None:
    shop.snapshot()
    shop.hook.client.indices.create(index=COPY)
    assert shop.restore().result["documents"] == 3000


def test_an_index_of_another_name_is_never_deleted(shop: Shop) -> None:
    shop.snapshot()
    with pytest.raises(NeedsPerson, match="is no whole copy of the snapshot"):
        snapshots.restore(shop.hook, REPOSITORY, SNAPSHOT, OLD, OLD)
    assert shop.count(OLD) == 3000


def test_a_snapshot_whose_files_are_gone_is_refused_in_the_end(shop: Shop, server: Any) -> None:
    shop.snapshot()
    for file in Path(server.snapshots).glob("indices/*/*/__*"):
        file.unlink()
    with pytest.raises(NeedsPerson, match="cannot be restored"):
        shop.restore()
    shop.hook.client.indices.delete(index=COPY)
    assert shop.count(OLD) == 3000
