"""A rebuild step by step, on a real cluster, a real stream and a real loader."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime

import pytest

from livemove.rebuild import steps, swapping, verification
from livemove.rebuild.preflight import Preflight
from livemove.rebuild.rebuild import Rebuild
from livemove.rebuild.waits import made
from livemove.search import naming
from livemove.search.waiting import complete
from tests.fixtures.rebuild import ALIAS, IndexCase


def new_shards(plan: str) -> int:
    """What a plan says of the new index."""
    found = re.search(r'"index.number_of_shards": "(\d+)"', plan)
    assert found, plan
    return int(found[1])


def test_an_index_is_rebuilt_while_it_is_written_to_and_searched(index_case: IndexCase) -> None:
    writer = index_case.seed(1000, rate=100)
    writer.start()
    searcher = index_case.search()
    index = naming.new_index(ALIAS, datetime.now(UTC))
    look = Preflight(index_case.rebuild(index))
    evidence = look.evidence()
    assert new_shards(look.plan()) == 3
    assert not evidence.stops, evidence.markdown()
    for step in ("restore", "reindex", "deploy_rewound_loader", "until_level"):
        complete(made(ALIAS, index, step, {}), timeout_seconds=120, poll_seconds=0.5)
    rebuild = index_case.rebuild(index)
    found = verification.evidence(rebuild)
    assert not found.stops, found.markdown()
    done = swapping.swap(rebuild, index_case.live, index)
    assert done.moved
    assert index_case.alias() == [index]
    writer.stop()
    index_case.settle(index, index_case.live)
    searcher.stop()
    index_case.assert_equals_database(writer)
    index_case.assert_equals_database(writer, index_case.live)
    assert searcher.searches > 20
    assert searcher.errors == []
    assert searcher.backwards == []


def test_a_second_alias_begins_with_the_documents_of_the_first_and_both_go_on(index_case: IndexCase) -> None:
    writer = index_case.seed(300, rate=60)
    folder = index_case.include / "indices" / "candidates"
    shutil.copytree(index_case.folder, folder)
    with (folder / "index.yaml").open("a", encoding="utf-8") as file:
        file.write("copy_of: products\n")
    writer.start()
    index = naming.new_index("candidates", datetime.now(UTC))
    rebuild = Rebuild.named("candidates", index)
    evidence = Preflight(rebuild).evidence()
    assert not evidence.stops, evidence.markdown()
    assert "POST /_aliases" in Preflight(rebuild).plan()
    for step in ("restore", "reindex", "deploy_rewound_loader", "until_level"):
        complete(made("candidates", index, step, {}), timeout_seconds=120, poll_seconds=0.5)
    found = verification.evidence(rebuild)
    assert not found.stops, found.markdown()
    assert swapping.swap(rebuild, "", index).moved
    assert not swapping.swap(rebuild, "", index).moved
    assert index_case.alias() == [index_case.live]
    writer.stop()
    index_case.settle(index, index_case.live)
    index_case.assert_equals_database(writer)
    index_case.assert_equals_database(writer, "candidates")


def test_the_airflow_variable_throttles_a_copy_that_runs_and_lets_it_go(
    index_case: IndexCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    index_case.seed(1000, rate=1)
    index = naming.new_index(ALIAS, datetime.now(UTC))
    variable = f"AIRFLOW_VAR_{steps.throttle_variable(ALIAS).upper()}"
    monkeypatch.setattr(steps, "THROTTLE_LOOK_SECONDS", 0.0)
    complete(made(ALIAS, index, "restore", {}), timeout_seconds=120, poll_seconds=0.5)
    # At this speed the copy would take minutes.
    monkeypatch.setenv(variable, "5")
    copy = made(ALIAS, index, "reindex", {})
    seen = copy()
    assert not seen.done
    assert "at most 5/s" in seen.text
    monkeypatch.setenv(variable, "0")
    complete(copy, timeout_seconds=60, poll_seconds=0.5)
    assert index_case.rebuild(index).state().copy_done
