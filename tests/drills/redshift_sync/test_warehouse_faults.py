"""The warehouse dies, refuses, conflicts or runs full: the target has all of a run or nothing of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
import redshift_connector

from livemove.redshift import tables
from livemove.runbook.errors import NeedsPerson, TryAgain
from rehearsal.redshift.faults import Fault, read_faults
from tests.drills.redshift_sync.conftest import Break
from tests.fixtures.sync import SyncCase
from tests.fixtures.waiting import until

ORDERS = "CREATE TABLE orders (id INT NOT NULL PRIMARY KEY, note VARCHAR(20), version INT NOT NULL, KEY (version))"
LOST = (redshift_connector.Error, OSError)
CONFLICT = {"message": "1023", "code": "XX000"}


def changed_orders(case: SyncCase, *, full_reload: bool = False, **sections: Any) -> dict[str, Any]:
    """A table that was copied once, changed since, and extracted and staged again."""
    case.source(ORDERS, "INSERT INTO orders VALUES (1, 'one', 1), (2, 'two', 1), (3, 'three', 1)")
    case.configure({"orders": {"watermark": "version"}}, **sections)
    case.copy("orders")
    case.source(
        "UPDATE orders SET note = 'changed', version = 2 WHERE id = 2", "INSERT INTO orders VALUES (4, 'new', 2)"
    )
    extracted = case.extract("orders", full_reload=full_reload)
    tables.stage(case.sync, "orders", extracted["folder"])
    return extracted


BEFORE = [(1, "one", 1), (2, "two", 1), (3, "three", 1)]


def merges_after_a_restart(case: SyncCase, extracted: dict[str, Any], shown: list[tuple[Any, ...]] | None) -> None:
    """The warehouse dies in a merge; after its restart readers see `shown`, and a retry completes the run."""
    with pytest.raises(LOST):
        tables.merge(case.sync, "orders", extracted["folder"])
    # Its connections break before its process has ended.
    until(lambda: case.stack.warehouse.process.pid is None, 10)
    case.stack.warehouse.start()
    if shown is None:
        case.assert_same("orders")
    else:
        assert case.rows("orders") == shown
    tables.merge(case.sync, "orders", extracted["folder"])
    case.assert_same("orders")
    assert [line[1] for line in case.state] == [1, 2]
    assert case.relations == {"orders", "sync_state"}
    # The next run finds nothing that was left over or left out.
    assert case.copy("orders").merged["rows"] == 0
    case.assert_same("orders")


@pytest.mark.seeded
def test_a_warehouse_that_dies_between_copy_and_commit_has_nothing_of_the_run(
    case: SyncCase, break_warehouse: Break
) -> None:
    extracted = changed_orders(case)
    break_warehouse(Fault("^COMMIT", "die"))
    merges_after_a_restart(case, extracted, BEFORE)


DEATHS = ["^COPY", "^DELETE", 'INSERT INTO "[^"]*"."orders"', "INSERT INTO .*sync_state"]


@pytest.mark.parametrize("statement", DEATHS)
def test_a_warehouse_that_dies_after_a_statement_of_the_merge_has_nothing_of_the_run(
    case: SyncCase, break_warehouse: Break, statement: str
) -> None:
    extracted = changed_orders(case)
    break_warehouse(Fault(statement, "die", "after"))
    merges_after_a_restart(case, extracted, BEFORE)


@pytest.mark.parametrize("statement", ["^COPY", "RENAME TO", "^COMMIT"])
def test_a_warehouse_that_dies_during_a_full_reload_keeps_the_old_table(
    case: SyncCase, break_warehouse: Break, statement: str
) -> None:
    extracted = changed_orders(case, full_reload=True)
    break_warehouse(Fault(statement, "die"))
    merges_after_a_restart(case, extracted, BEFORE)


@pytest.mark.parametrize("full_reload", [False, True])
def test_a_warehouse_that_dies_after_the_commit_has_all_of_the_run_and_a_retry_adds_nothing(
    case: SyncCase, break_warehouse: Break, full_reload: bool
) -> None:
    extracted = changed_orders(case, full_reload=full_reload)
    break_warehouse(Fault("^COMMIT", "die", "after"))
    merges_after_a_restart(case, extracted, None)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that the merge would have waited between its attempts; it goes on at once."""
    seconds: list[float] = []
    monkeypatch.setattr("livemove.redshift.warehouse.time", SimpleNamespace(sleep=seconds.append))
    return seconds


