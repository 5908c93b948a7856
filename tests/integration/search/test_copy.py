"""The copy of an index: whole in the end, whatever is killed on the way, and never called whole before."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from livemove.runbook.errors import NeedsPerson, TryAgain
from livemove.search import calls, copying, indices, mapping, state
from livemove.search.chunks import Chunk
from livemove.search.copying import Copier
from livemove.search.hook import SearchHook
from livemove.search.waiting import Progress
from tests.fixtures.waiting import until
from tests.integration.search.shop import COPY, NEW, NEW_BODY, OLD, Killed, MortalHook, Shop, done, followed


def watched(copier: Copier, seconds: float = 90) -> None:
    """Look at a copy until it stops."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        copier.look()
        time.sleep(0.1)


def settings(hook: SearchHook, index: str) -> dict[str, Any]:
    return dict(hook.get(calls.path(index, "_settings"), flat_settings=True)[index]["settings"])


def test_a_copy_has_every_document_with_its_version_and_the_users_settings(shop: Shop) -> None:
    shop.prepared()
    assert settings(shop.hook, NEW)["index.refresh_interval"] == "-1"
    assert state.read_state(shop.hook, NEW).copy_done is False
    seen = shop.copy()
    assert seen.result["documents"] == shop.count(NEW) == 3000
    assert seen.result["chunks"] >= 5
    made = state.read_state(shop.hook, NEW)
    assert made.copy_done
    assert len(made.copied) == 1
    assert made.task is None
    found = settings(shop.hook, NEW)
    assert found["index.refresh_interval"] == "200ms"
    assert found["index.number_of_shards"] == "3"
    assert "index.translog.durability" not in found
    assert shop.verify().same


def test_a_copy_that_is_done_is_not_done_again(shop: Shop) -> None:
    shop.whole()
    shop.write(NEW, 5, 99999, name="written later")
    shop.hook.client.indices.delete(index=COPY)
    assert shop.copy().result["chunks"] == 0
    assert shop.hook.client.get(index=NEW, id="5")["_source"]["name"] == "written later"


def test_a_newer_document_that_is_there_already_stays(shop: Shop) -> None:
    shop.prepared()
    shop.write(NEW, 7, 99999, name="newer")
    shop.copy()
    assert shop.hook.client.get(index=NEW, id="7")["_source"]["name"] == "newer"
    assert shop.count(NEW) == 3000


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
def test_a_worker_killed_at_any_call_is_followed_by_one_that_goes_on(shop: Shop, after: bool) -> None:
    died = []
    for turn in range(150):
        try:
            shop.whole(MortalHook(max(0, turn - 2) % 6, after=after))
            break
        except Killed as at:
            died.append(str(at))
        found = state.find_state(shop.hook, NEW)
        assert found is None or not found.copy_done or shop.count(NEW) == 3000
    else:
        pytest.fail("it never ended")
    calls_met = {line.split("?")[0].split("/")[-1] for line in died}
    assert {"_restore", "_reindex", "_mapping"} <= calls_met, calls_met
    assert shop.count(NEW) == 3000
    assert shop.verify().same
    assert state.read_state(shop.hook, NEW).copy_done


def test_a_chunk_that_runs_already_is_not_begun_again(shop: Shop) -> None:
    shop.prepared(requests_per_second=400, chunk_documents=1500)
    with pytest.raises(Killed):
        Copier(MortalHook(1, after=True), NEW).look()
    assert state.read_state(shop.hook, NEW).task is None
    running = shop.hook.get("/_tasks", actions="*reindex", detailed=True)["nodes"]
    [parent] = [
        name for node in running.values() for name, task in node["tasks"].items() if "parent_task_id" not in task
    ]
    Copier(shop.hook, NEW).look()
    found = state.read_state(shop.hook, NEW).task
    assert found is not None
    assert found["id"] == parent
    copying.throttle(shop.hook, NEW, None)
    shop.copy()
    assert shop.count(NEW) == 3000


def test_a_node_killed_in_the_middle_costs_no_more_than_the_running_chunk(shop: Shop, server: Any) -> None:
    shop.prepared(requests_per_second=2000)
    first = Copier(shop.hook, NEW, linger_seconds=0)
    for _ in followed(first, lambda: len(first.copied_now) >= 2):
        pass
    before = state.read_state(shop.hook, NEW)
    server.kill()
    with pytest.raises(TryAgain):
        first.look()
    server.start()
    after = state.read_state(shop.hook, NEW)
    assert not after.copy_done
    assert after.documents == before.documents
    copying.throttle(shop.hook, NEW, None)
    second = Copier(shop.hook, NEW)
    assert done(second.step).result["documents"] == 3000
    copied = {number for low, high in after.copied for number in range(low, high)}
    again = {number for each in second.copied_now for number in range(each.low, each.high)}
    assert again
    assert not copied & again
    assert shop.count(NEW) == 3000
    assert shop.verify().same


