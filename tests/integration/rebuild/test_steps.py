"""A rebuild step by step, on a real cluster, a real stream and a real loader."""

from __future__ import annotations

from datetime import UTC, datetime

from livemove.rebuild import swapping, verification
from livemove.rebuild.preflight import Preflight
from livemove.rebuild.waits import made
from livemove.search import naming
from livemove.search.waiting import complete
from tests.fixtures.rebuild import ALIAS, IndexCase


def test_an_index_is_rebuilt_while_it_is_written_to_and_searched(index_case: IndexCase) -> None:
    writer = index_case.seed(2000)
    writer.start()
    searcher = index_case.search()
    index = naming.new_index(ALIAS, datetime.now(UTC))
    look = Preflight(index_case.rebuild(index))
    evidence = look.evidence()
    print(evidence.markdown())
    print(look.plan())
    assert not evidence.stops, evidence.markdown()
    for step in ("restore", "reindex", "deploy_rewound_loader", "until_level"):
        complete(made(ALIAS, index, step, {}), timeout_seconds=120, poll_seconds=0.5)
    rebuild = index_case.rebuild(index)
    found = verification.evidence(rebuild)
    print(found.markdown())
    assert not found.stops, found.markdown()
    done = swapping.swap(rebuild, index_case.live, index)
    print(done.text())
    assert index_case.alias() == [index]
    writer.stop()
    index_case.settle(index, index_case.live)
    searcher.stop()
    index_case.assert_equals_database(writer)
    index_case.assert_equals_database(writer, index_case.live)
    assert searcher.searches > 20
    assert searcher.errors == []
    assert searcher.backwards == []
