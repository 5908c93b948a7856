"""The DAGs `index_rebuild`, `index_roll_back`, `index_clean_up` and `stream_replay`, on everything from MySQL on.

While the application writes, records come twice, late and out of order, and a client searches every 50 ms.
LIVEMOVE_ENTITIES=200000 takes the size at which it is meant to work.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.rebuild import ALIAS, IndexCase
from tests.rehearsals.index_rebuild.runs import run
from tests.rehearsals.index_rebuild.shop import Shop

if TYPE_CHECKING:
    from rehearsal.dms.service import Dms
    from rehearsal.mysql.pair import Pair


@pytest.fixture
def shop(index_case: IndexCase, dms: Dms, mysql: Pair, database: str) -> Iterator[Shop]:
    """The pipeline, all documents searchable, records twice, late and out of order from now on."""
    found = Shop(index_case, dms, mysql.writer, database)
    found.start()
    dms.inject(duplicate=0.05, delay=0.05, delay_seconds=1.0)
    yield found
    found.stop()


def test_rebuilt_rolled_back_and_cleaned_up_while_it_is_written_to_and_searched(shop: Shop) -> None:
    case, application = shop.case, shop.application
    searcher = case.search()
    application.start()
    application.await_changes(100)

    planned = run("index_rebuild", plan_only=True)
    assert planned.state == "success", planned.tasks
    assert planned.tasks["copy.restore"] == planned.tasks["swap"] == "skipped"
    assert "settings.index.number_of_shards: 2 -> 3" in planned.value("check", "plan")
    assert case.alias() == [case.live]

    rebuilt = run("index_rebuild")
    assert rebuilt.state == "success", rebuilt.tasks
    (new,) = case.alias()
    assert new != case.live
    assert case.ask("GET", f"/{new}/_settings")[new]["settings"]["index"]["number_of_shards"] == "3"
    application.await_changes(100)
    application.stop()
    shop.await_same()
    shop.await_same(case.live)

    application.start()
    application.await_changes(300)
    back = run("index_roll_back")
    assert back.state == "success", back.tasks
    assert case.alias() == [case.live]
    application.await_changes(100)
    application.stop()
    shop.await_same()
    searcher.stop()
    assert searcher.searches > 100
    assert searcher.errors == []
    assert searcher.backwards == []

    kept = run("index_clean_up")
    assert kept.state == "success", kept.tasks
    assert case.ask("GET", f"/{new}/_count")["count"]
    cleaned = run("index_clean_up", keep_hours=0)
    assert cleaned.state == "success", cleaned.tasks
    assert [name for name in case.ask("GET", "/_all?expand_wildcards=all") if name.startswith(ALIAS)] == [case.live]
    assert shop.case.rebuild().deployer.running() == [case.live]
    shop.await_same()


def test_documents_that_somebody_deleted_by_hand_come_back_by_a_replay(shop: Shop) -> None:
    case = shop.case
    # Elasticsearch takes a delete for newer than the replay for a minute, by default.
    case.ask("PUT", f"/{case.live}/_settings", {"index.gc_deletes": "1s"})
    since = datetime.now(UTC)
    shop.application.start()
    shop.application.await_changes(200)
    shop.application.stop()
    shop.await_same()
    found = case.documents()
    changed = sorted(found, key=lambda key: -found[key]["revision"])[:10]
    case.ask("POST", f"/{case.live}/_delete_by_query?refresh=true", {"query": {"ids": {"values": changed}}})
    assert len(shop.differences()) == len(changed)
    time.sleep(2)
    planned = run("stream_replay", plan_only=True, since=(since - timedelta(seconds=2)).isoformat())
    assert planned.state == "success", planned.tasks
    assert shop.differences()
    replayed = run("stream_replay", since=(since - timedelta(seconds=2)).isoformat())
    assert replayed.state == "success", replayed.tasks
    shop.await_same()
