"""An index that moves to another cluster (`restore_into_conn_id`): a version upgrade, or blue and green."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from livemove.rebuild import swapping, verification
from livemove.rebuild.preflight import Preflight
from livemove.rebuild.rebuild import Rebuild
from livemove.rebuild.waits import made
from livemove.search import naming
from livemove.search.waiting import complete
from rehearsal.elasticsearch.service import REPOSITORY, Elasticsearch
from rehearsal.ports import LOOPBACK, Ports
from rehearsal.stack import Stack
from tests.fixtures.rebuild import ALIAS, IndexCase

CONN_ID = "elasticsearch_green"
STEPS = ("restore", "reindex", "deploy_rewound_loader", "until_level")


@pytest.fixture(scope="module")
def second_node(bare_stack: Stack, elasticsearch_server: Elasticsearch) -> Iterator[Elasticsearch]:
    """A second cluster on the first one's repository."""
    name = "elasticsearch-green"
    folder = bare_stack.path / name
    ports = Ports(bare_stack.path / "green-ports.json", [bare_stack.folder.ports])
    node = Elasticsearch(
        folder, bare_stack.folder.server(name), ports.take("http"), ports.take("transport"), bare_stack.layout
    )
    node.snapshots = elasticsearch_server.snapshots
    node.start({"path.repo": [str(node.snapshots)]})
    yield node
    node.kill()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def green(second_node: Elasticsearch, monkeypatch: pytest.MonkeyPatch) -> Iterator[Elasticsearch]:
    """A second cluster, which reads the first one's snapshots and may not write any."""
    _register(second_node, readonly=True)
    connection = {"conn_type": "elasticsearch", "host": LOOPBACK, "port": second_node.port, "schema": "http"}
    monkeypatch.setenv(f"AIRFLOW_CONN_{CONN_ID.upper()}", json.dumps(connection))
    yield second_node
    # Its indices alone: the snapshots are the first cluster's.
    for name in second_node.request("GET", "/_all"):
        second_node.request("DELETE", f"/{name}")


def _register(node: Elasticsearch, *, readonly: bool) -> None:
    settings = {"location": str(node.snapshots), "readonly": readonly}
    node.request("PUT", f"/_snapshot/{REPOSITORY}", {"type": "fs", "settings": settings})


def rebuilt(index: str) -> Rebuild:
    """Do all steps up to the swap."""
    for step in STEPS:
        complete(made(ALIAS, index, step, {}), timeout_seconds=120, poll_seconds=0.5)
    return Rebuild.named(ALIAS, index)


def test_an_index_is_rebuilt_in_another_cluster_and_both_go_on(index_case: IndexCase, green: Elasticsearch) -> None:
    writer = index_case.seed(500, rate=60)
    index_case.configure(restore_into_conn_id=CONN_ID)
    writer.start()
    index = naming.new_index(ALIAS, datetime.now(UTC))
    look = Preflight(index_case.rebuild(index))
    evidence = look.evidence()
    assert not evidence.stops, evidence.markdown()
    assert "repository" not in [check.name for check in evidence.warnings]
    assert CONN_ID in look.plan()
    rebuild = rebuilt(index)
    found = verification.evidence(rebuild)
    assert not found.stops, found.markdown()
    there = index_case.on(green)
    assert swapping.swap(rebuild, "", index).moved
    assert there.alias() == [index]
    # The first cluster is as it was: going back is to point the clients at it again.
    assert index_case.alias() == [index_case.live]
    assert sorted(index_case.ask("GET", f"/{ALIAS}-*")) == [index_case.live]
    writer.stop()
    index_case.settle(index, index_case.live)
    index_case.assert_equals_database(writer)
    there.assert_equals_database(writer)


def test_a_repository_that_two_clusters_may_write_to_or_that_one_does_not_know_is_told_before_anything_happens(
    index_case: IndexCase, green: Elasticsearch, elasticsearch_server: Elasticsearch
) -> None:
    index_case.seed(10)
    index_case.configure(restore_into_conn_id=CONN_ID)
    index = naming.new_index(ALIAS, datetime.now(UTC))
    _register(green, readonly=False)
    warnings = {check.name: check.remedy for check in Preflight(index_case.rebuild(index)).evidence().warnings}
    assert "readonly" in warnings["repository"]
    _register(elasticsearch_server, readonly=True)
    try:
        names = [check.name for check in Preflight(index_case.rebuild(index)).evidence().warnings]
    finally:
        _register(elasticsearch_server, readonly=False)
    assert "repository" not in names
    green.request("DELETE", f"/_snapshot/{REPOSITORY}")
    stops = Preflight(index_case.rebuild(index)).evidence().stops
    assert [check.name for check in stops] == ["snapshot"]
    assert REPOSITORY in stops[0].figures
    assert CONN_ID in stops[0].figures


def test_a_difference_between_two_clusters_keeps_the_alias_away(index_case: IndexCase, green: Elasticsearch) -> None:
    index_case.seed(200)
    index_case.configure(restore_into_conn_id=CONN_ID)
    index = naming.new_index(ALIAS, datetime.now(UTC))
    rebuild = rebuilt(index)
    green.request("DELETE", f"/{index}/_doc/17")
    stops = verification.evidence(rebuild).stops
    assert [check.name for check in stops] == [f"contents of {index_case.live} and {index}"]
    assert "- 17: missing" in stops[0].figures
