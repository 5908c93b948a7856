"""What cannot go well is refused with the reason and the remedy, and the live index is untouched."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from livemove.rebuild import swapping
from livemove.rebuild.preflight import Preflight
from livemove.rebuild.waits import made
from livemove.runbook.errors import NeedsPerson
from livemove.runbook.evidence import Check
from livemove.search import naming
from livemove.search.waiting import complete
from rehearsal.paths import REPOSITORY
from tests.fixtures.rebuild import ALIAS, IndexCase

SHIPPED = json.loads((REPOSITORY / "include" / "indices" / ALIAS / "mapping.json").read_text(encoding="utf-8"))


@pytest.fixture
def case(index_case: IndexCase) -> Iterator[IndexCase]:
    """A live index of 100 documents, which is as before in the end."""
    index_case.seed(100)
    before = index_case.documents()
    yield index_case
    assert ALIAS in index_case.ask("GET", f"/{index_case.live}")[index_case.live]["aliases"]
    assert index_case.documents(index_case.live) == before


def new() -> str:
    """The name of a new index."""
    return naming.new_index(ALIAS, datetime.now(UTC))


def stops(case: IndexCase) -> dict[str, Check]:
    """What the preflight forbids."""
    return {check.name: check for check in Preflight(case.rebuild(new())).evidence().stops}


def test_a_good_index_is_not_refused(case: IndexCase) -> None:
    assert stops(case) == {}


def test_streams_that_forget_too_early(case: IndexCase) -> None:
    case.configure(limits__spare_hours=48)
    found = stops(case)
    assert set(found) == {f"stream {name}: retention" for name in (case.streams.changes, case.streams.documents)}
    remedy = found[f"stream {case.streams.documents}: retention"].remedy
    assert f"increase-stream-retention-period --stream-name {case.streams.documents}" in remedy


def test_an_alias_on_two_indices(case: IndexCase) -> None:
    other = new()
    case.ask("PUT", f"/{other}", {"aliases": {ALIAS: {}}})
    found = stops(case)
    assert f"{ALIAS} on elasticsearch_default is on {case.live}, {other}" in found["alias"].figures
    with pytest.raises(NeedsPerson, match="it was expected on"):
        swapping.swap(case.rebuild(other), case.live, naming.new_index(ALIAS, datetime.now(UTC) + timedelta(seconds=9)))
    assert case.alias() == sorted([case.live, other])


def test_no_snapshot_and_none_may_be_taken(case: IndexCase) -> None:
    case.configure(snapshot__take=False)
    assert "snapshot.take" in stops(case)["snapshot"].remedy
    with pytest.raises(NeedsPerson, match=r"holds no whole snapshot of .*snapshot.take: true"):
        complete(made(ALIAS, new(), "restore", {}), timeout_seconds=20, poll_seconds=0.2)


def test_a_snapshot_that_is_gone_when_it_is_to_be_restored(case: IndexCase) -> None:
    index = new()
    step = made(ALIAS, index, "restore", {})
    while not case.ask("GET", f"/{ALIAS}-*?expand_wildcards=all").get(index):
        step()
    case.ask("DELETE", f"/{index}.restored?ignore_unavailable=true")
    case.ask("DELETE", f"/_snapshot/livemove/{naming.snapshot('products-', naming.made_at(index, ALIAS))}")  # type: ignore[arg-type]
    with pytest.raises(NeedsPerson, match="There is no snapshot"):
        complete(made(ALIAS, index, "restore", {}), timeout_seconds=20, poll_seconds=0.2)


def test_a_repository_that_is_read_only(case: IndexCase) -> None:
    location = str(case.stack.elasticsearch.snapshots)
    case.ask("PUT", "/_snapshot/livemove", {"type": "fs", "settings": {"location": location, "readonly": True}})
    assert "without readonly" in stops(case)["snapshot"].remedy


def test_a_disk_over_its_watermark(case: IndexCase) -> None:
    watermark = "cluster.routing.allocation.disk"
    marks = {f"{watermark}.watermark.{name}": "100tb" for name in ("low", "high", "flood_stage")}
    case.ask("PUT", "/_cluster/settings", {"persistent": {f"{watermark}.threshold_enabled": True, **marks}})
    assert "flood-stage" in stops(case)["disk"].figures
    case.ask("PUT", "/_cluster/settings", {"persistent": {"*": None}})
    case.ask("PUT", "/_all/_settings", {"index.blocks.read_only_allow_delete": None})


def test_a_mapping_that_rejects_some_documents(case: IndexCase) -> None:
    mapping: dict[str, Any] = json.loads(json.dumps(SHIPPED))
    # Half of the tags are texts that are no numbers.
    mapping["mappings"]["properties"]["name"] = {"type": "integer"}
    case.configure(mapping)
    index = new()
    assert stops(case) == {}
    complete(made(ALIAS, index, "restore", {}), timeout_seconds=60, poll_seconds=0.2)
    with pytest.raises(NeedsPerson, match=rf"The mapping of {index} rejects 100 of the 100 documents"):
        complete(made(ALIAS, index, "reindex", {}), timeout_seconds=60, poll_seconds=0.2)
    assert not case.rebuild(index).state().copy_done
    with pytest.raises(NeedsPerson, match="does not have all documents yet"):
        complete(made(ALIAS, index, "deploy_rewound_loader", {}), timeout_seconds=20)


def test_a_mapping_that_the_server_refuses(case: IndexCase) -> None:
    case.configure({"settings": {}, "mappings": {"properties": {"name": {"type": "quark"}}}})
    assert "No handler for type [quark]" in stops(case)["mapping.json"].figures


def test_a_loader_that_does_not_run(case: IndexCase) -> None:
    case.rebuild().loaders.stop(case.live)
    assert f"loader {case.live}" in stops(case)


def test_documents_without_versions_of_the_source(case: IndexCase) -> None:
    case.ask("PUT", f"/{case.live}/_doc/stranger?refresh=true", {"id": 999, "revision": 1})
    assert "without external versions" in stops(case)["versions"].remedy
    case.ask("DELETE", f"/{case.live}/_doc/stranger?refresh=true")
