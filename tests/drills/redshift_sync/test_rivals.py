"""Two runs of one table at once: one of them merges, the other is refused, and no row is lost or doubled."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from livemove.redshift import tables
from livemove.runbook.errors import NeedsPerson
from rehearsal.redshift.faults import Fault
from tests.drills.redshift_sync.conftest import Break
from tests.fixtures.sync import SyncCase

TABLE = "CREATE TABLE t (id INT NOT NULL PRIMARY KEY, note VARCHAR(20), version INT NOT NULL, KEY (version))"


def prepare(case: SyncCase, **settings: Any) -> None:
    case.source(TABLE, "INSERT INTO t VALUES (1, 'one', 1), (2, 'two', 1)")
    case.configure({"t": {"watermark": "version", **settings}})


def merge_at_once(case: SyncCase, break_warehouse: Break, first: Any, second: Any, pause: str) -> list[Future[Any]]:
    """Merge two extractions; the one that comes first to the statement `pause` waits there."""
    sync = case.sync
    for extracted in (first, second):
        tables.stage(sync, "t", extracted["folder"])
    break_warehouse(Fault(pause, "sleep", seconds=1.5))
    with ThreadPoolExecutor(2) as pool:
        merges = [pool.submit(tables.merge, sync, "t", extracted["folder"]) for extracted in (first, second)]
    break_warehouse()
    return merges


def one_is_refused(merges: list[Future[Any]]) -> None:
    errors = [error for merge in merges if (error := merge.exception())]
    assert [type(error) for error in errors] == [NeedsPerson], errors
    assert "another run has merged since" in str(errors[0])


def one_line_for_each_version(case: SyncCase) -> None:
    versions = [line[1] for line in case.state]
    assert versions == list(range(1, len(versions) + 1))


@pytest.mark.parametrize("pause", ["^COPY", "INSERT INTO .*sync_state"])
def test_of_two_full_reloads_one_is_refused(case: SyncCase, break_warehouse: Break, pause: str) -> None:
    prepare(case)
    case.copy("t")
    first = case.extract("t", full_reload=True)
    case.source("INSERT INTO t VALUES (3, 'read by the second alone', 2)")
    second = case.extract("t", full_reload=True)
    one_is_refused(merge_at_once(case, break_warehouse, first, second, pause))
    one_line_for_each_version(case)
    assert len(case.rows("t")) in (2, 3)
    assert case.relations == {"t", "sync_state"}
    case.copy("t")
    case.assert_same("t")


@pytest.mark.parametrize(
    ("mode", "pause"),
    [("upsert", "^COPY"), ("upsert", "INSERT INTO .*sync_state"), ("append", "^COPY"), ("append", "^COMMIT")],
)
def test_of_two_differential_runs_one_is_refused(case: SyncCase, break_warehouse: Break, mode: str, pause: str) -> None:
    prepare(case, mode=mode)
    case.copy("t")
    case.source("INSERT INTO t VALUES (3, 'three', 2)")
    first = case.extract("t")
    case.source("INSERT INTO t VALUES (4, 'read by the second alone', 3)")
    second = case.extract("t")
    one_is_refused(merge_at_once(case, break_warehouse, first, second, pause))
    one_line_for_each_version(case)
    case.copy("t")
    case.assert_same("t")


def test_of_two_runs_without_changes_one_is_refused(case: SyncCase, break_warehouse: Break) -> None:
    prepare(case)
    case.copy("t")
    one_is_refused(
        merge_at_once(case, break_warehouse, case.extract("t"), case.extract("t"), "INSERT INTO .*sync_state")
    )
    one_line_for_each_version(case)
    case.copy("t")


def test_rows_that_were_read_before_another_run_merged_are_refused_until_they_are_read_again(case: SyncCase) -> None:
    prepare(case)
    case.copy("t")
    case.source("UPDATE t SET note = 'older', version = 2 WHERE id = 1")
    bounds = case.bounds("t")
    stale = case.extract("t", "the slow run", bounds=bounds)
    case.source("UPDATE t SET note = 'newer', version = 3 WHERE id = 1")
    case.copy("t")
    with pytest.raises(NeedsPerson, match=r"state version 2, was 1.*Clear the task `extract`"):
        case.load("t", stale)
    case.assert_same("t")
    case.load("t", case.extract("t", "the slow run", bounds=bounds))
    case.assert_same("t")


def test_several_tables_merge_at_once_from_the_very_first_run(case: SyncCase) -> None:
    names = ["a", "b", "c"]
    for name in names:
        case.source(
            f"CREATE TABLE {name} (id INT NOT NULL PRIMARY KEY, version INT NOT NULL)",
            f"INSERT INTO {name} VALUES (1, 1)",
        )
    case.configure({name: {"watermark": "version"} for name in names})
    for _ in range(2):
        folders = [case.extract(name)["folder"] for name in names]
        for name, folder in zip(names, folders, strict=True):
            tables.stage(case.sync, name, folder)
        with ThreadPoolExecutor(len(names)) as pool:
            list(pool.map(tables.merge, [case.sync] * len(names), names, folders))
        case.assert_same(*names)
        for name in names:
            case.source(f"INSERT INTO {name} SELECT MAX(id) + 1, MAX(version) + 1 FROM {name}")
    assert sorted(line[0] for line in case.state) == sorted(names * 2)