def test_a_result_of_another_task_of_the_same_number_is_not_taken_for_the_chunks(shop: Shop) -> None:
    shop.prepared(chunk_documents=3000)
    other = shop.hook.ask(calls.reindex(COPY, "elsewhere", 0, 5000))["task"]
    shop.hook.get(f"/_tasks/{other}", wait_for_completion=True)
    state.write_state(shop.hook, NEW, task={"id": other, "low": 0, "high": 5000, "documents": 3000})
    copier = Copier(shop.hook, NEW)
    done(copier.step)
    assert [each.documents for each in copier.copied_now] == [3000]
    assert shop.count(NEW) == 3000


def test_the_step_waits_while_the_node_is_away(shop: Shop, server: Any) -> None:
    shop.prepared(requests_per_second=1500)
    copier = Copier(shop.hook, NEW, linger_seconds=0)
    copier.look()
    server.kill()
    starter = threading.Timer(1, server.start)
    starter.start()
    try:
        assert done(copier.step).result["documents"] == 3000
    finally:
        starter.join()
    assert shop.verify().same


def test_the_limit_follows_a_change_while_a_chunk_runs(shop: Shop) -> None:
    shop.prepared(requests_per_second=100, chunk_documents=3000)
    copier = Copier(shop.hook, NEW, linger_seconds=0)
    assert "at most 100/s" in copier.look().text
    began = time.monotonic()
    # As someone else's process does, who knows but the index.
    state.write_state(shop.hook, NEW, requests_per_second=None)
    assert done(copier.step).result["documents"] == 3000
    # 3,000 documents at 100/s would take 30 s.
    assert time.monotonic() - began < 15


def test_a_limit_is_kept(shop: Shop) -> None:
    shop.prepared(requests_per_second=1500, chunk_documents=1000)
    copying.throttle(shop.hook, NEW, 1000)
    began = time.monotonic()
    shop.copy()
    assert time.monotonic() - began > 1.5


def test_a_cancelled_chunk_is_copied_again(shop: Shop) -> None:
    shop.prepared(requests_per_second=300, chunk_documents=3000)
    copier = Copier(shop.hook, NEW, linger_seconds=0)
    copier.look()
    task = state.read_state(shop.hook, NEW).task
    assert task is not None
    shop.hook.run(calls.cancel(task["id"]))
    with pytest.raises(TryAgain, match="ended early"):
        watched(copier)
    assert not state.read_state(shop.hook, NEW).copy_done
    copying.throttle(shop.hook, NEW, None)
    assert done(copier.step).result["documents"] == 3000
    assert shop.verify().same


def test_documents_that_the_mapping_rejects_are_counted_and_shown_and_the_live_index_stays(shop: Shop) -> None:
    for number in range(100, 2000, 100):
        shop.write(OLD, number, 50_000 + number, price="on request")
    shop.refresh(OLD)
    shop.prepared(chunk_documents=3000)
    with pytest.raises(NeedsPerson) as refused:
        shop.copy()
    told = str(refused.value)
    assert "rejects 19 of the 3000 documents" in told
    assert "failed to parse field [price] of type [double]" in told
    assert "19 x failed to parse field [price] of type [double] in a document" in told
    assert len([line for line in told.splitlines() if "Preview of field's value: 'on request'" in line]) == 10
    found = state.read_state(shop.hook, NEW)
    assert not found.copy_done
    assert found.documents == 0
    assert shop.count(OLD) == 3000
    assert list(shop.hook.client.indices.get_alias(name="products")) == [OLD]
    with pytest.raises(NeedsPerson, match="rejects 19"):
        shop.copy()


def test_an_index_that_someone_else_writes_to_is_never_called_whole(shop: Shop) -> None:
    shop.prepared()
    shop.write(NEW, 777_777, 1)
    with pytest.raises(NeedsPerson, match=r"has 3001 documents, .* has 3000"):
        shop.copy()
    assert not state.read_state(shop.hook, NEW).copy_done


def test_a_chunk_whose_figures_do_not_agree_is_not_recorded(shop: Shop) -> None:
    shop.prepared(chunk_documents=3000)
    copier = Copier(shop.hook, NEW, linger_seconds=0)
    copier.look()
    task = state.read_state(shop.hook, NEW).task
    assert task is not None
    state.write_state(shop.hook, NEW, task={**task, "documents": 3001})
    with pytest.raises(TryAgain, match="has 3001 documents, but its task found 3000"):
        watched(copier)
    assert state.read_state(shop.hook, NEW).copied == ()
    assert done(Copier(shop.hook, NEW).step).result["documents"] == 3000


def test_an_empty_index_is_copied_too(hook: SearchHook) -> None:
    shop = Shop(hook)
    shop.whole()
    assert state.read_state(hook, NEW).copy_done
    assert shop.verify().same


