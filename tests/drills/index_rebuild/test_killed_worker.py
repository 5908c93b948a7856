"""A worker is killed after every call that changes something; the task's next attempt goes on where it was."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from livemove.rebuild import swapping, verification
from livemove.rebuild.clean_up import CleanUp
from livemove.rebuild.waits import made
from livemove.search import naming
from livemove.search.waiting import complete
from tests.drills.index_rebuild import killed
from tests.fixtures.rebuild import ALIAS, IndexCase

STEPS = ("restore", "reindex", "deploy_rewound_loader", "until_level", "verify", "swap", "clean_up")
MOST_KILLS = 60


def take(case: IndexCase, index: str, step: str) -> Any:
    """A task's work."""
    if step == "verify":
        return verification.evidence(case.rebuild(index)).raise_if_worse()
    if step == "swap":
        rebuild = case.rebuild(index)
        live = rebuild.live()
        assert live is not None
        left = rebuild.state().replaced if live.index == index else live.index
        return swapping.swap(rebuild, left, index).text()
    if step == "clean_up":
        return CleanUp(case.rebuild(), keep_hours=0).delete()
    return complete(made(ALIAS, index, step, {}), timeout_seconds=90, poll_seconds=0.2).text


@pytest.mark.seeded
def test_a_rebuild_whose_worker_is_killed_after_every_change_comes_to_its_end(
    index_case: IndexCase, tmp_path: Path
) -> None:
    index_case.configure(reindex__chunk_documents=1000)
    writer = index_case.seed(2500, rate=60)
    writer.start()
    searcher = index_case.search()
    index = naming.new_index(ALIAS, datetime.now(UTC))
    kills: dict[str, list[str]] = {step: [] for step in STEPS}
    for step in STEPS:
        survive = 0
        while place := killed.run(lambda step=step: take(index_case, index, step), tmp_path / "report.json", survive):
            # A call that every attempt makes is outlived from the second time on.
            survive += place in kills[step]
            kills[step].append(place)
            assert len(kills[step]) < MOST_KILLS, f"{step} never ends: {kills[step][-5:]}"
            assert len(index_case.alias()) == 1
    assert index_case.alias() == [index]
    assert all(kills[step] for step in STEPS if step not in ("until_level",)), kills
    writer.stop()
    index_case.settle(index)
    searcher.stop()
    index_case.assert_equals_database(writer)
    assert searcher.errors == []
    assert searcher.backwards == []
    assert sorted(index_case.ask("GET", f"/{ALIAS}-*?expand_wildcards=all")) == [index]
    assert index_case.rebuild().deployer.running() == [index]
