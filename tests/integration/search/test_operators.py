"""Operators, sensors and the trigger on a real node: in a DAG, one by one, alone with explicit arguments."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from livemove.runbook.errors import NeedsPerson, TryAgain
from livemove.search import aliases, cluster, copying, state
from livemove.search.hook import SearchHook
from livemove.search.operators import (
    CheckClusterOperator,
    CreateIndexOperator,
    DeleteIndexOperator,
    PurgeMarkersOperator,
    ReindexOperator,
    SwapAliasOperator,
    ThrottleReindexOperator,
    VerifyIndexOperator,
)
from livemove.search.sensors import IndexCopiedSensor, IndexReadySensor
from livemove.search.triggers import SearchStepTrigger
from tests.integration.search.shop import ALIAS, COPY, NEW, NEW_BODY, OLD, OLD_BODY, PREFIX, Shop

WHOLE = """
from airflow.sdk import DAG, chain
from livemove.search.operators import *
from livemove.search.sensors import *

OLD, NEW, COPY, BODY = {old!r}, {new!r}, {copy!r}, {body!r}
with DAG("search_operators", schedule=None):
    chain(
        CheckClusterOperator(task_id="check", index="products", new_index=NEW),
        EnsureSnapshotOperator(
            task_id="snapshot", repository="livemove", prefix="{prefix}", snapshot="{prefix}x", index="products",
            poll_seconds=0.1,
        ),
        RestoreSnapshotOperator(
            task_id="restore", repository="livemove", index=OLD, into=COPY, poll_seconds=0.1, deferrable=True,
            snapshot="{{{{ ti.xcom_pull(task_ids='snapshot')['snapshot'] }}}}",
        ),
        CreateIndexOperator(task_id="create", index=NEW, alias="products", body=BODY, source=COPY, chunk_documents=1000),
        ReindexOperator(task_id="copy", index=NEW, poll_seconds=0.1),
        IndexCopiedSensor(task_id="copied", index=NEW, poll_seconds=0.1),
        IndexReadySensor(task_id="ready", index=NEW, poll_seconds=0.1),
        VerifyIndexOperator(task_id="verify", live="products", new=NEW, settle_seconds=0.2),
        SwapAliasOperator(task_id="swap", alias="products", old=OLD, new=NEW),
        DeleteIndexOperator.partial(task_id="delete").expand(index=[OLD, COPY]),
    )