@pytest.mark.parametrize(
    "statement", ["^DELETE", 'INSERT INTO "[^"]*"."orders"', "INSERT INTO .*sync_state", "^COMMIT"]
)
def test_a_merge_that_conflicts_is_done_again_from_its_copy_on(
    case: SyncCase, break_warehouse: Break, waits: list[float], statement: str
) -> None:
    extracted = changed_orders(case)
    copies = Fault("^COPY", "sleep", count=100)
    break_warehouse(Fault(statement, "error", count=2, **CONFLICT), copies)
    tables.merge(case.sync, "orders", extracted["folder"])
    [left] = read_faults(case.stack.warehouse.folder / "faults.json")
    assert left.count == 100 - 3
    assert waits == [1, 2]
    assert [line[1] for line in case.state] == [1, 2]
    case.assert_same("orders")


def test_a_swap_that_conflicts_is_done_again(case: SyncCase, break_warehouse: Break, waits: list[float]) -> None:
    extracted = changed_orders(case, full_reload=True)
    break_warehouse(Fault("^COMMIT", "error", count=1, **CONFLICT))
    tables.merge(case.sync, "orders", extracted["folder"])
    assert waits == [1]
    assert case.relations == {"orders", "sync_state"}
    case.assert_same("orders")


def test_a_swap_that_conflicts_is_done_again_with_a_new_stage_where_keys_may_repeat(
    case: SyncCase, break_warehouse: Break, waits: list[float]
) -> None:
    case.source(ORDERS.replace("NOT NULL PRIMARY KEY", "NOT NULL"), "INSERT INTO orders VALUES (1, 'one', 1)")
    case.configure({"orders": {"watermark": "version", "key": ["id"]}})
    case.copy("orders")
    case.source("UPDATE orders SET note = 'changed', version = 2")
    extracted = case.extract("orders", full_reload=True)
    tables.stage(case.sync, "orders", extracted["folder"])
    break_warehouse(Fault("^COMMIT", "error", count=1, **CONFLICT))
    tables.merge(case.sync, "orders", extracted["folder"])
    assert waits == [1]
    assert case.relations == {"orders", "sync_state"}
    case.assert_same("orders")


@pytest.mark.parametrize("full_reload", [False, True])
def test_a_merge_that_conflicts_five_times_gives_up_and_changes_nothing(
    case: SyncCase, break_warehouse: Break, waits: list[float], full_reload: bool
) -> None:
    extracted = changed_orders(case, full_reload=full_reload)
    before = case.state
    break_warehouse(Fault("^COMMIT", "error", count=None, **CONFLICT))
    with pytest.raises(TryAgain, match="1023"):
        tables.merge(case.sync, "orders", extracted["folder"])
    assert waits == [1, 2, 3, 4]
    break_warehouse()
    assert case.rows("orders") == BEFORE
    assert case.state == before
    tables.merge(case.sync, "orders", extracted["folder"])
    case.assert_same("orders")
    assert case.relations == {"orders", "sync_state"}


def test_any_other_error_of_the_warehouse_is_not_tried_again_in_the_task(
    case: SyncCase, break_warehouse: Break, waits: list[float]
) -> None:
    extracted = changed_orders(case)
    break_warehouse(Fault("^COMMIT", "error", message="out of luck"))
    with pytest.raises(redshift_connector.Error, match="out of luck"):
        tables.merge(case.sync, "orders", extracted["folder"])
    assert waits == []
    assert case.rows("orders") == BEFORE
    tables.merge(case.sync, "orders", extracted["folder"])
    case.assert_same("orders")


@pytest.fixture
def room(case: SyncCase) -> Iterator[Any]:
    """Sets how many MB of the warehouse's disk are free."""

    def leave(megabytes: int) -> None:
        [(used,)] = case.query("SELECT SUM(used) FROM stv_partitions")
        case.query("SELECT rehearsal.set_capacity_mb(%s)", int(used) + megabytes)

    yield leave
    case.query("SELECT rehearsal.set_capacity_mb(NULL)")


