"""Definitions change on either side: columns come and go, views and grants stay."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from livemove.runbook.errors import NeedsPerson
from tests.fixtures.sync import SyncCase

ORDERS = "CREATE TABLE orders (id INT NOT NULL PRIMARY KEY, note VARCHAR(10), version INT NOT NULL, KEY (version))"


@pytest.fixture
def orders(case: SyncCase) -> SyncCase:
    """A table that was copied once."""
    case.source(ORDERS, "INSERT INTO orders VALUES (1, 'one', 1), (2, 'two', 2)")
    case.configure({"orders": {"watermark": "version", "sort_key": ["version"], "dist_key": "id"}})
    case.copy("orders")
    return case


def test_a_column_that_the_source_gained_is_added_with_the_values_of_all_rows(orders: SyncCase) -> None:
    orders.source("ALTER TABLE orders ADD COLUMN kind VARCHAR(5) NOT NULL DEFAULT 'x' AFTER id")
    done = orders.copy("orders")
    assert done.extracted["full"], "rows that did not change have a value in the new column, too"
    orders.assert_same("orders")
    orders.source("INSERT INTO orders VALUES (3, 'y', 'three', 3)")
    assert orders.copy("orders").extracted["rows"] == 1
    orders.assert_same("orders")


@pytest.mark.parametrize(
    ("alter", "told"),
    [
        ("DROP COLUMN note", r'column \'note\' is not in the source any more.*DROP COLUMN "note"'),
        ("MODIFY note VARCHAR(20)", r'ALTER TABLE "{schema}"."orders" ALTER COLUMN "note" TYPE VARCHAR\(80\);'),
        ("MODIFY note INT", r'ALTER TABLE "{schema}"."orders" DROP COLUMN "note"'),
        ("MODIFY id BIGINT", "column 'id' is integer, and BIGINT is needed"),
    ],
)
def test_other_changes_stop_the_table_with_the_alter_to_run(orders: SyncCase, alter: str, told: str) -> None:
    before = orders.rows("orders")
    orders.source("UPDATE orders SET note = NULL", f"ALTER TABLE orders {alter}")
    with pytest.raises(NeedsPerson, match=told.format(schema=orders.schema)):
        orders.copy("orders")
    assert orders.rows("orders") == before
    assert "not possible" in orders.plan("orders")


@pytest.mark.parametrize("alter", ["DROP COLUMN note", "MODIFY note VARCHAR(20)", "MODIFY note INT"])
def test_the_alter_that_is_told_heals_the_table(orders: SyncCase, alter: str) -> None:
    orders.source("UPDATE orders SET note = NULL, version = 3", f"ALTER TABLE orders {alter}")
    with pytest.raises(NeedsPerson) as stopped:
        orders.copy("orders")
    orders.query(str(stopped.value).partition("Run: ")[2].partition(";")[0])
    orders.copy("orders")
    orders.assert_same("orders")


def test_a_column_that_became_shorter_in_the_source_changes_nothing(orders: SyncCase) -> None:
    orders.source("ALTER TABLE orders MODIFY note VARCHAR(5)", "INSERT INTO orders VALUES (3, 'three', 3)")
    assert not orders.copy("orders").extracted["full"]
    orders.assert_same("orders")


def test_columns_in_another_order_in_the_warehouse_are_filled_by_name(case: SyncCase) -> None:
    case.source(ORDERS, "INSERT INTO orders VALUES (1, 'one', 1)")
    case.query(f"CREATE TABLE {case.schema}.orders (version INT, note VARCHAR(40), id INT NOT NULL)")
    case.configure({"orders": {"watermark": "version"}})
    case.copy("orders")
    case.source("INSERT INTO orders VALUES (2, 'two', 2)")
    case.copy("orders")
    case.assert_same("orders")


def test_rows_that_the_sync_did_not_bring_are_not_replaced_unasked(case: SyncCase) -> None:
    case.source(ORDERS, "INSERT INTO orders VALUES (1, 'one', 1)")
    case.query(f"CREATE TABLE {case.schema}.orders (id INT NOT NULL, note VARCHAR(40), version INT)")
    case.query(f"INSERT INTO {case.schema}.orders VALUES (9, 'precious', 9)")
    case.configure({"orders": {"watermark": "version"}})
    with pytest.raises(NeedsPerson, match=r"rows that this sync did not bring.*`full_reload`"):
        case.copy("orders")
    assert case.rows("orders") == [(9, "precious", 9)]
    case.copy("orders", full_reload=True)
    case.assert_same("orders")


def test_a_target_that_was_dropped_is_read_anew(orders: SyncCase) -> None:
    orders.query(f"DROP TABLE {orders.schema}.orders")
    assert orders.copy("orders").extracted["full"]
    orders.assert_same("orders")


@pytest.mark.parametrize("changes", [1, 0])
def test_a_target_that_vanishes_after_the_changes_were_read_is_told_and_read_anew(
    orders: SyncCase, changes: int
) -> None:
    orders.source("SELECT 1", *["INSERT INTO orders VALUES (3, 'three', 3)"] * changes)
    read = orders.extract("orders")
    assert (read["full"], read["rows"]) == (False, changes)
    orders.query(f"DROP TABLE {orders.schema}.orders")
    with pytest.raises(NeedsPerson, match=r"orders\" has vanished since .*Clear the task `extract`"):
        orders.load("orders", read)
    assert orders.copy("orders").extracted["full"]
    orders.assert_same("orders")


def test_keys_of_the_target_are_those_of_the_settings_and_survive_a_full_reload(orders: SyncCase) -> None:
    def layout() -> list[tuple[object, ...]]:
        return orders.query(
            'SELECT diststyle, sortkey1 FROM svv_table_info WHERE "schema" = %s AND "table" = %s',
            orders.schema,
            "orders",
        )

    assert layout() == [("KEY(id)", "version")]
    orders.copy("orders", full_reload=True)
    assert layout() == [("KEY(id)", "version")]


@pytest.fixture
def analyst(orders: SyncCase) -> Iterator[str]:
    """A user and a group of this test's own."""
    name = f"analyst_{orders.schema}"
    orders.query(f"CREATE USER {name} PASSWORD 'Secret-123'")
    orders.query(f"CREATE GROUP g_{name}")
    yield name
    orders.query(f"DROP SCHEMA {orders.schema} CASCADE")
    orders.query(f"DROP GROUP g_{name}")
    orders.query(f"DROP USER {name}")
    orders.query(f"CREATE SCHEMA {orders.schema}")