def test_another_mapping_under_the_same_name_is_refused(shop: Shop) -> None:
    shop.prepared()
    other = {**NEW_BODY, "mappings": {"properties": {**NEW_BODY["mappings"]["properties"], "id": {"type": "keyword"}}}}
    with pytest.raises(NeedsPerson, match=r"made from another mapping: field id"):
        shop.create(body=other)
    with pytest.raises(NeedsPerson, match=r"was made for the alias products"):
        shop.create(alias="others")


def test_an_index_of_someone_else_is_left_alone(shop: Shop) -> None:
    shop.hook.client.indices.create(index=NEW)
    with pytest.raises(NeedsPerson, match="was not made by livemove"):
        shop.create()
    with pytest.raises(NeedsPerson, match="was not made by livemove"):
        Copier(shop.hook, NEW).look()


def test_a_mapping_is_checked_by_the_server_without_making_anything(shop: Shop) -> None:
    before = set(shop.hook.client.indices.get(index="*", expand_wildcards="all"))
    indices.validate(shop.hook, NEW, NEW_BODY)
    bad = {"mappings": {"properties": {"name": {"type": "text", "analyzer": "nobody"}}}}
    with pytest.raises(NeedsPerson, match=r"analyzer \[nobody\] has not been configured"):
        indices.validate(shop.hook, NEW, bad)
    with pytest.raises(NeedsPerson, match="number_of_shards"):
        indices.validate(shop.hook, NEW, {"settings": {"number_of_shards": "many"}})
    assert set(shop.hook.client.indices.get(index="*", expand_wildcards="all")) == before


def test_what_the_live_index_has_otherwise_is_told(shop: Shop) -> None:
    found = indices.described(shop.hook, OLD)
    assert found is not None
    assert mapping.differences(found, shop_body()) == []
    told = [str(each) for each in mapping.differences(found, NEW_BODY)]
    assert told == [
        "settings.index.number_of_shards: 2 -> 3",
        "settings.index.refresh_interval: added: 200ms (could be changed without a rebuild)",
        "field name: {type: keyword} -> {type: text}",
        "field price: {type: keyword} -> {type: double}",
    ]


def shop_body() -> dict[str, Any]:
    from tests.integration.search.shop import OLD_BODY

    return OLD_BODY


def test_a_full_disk_stops_the_copy_with_the_reason_and_it_goes_on_afterwards(shop: Shop) -> None:
    shop.prepared(requests_per_second=100)
    copier = Copier(shop.hook, NEW, linger_seconds=0)
    copier.look()
    watermarks(shop.hook, low="900tb", high="800tb", flood="700tb")
    with pytest.raises(NeedsPerson, match="over the flood-stage watermark"):
        watched(copier)
    assert not any(running(shop.hook))
    assert not state.read_state(shop.hook, NEW).copy_done
    watermarks(shop.hook, low="3b", high="2b", flood="1b")
    until(lambda: settings(shop.hook, NEW).get(copying.FLOODED) != "true", 90)
    copying.throttle(shop.hook, NEW, None)
    assert done(Copier(shop.hook, NEW).step).result["documents"] == 3000
    assert shop.verify().same


def watermarks(hook: SearchHook, *, low: str, high: str, flood: str) -> None:
    prefix = "cluster.routing.allocation.disk."
    values = {
        f"{prefix}threshold_enabled": True,
        f"{prefix}watermark.low": low,
        f"{prefix}watermark.high": high,
        f"{prefix}watermark.flood_stage": flood,
        "cluster.info.update.interval": "10s",
    }
    hook.client.cluster.put_settings(persistent=values)


def running(hook: SearchHook) -> list[str]:
    """Names of the running copies, a moment after what was cancelled has ended."""
    time.sleep(1)
    found = hook.get("/_tasks", actions="*reindex")["nodes"]
    return [name for node in found.values() for name in node["tasks"]]


def test_progress_is_told_in_documents(shop: Shop) -> None:
    shop.prepared(requests_per_second=500, chunk_documents=3000)
    # In one slice there are two batches, of 2,000 and 1,000, with four seconds in between.
    copier = Copier(shop.hook, NEW, slices=1, linger_seconds=0)
    told: list[Progress] = list(followed(copier, lambda: bool(copier.copied_now), 40))
    counts = [int(each.text.split(": ")[1].split(" of ")[0]) for each in told if not each.done]
    assert counts == sorted(counts)
    assert 2000 in counts
    assert "of 3000 documents copied, at most 500/s" in told[0].text


def test_chunks_are_those_of_the_plan(shop: Shop) -> None:
    shop.fill(1500)
    shop.prepared()
    copier = Copier(shop.hook, NEW)
    done(copier.step)
    assert sum(chunk.documents or 0 for chunk in copier.copied_now) == 3000
    assert all(isinstance(chunk, Chunk) for chunk in copier.copied_now)
    assert {chunk.low for chunk in copier.copied_now[1:]} == {chunk.high for chunk in copier.copied_now[:-1]}