def test_a_load_that_would_fill_the_disk_is_refused_before_anything_is_loaded(case: SyncCase, room: Any) -> None:
    changed_orders(case)
    case.insert("orders", [(number, "x" * 20, 3) for number in range(1000, 3000)])
    extracted = case.extract("orders")
    room(0)
    with pytest.raises(NeedsPerson, match=r"would run full: 1 MB needed .* 0 MB free .*clear the task `stage`"):
        tables.stage(case.sync, "orders", extracted["folder"])
    assert case.rows("orders") == BEFORE
    room(10_000)
    case.load("orders", extracted)
    case.assert_same("orders")


def test_a_disk_that_runs_full_during_the_copy_leaves_the_target_as_it_was(case: SyncCase, room: Any) -> None:
    changed_orders(case, warehouse={"disk_guard": {"kind": "ra3"}})
    case.insert("orders", [(number, "x" * 20, 3) for number in range(1000, 3000)])
    extracted = case.extract("orders")
    tables.stage(case.sync, "orders", extracted["folder"])
    room(0)
    with pytest.raises(redshift_connector.Error, match="Disk Full"):
        tables.merge(case.sync, "orders", extracted["folder"])
    assert case.rows("orders") == BEFORE
    room(10_000)
    tables.merge(case.sync, "orders", extracted["folder"])
    case.assert_same("orders")


@pytest.fixture
def stranger(case: SyncCase) -> Iterator[str]:
    """A user of the warehouse that owns nothing."""
    name = f"u_{case.schema}"
    case.query(f"CREATE USER {name} PASSWORD 'Secret-123'")
    yield name
    case.query(f"REVOKE ALL ON ALL TABLES IN SCHEMA {case.schema} FROM {name}")
    case.query(f"REVOKE ALL ON SCHEMA {case.schema} FROM {name}")
    case.query(f"DROP USER {name}")


def log_in_as(user: str, patch: pytest.MonkeyPatch, connections: dict[str, str]) -> None:
    """Let the connection `redshift_default` log in as another user."""
    connection = json.loads(connections["AIRFLOW_CONN_REDSHIFT_DEFAULT"])
    changed = {**connection, "login": user, "password": "Secret-123"}
    patch.setenv("AIRFLOW_CONN_REDSHIFT_DEFAULT", json.dumps(changed))


def test_a_user_who_may_only_read_is_told_what_is_missing_and_changes_nothing(
    case: SyncCase, stranger: str, airflow_connections: dict[str, str]
) -> None:
    extracted = changed_orders(case)
    case.query(f"GRANT USAGE ON SCHEMA {case.schema} TO {stranger}")
    case.query(f"GRANT SELECT ON ALL TABLES IN SCHEMA {case.schema} TO {stranger}")
    with pytest.MonkeyPatch.context() as patch:
        log_in_as(stranger, patch, airflow_connections)
        case.configure({"orders": {"watermark": "version"}})
        with pytest.raises(NeedsPerson, match=r"redshift_default: Redshift refuses: .*grants_for_sync\.sql") as refused:
            tables.merge(case.sync, "orders", extracted["folder"])
        assert "Secret-123" not in str(refused.value)
    assert case.rows("orders") == BEFORE
    case.configure({"orders": {"watermark": "version"}})
    tables.merge(case.sync, "orders", extracted["folder"])
    case.assert_same("orders")


def test_a_user_without_any_right_is_told_so_when_the_tables_are_looked_at(
    case: SyncCase, stranger: str, airflow_connections: dict[str, str]
) -> None:
    changed_orders(case)
    with pytest.MonkeyPatch.context() as patch:
        log_in_as(stranger, patch, airflow_connections)
        case.configure({"orders": {"watermark": "version"}})
        with pytest.raises(NeedsPerson, match=r"redshift_default: Redshift refuses: .*grants_for_sync\.sql"):
            case.sync.examine(["orders"])
    case.configure({"orders": {"watermark": "version"}})
    case.copy("orders")
    case.assert_same("orders")
