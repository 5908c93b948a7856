"""What may break while an index is rebuilt: the rebuild resumes, and searches notice nothing."""

from __future__ import annotations

import os
import signal
import time
from datetime import UTC, datetime

from livemove.rebuild import swapping, verification
from livemove.rebuild.waits import made
from livemove.search import copying, naming
from livemove.search.waiting import complete
from livemove.stream.contract import marker
from tests.fixtures.rebuild import ALIAS, IndexCase, document


def take(index: str, *steps: str) -> None:
    """Take steps to their ends."""
    for step in steps:
        complete(made(ALIAS, index, step, {}), timeout_seconds=120, poll_seconds=0.3)


def assert_good(case: IndexCase, index: str) -> None:
    """The new index is as the live one, and the alias can move to it."""
    found = verification.evidence(case.rebuild(index))
    assert not found.stops, found.markdown()
    assert swapping.swap(case.rebuild(index), case.live, index).moved
    assert case.alias() == [index]


def test_a_node_that_is_killed_in_the_middle_of_the_copy_costs_one_portion(index_case: IndexCase) -> None:
    index_case.configure(reindex__chunk_documents=1000, reindex__requests_per_second=1000)
    writer = index_case.seed(5000)
    index = naming.new_index(ALIAS, datetime.now(UTC))
    take(index, "restore")
    step = made(ALIAS, index, "reindex", {})
    while not index_case.rebuild(index).state().copied:
        assert not step().done
        time.sleep(0.1)
    copied = index_case.rebuild(index).state().copied
    index_case.stack.elasticsearch.kill()
    index_case.stack.elasticsearch.start()
    assert index_case.rebuild(index).state().copied == copied
    copying.throttle(index_case.rebuild(index).target, index, None)
    take(index, "reindex", "deploy_rewound_loader", "until_level")
    index_case.assert_equals_database(writer, index)
    assert_good(index_case, index)


def test_a_loader_that_is_killed_while_it_catches_up_is_started_again(index_case: IndexCase) -> None:
    writer = index_case.seed(500, rate=60)
    writer.start()
    index = naming.new_index(ALIAS, datetime.now(UTC))
    take(index, "restore", "reindex", "deploy_rewound_loader")
    # The process of the loader, from its run file.
    import json

    pid = json.loads((index_case.loaders / f"{index}.json").read_text(encoding="utf-8"))["pid"]
    os.kill(pid, signal.SIGKILL)
    take(index, "until_level")
    assert json.loads((index_case.loaders / f"{index}.json").read_text(encoding="utf-8"))["pid"] != pid
    assert_good(index_case, index)
    writer.stop()
    index_case.settle(index)
    index_case.assert_equals_database(writer)


def test_a_shard_may_be_split_while_the_loader_catches_up(index_case: IndexCase) -> None:
    writer = index_case.seed(500, rate=60)
    writer.start()
    index = naming.new_index(ALIAS, datetime.now(UTC))
    take(index, "restore", "reindex", "deploy_rewound_loader")
    streams = index_case.streams
    shard = streams.client.list_shards(StreamName=streams.documents)["Shards"][0]
    low, high = (int(shard["HashKeyRange"][key]) for key in ("StartingHashKey", "EndingHashKey"))
    streams.client.split_shard(
        StreamName=streams.documents, ShardToSplit=shard["ShardId"], NewStartingHashKey=str((low + high) // 2)
    )
    take(index, "until_level")
    assert len(index_case.rebuild().loaders.streams.open_shards(streams.documents)) == 3
    assert_good(index_case, index)
    writer.stop()
    index_case.settle(index, index_case.live)
    index_case.assert_equals_database(writer)
    index_case.assert_equals_database(writer, index_case.live)


def test_what_is_deleted_stays_deleted_when_an_older_change_comes_after_the_node_was_killed(
    index_case: IndexCase,
) -> None:
    writer = index_case.seed(50)
    older = writer.put(7)
    deletion = writer.remove(7)
    assert deletion[2] == marker(datetime.fromisoformat(deletion[2]["livemove"]["at"]))
    writer.send([deletion])
    writer.stop()
    index_case.settle(index_case.live)
    assert "7" not in index_case.documents()
    index_case.stack.elasticsearch.kill()
    index_case.stack.elasticsearch.start()
    writer.send([older])
    writer.stop()
    index_case.settle(index_case.live)
    assert "7" not in index_case.documents()
    assert document(7, 1)["id"] == 7
    index_case.assert_equals_database(writer)