def test_views_and_grants_survive_a_full_reload(orders: SyncCase, analyst: str) -> None:
    schema = orders.schema
    for statement in (
        f"CREATE VIEW {schema}.notes AS SELECT id, note FROM {schema}.orders",
        f"CREATE VIEW {schema}.short_notes AS SELECT n.note FROM {schema}.notes n JOIN {schema}.orders o ON n.id = o.id",
        f"GRANT USAGE ON SCHEMA {schema} TO {analyst}",
        f"GRANT SELECT, INSERT ON {schema}.orders TO {analyst}",
        f"GRANT SELECT ON {schema}.notes TO {analyst}",
        f"GRANT SELECT ON {schema}.short_notes TO GROUP g_{analyst}",
        f"GRANT SELECT ON {schema}.short_notes TO PUBLIC",
    ):
        orders.query(statement)
    grants = (
        "SELECT relation_name, identity_type, identity_name, privilege_type FROM svv_relation_privileges "
        "WHERE namespace_name = %s AND identity_name <> 'admin' ORDER BY 1, 2, 3, 4"
    )
    before = orders.query(grants, schema)
    assert len(before) >= 5
    orders.source("UPDATE orders SET note = 'changed', version = 3 WHERE id = 1", "DELETE FROM orders WHERE id = 2")
    orders.copy("orders", full_reload=True)
    assert orders.query(grants, schema) == before
    assert orders.rows("short_notes") == [("changed",)]
    assert orders.rows("notes") == [(1, "changed")]
    assert orders.relations == {"orders", "notes", "short_notes", "sync_state"}
    orders.assert_same("orders")
