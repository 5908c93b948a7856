"""The Elasticsearch node of the rehearsal, as far as the rebuild of an index rests on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rehearsal.ports import LOOPBACK
from tests.fixtures.waiting import until

if TYPE_CHECKING:
    from rehearsal.elasticsearch.service import Elasticsearch


def _count(elasticsearch: Elasticsearch, index: str) -> int:
    return int(elasticsearch.request("GET", f"/{index}/_count")["count"])


def _version(elasticsearch: Elasticsearch, index: str, document: str) -> int:
    return int(elasticsearch.request("GET", f"/{index}/_doc/{document}")["_version"])


def _fill(elasticsearch: Elasticsearch, index: str, documents: int) -> None:
    for number in range(documents):
        path = f"/{index}/_doc/{number}?version={number + 100}&version_type=external_gte"
        elasticsearch.request("PUT", path, {"number": number})
    elasticsearch.request("POST", f"/{index}/_refresh")


def test_a_restored_copy_under_another_name_keeps_the_versions_of_documents(elasticsearch: Elasticsearch) -> None:
    _fill(elasticsearch, "live", 3)
    elasticsearch.request("PUT", "/_snapshot/livemove/one?wait_for_completion=true", {"indices": "live"})
    restore = {"indices": "live", "rename_pattern": "(.+)", "rename_replacement": "$1.restored"}
    elasticsearch.request("POST", "/_snapshot/livemove/one/_restore?wait_for_completion=true", restore)
    assert _version(elasticsearch, "live.restored", "2") == 102


def test_reindex_leaves_a_newer_document_alone(elasticsearch: Elasticsearch) -> None:
    _fill(elasticsearch, "live", 3)
    elasticsearch.request("PUT", "/new/_doc/1?version=500&version_type=external_gte", {"number": "newer"})
    body: dict[str, Any] = {
        "conflicts": "proceed",
        "source": {"index": "live"},
        "dest": {"index": "new", "version_type": "external_gte"},
    }
    done = elasticsearch.request("POST", "/_reindex?refresh=true&slices=auto", body)
    assert (done["created"], done["version_conflicts"]) == (2, 1)
    assert elasticsearch.request("GET", "/new/_doc/1")["_source"] == {"number": "newer"}


def test_documents_and_snapshots_survive_a_kill(elasticsearch: Elasticsearch) -> None:
    _fill(elasticsearch, "live", 3)
    elasticsearch.request("PUT", "/_snapshot/livemove/one?wait_for_completion=true", {"indices": "live"})
    elasticsearch.kill()
    elasticsearch.start()
    assert _count(elasticsearch, "live") == 3
    assert elasticsearch.request("GET", "/_snapshot/livemove/one")["snapshots"][0]["state"] == "SUCCESS"


def test_a_reindex_that_runs_can_be_throttled_and_ends_with_the_node(elasticsearch: Elasticsearch) -> None:
    _fill(elasticsearch, "live", 30)
    body = {"source": {"index": "live", "size": 1}, "dest": {"index": "new"}}
    task = elasticsearch.request("POST", "/_reindex?wait_for_completion=false&requests_per_second=1", body)["task"]
    elasticsearch.request("POST", f"/_reindex/{task}/_rethrottle?requests_per_second=-1")
    until(lambda: elasticsearch.request("GET", f"/_tasks/{task}")["completed"], 20)
    elasticsearch.request("POST", "/new/_refresh")
    assert _count(elasticsearch, "new") == 30


def test_it_listens_on_the_loopback_interface_only(elasticsearch: Elasticsearch) -> None:
    nodes = elasticsearch.request("GET", "/_nodes/http,transport")["nodes"]
    for node in nodes.values():
        for kind in ("http", "transport"):
            assert all(address.startswith(f"{LOOPBACK}:") for address in node[kind]["bound_address"])


def test_emptying_it_leaves_no_index_no_snapshot_and_no_setting(elasticsearch: Elasticsearch) -> None:
    _fill(elasticsearch, "live", 1)
    elasticsearch.request("PUT", "/live-hidden", {"settings": {"index.hidden": True}})
    elasticsearch.request("PUT", "/_snapshot/livemove/one?wait_for_completion=true", {"indices": "live"})
    setting = {"cluster.routing.allocation.disk.threshold_enabled": True}
    elasticsearch.request("PUT", "/_cluster/settings", {"persistent": setting})
    body = {"type": "fs", "settings": {"location": str(elasticsearch.snapshots), "readonly": True}}
    elasticsearch.request("PUT", "/_snapshot/livemove", body)
    elasticsearch.empty()
    assert elasticsearch.request("GET", "/_all?expand_wildcards=all") == {}
    assert elasticsearch.request("GET", "/_snapshot/livemove/_all")["snapshots"] == []
    assert elasticsearch.request("GET", "/_cluster/settings") == {"persistent": {}, "transient": {}}


def test_the_official_client_talks_to_it(elasticsearch: Elasticsearch) -> None:
    import elasticsearch as library

    with library.Elasticsearch(elasticsearch.url) as client:
        assert client.info()["version"]["number"] == "7.17.29"