"""


def test_a_whole_dag_moves_an_alias_to_an_index_with_another_mapping(shop: Shop, tmp_path: Path) -> None:
    body = tmp_path / "mapping.json"
    body.write_text(json.dumps(NEW_BODY))
    file = tmp_path / "search_operators.py"
    file.write_text(WHOLE.format(old=OLD, new=NEW, copy=COPY, body=str(body), prefix=PREFIX))
    bag = DagBag(dag_folder=str(file))
    assert bag.import_errors == {}
    DagBundlesManager().sync_bundles_to_db()
    sync_bag_to_db(bag, "dags-folder", None)
    run = bag.dags["search_operators"].test()
    assert str(run.state).endswith("success"), {ti.task_id: str(ti.state) for ti in run.get_task_instances()}
    assert aliases.index_of(shop.hook, ALIAS) == NEW
    assert shop.count(NEW) == 3000
    assert set(shop.hook.client.indices.get(index="products*", expand_wildcards="all")) == {NEW}
    found = state.read_state(shop.hook, NEW)
    assert found.replaced == OLD
    assert found.verified_at <= found.swapped_at


async def first_event(trigger: SearchStepTrigger) -> dict[str, Any]:
    async for event in trigger.run():
        return dict(event.payload)
    raise AssertionError("the trigger ended without an event")


def test_a_copy_goes_on_in_the_triggerer(shop: Shop) -> None:
    shop.prepared(requests_per_second=200)
    task = ReindexOperator(task_id="copy", index=NEW, deferrable=True, timeout_seconds=60)
    with pytest.raises(TaskDeferred) as deferred:
        task.execute({})
    assert not state.read_state(shop.hook, NEW).copy_done
    assert ThrottleReindexOperator(task_id="faster", index=NEW, requests_per_second=None).execute({}) is None
    _, values = deferred.value.trigger.serialize()
    event = asyncio.run(first_event(SearchStepTrigger(**values)))
    assert task.resume({}, event)["documents"] == 3000
    assert shop.count(NEW) == 3000


def test_the_trigger_tells_of_lost_time_and_of_a_problem(shop: Shop) -> None:
    values = {"search_conn_id": "elasticsearch_default", "step": "copied", "poll_seconds": 0.1}
    late = SearchStepTrigger(values={"index": "products-20300101000000"}, ends_at=time.time() + 0.5, **values)
    event = asyncio.run(first_event(late))
    sensor = IndexCopiedSensor(task_id="s", index="products-20300101000000", timeout_seconds=0.5)
    with pytest.raises(TryAgain, match="is not created yet"):
        sensor.resume({}, event)
    with pytest.raises(TryAgain, match="is not created yet"):
        sensor.execute({})
    wrong = SearchStepTrigger(values={"index": "nothing"}, ends_at=time.time() + 9, **{**values, "step": "ready"})
    with pytest.raises(AirflowFailException, match="There is no index nothing"):
        IndexReadySensor(task_id="r", index="nothing").resume({}, asyncio.run(first_event(wrong)))


def test_what_is_not_copied_whole_is_neither_verified_nor_swapped_to(shop: Shop) -> None:
    shop.prepared()
    for task in (
        VerifyIndexOperator(task_id="v", live=ALIAS, new=NEW),
        SwapAliasOperator(task_id="s", alias=ALIAS, old=OLD, new=NEW),
    ):
        with pytest.raises(AirflowFailException, match=r"The copy into .* is not done: 0 documents"):
            task.execute({})
    assert aliases.index_of(shop.hook, ALIAS) == OLD


def test_indices_that_differ_fail_the_comparison(shop: Shop) -> None:
    shop.whole()
    shop.remove(NEW, 5)
    with pytest.raises(AirflowFailException, match="5: missing in the new index"):
        VerifyIndexOperator(task_id="v", live=ALIAS, new=NEW, settle_seconds=0).execute({})
    assert state.read_state(shop.hook, NEW).verified_at == ""


def test_old_markers_are_purged_and_young_ones_stay(shop: Shop) -> None:
    for number, at in ((1, "2026-01-01T00:00:00Z"), (2, "2026-01-01T00:00:00Z"), (3, "2026-03-01T00:00:00Z")):
        marker = {"livemove": {"deleted": True, "at": at}}
        shop.hook.client.index(index=OLD, id=str(number), document=marker, version=9000, version_type="external_gte")
    shop.refresh(OLD)
    task = PurgeMarkersOperator(task_id="p", index=OLD, before="2026-02-01T00:00:00+00:00", poll_seconds=0.1)
    task.execute({})
    assert shop.count(OLD) == 2998
    assert shop.hook.client.exists(index=OLD, id="3")
    assert shop.hook.client.count(index=ALIAS)["count"] == 2997
    task.execute({})


def test_patterns_are_not_deleted(shop: Shop) -> None:
    for name in ("products*", "_all", f"{OLD},{NEW}"):
        with pytest.raises(AirflowFailException, match="is not the name of one index"):
            DeleteIndexOperator(task_id="d", index=name).execute({})
    assert shop.count(OLD) == 3000


def test_a_cluster_is_looked_at_before_a_copy(shop: Shop) -> None:
    found = CheckClusterOperator(task_id="c", index=ALIAS, new_index=NEW).execute({})
    assert {each["name"]: each["result"] for each in found} == {
        "server": "ok", "cluster": "ok", "disk": "ok", "templates": "ok",
    }  # fmt: skip
    assert any(each["figures"].startswith("7.17.29, spoken to as ") for each in found)
    with pytest.raises(AirflowFailException, match=r"disk: .* needed"):
        CheckClusterOperator(task_id="c", index=ALIAS, new_index=NEW, free_disk_factor=1e12).execute({})


@pytest.mark.parametrize("kind", ["composable", "legacy"])
def test_a_template_that_would_add_an_alias_is_found_before_and_refused_at_the_creation(shop: Shop, kind: str) -> None:
    body = {"index_patterns": ["products-2026*"], "aliases": {"products": {}}}
    client = shop.hook.client
    if kind == "legacy":
        client.indices.put_template(name="greedy", **body)
    else:
        client.indices.put_index_template(
            name="greedy", index_patterns=body["index_patterns"], template={"aliases": body["aliases"]}
        )
    try:
        [check] = cluster.template_checks(shop.hook, NEW)
        assert check.result == "stop"
        assert "products" in check.figures
        with pytest.raises(AirflowFailException, match="an index template adds it"):
            CreateIndexOperator(task_id="c", index=NEW, alias=ALIAS, body=NEW_BODY, source=COPY).execute({})
    finally:
        if kind == "legacy":
            client.indices.delete_template(name="greedy")
        else:
            client.indices.delete_index_template(name="greedy")


def test_a_live_index_is_copied_without_a_snapshot_when_nothing_writes_to_it(shop: Shop) -> None:
    body = {**OLD_BODY, "settings": {"number_of_shards": 1, "number_of_replicas": 0}}
    CreateIndexOperator(task_id="c", index=NEW, alias=ALIAS, body=body, source=OLD).execute({})
    assert ReindexOperator(task_id="r", index=NEW, poll_seconds=0.1).execute({})["documents"] == 3000


def test_a_connection_that_leads_nowhere_is_tried_again_and_one_without_a_host_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(
        "AIRFLOW_CONN_NOWHERE", json.dumps({"conn_type": "elasticsearch", "host": "127.0.0.1", "port": 9})
    )
    with pytest.raises(TryAgain, match="ConnectionError"):
        SearchHook("nowhere").get("/")
    monkeypatch.setenv("AIRFLOW_CONN_NOWHERE", json.dumps({"conn_type": "elasticsearch"}))
    with pytest.raises(NeedsPerson, match="names no host"):
        SearchHook("nowhere").get("/")


def test_credentials_and_certificates_of_a_connection_reach_the_client(monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {"api_key": "c2VjcmV0", "verify_certs": False, "ssl_show_warn": False}
    connection = {
        "conn_type": "elasticsearch",
        "host": "a.example,b.example",
        "schema": "https",
        "port": 9243,
        "extra": extra,
    }
    monkeypatch.setenv("AIRFLOW_CONN_SAFE", json.dumps(connection))
    client = SearchHook("safe").client
    assert {node.base_url for node in client.transport.node_pool.all()} == {
        "https://a.example:9243",
        "https://b.example:9243",
    }
    assert client._headers["authorization"] == "ApiKey c2VjcmV0"
    monkeypatch.setenv("AIRFLOW_CONN_SAFE", json.dumps({**connection, "login": "u", "password": "p", "extra": {}}))
    assert SearchHook("safe").client._headers["authorization"].startswith("Basic ")


def test_a_server_is_spoken_to_in_the_version_that_airflow_is_told(
    hook: SearchHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in ("7", "8", "9"):
        monkeypatch.setenv("AIRFLOW__ELASTICSEARCH__ES_COMPAT_WITH", version)
        check = cluster.version_check(SearchHook("elasticsearch_default"))
        assert (check.result, check.figures) == ("ok", f"7.17.29, spoken to as {version}")


def test_a_limit_that_is_none_is_refused(shop: Shop) -> None:
    shop.prepared()
    with pytest.raises(NeedsPerson, match="above 0"):
        copying.throttle(shop.hook, NEW, 0)
