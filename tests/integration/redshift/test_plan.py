"""Looking changes nothing: not the source, not S3, not the warehouse."""

from __future__ import annotations

from tests.fixtures.sync import SyncCase

ORDERS = "CREATE TABLE orders (id INT NOT NULL PRIMARY KEY, note VARCHAR(10), version INT NOT NULL, KEY (version))"


def world(case: SyncCase) -> object:
    """All that a run could change: rows, the state, relations with their columns, objects, the source's heartbeat."""
    columns = case.query(
        "SELECT table_name, column_name, data_type FROM svv_columns WHERE table_schema = %s ORDER BY 1, 2", case.schema
    )
    rows = {name: sorted(map(repr, case.rows(name))) for name in case.relations}
    heartbeats = case.source("SELECT COUNT(*) FROM information_schema.tables WHERE table_name = 'heartbeat'")
    beats = case.source("SELECT name, beat FROM livemove.heartbeat ORDER BY 1") if heartbeats[0][0] else []
    schemas = case.query("SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg_%' ORDER BY 1")
    return columns, rows, case.objects, heartbeats, beats, schemas


def test_a_plan_before_the_first_run_changes_nothing_and_names_every_step(case: SyncCase) -> None:
    case.source(ORDERS, "INSERT INTO orders VALUES (1, 'one', 1)")
    new = f"{case.schema}_new"
    case.configure({"orders": {"watermark": "version"}, "gone": None}, warehouse={"schema": new, "state_schema": new})
    before = world(case)
    plan = case.plan()
    assert world(case) == before
    for step in (
        f'CREATE SCHEMA IF NOT EXISTS "{new}"',
        "COPY ",
        "BEGIN",
        "RENAME TO",
        "COMMIT",
        "VACUUM ",
        "ANALYZE ",
    ):
        assert step in plan
    assert "## gone: not possible" in plan


def test_a_plan_of_a_differential_run_shows_its_window_and_changes_nothing(case: SyncCase) -> None:
    case.source(ORDERS, "INSERT INTO orders VALUES (1, 'one', 1)")
    case.configure({"orders": {"watermark": "version"}})
    case.copy("orders")
    case.source("INSERT INTO orders VALUES (2, 'two', 2)")
    before = world(case)
    plan = case.plan()
    assert world(case) == before
    assert "## orders: what changed since 1" in plan
    assert "WHERE `version` > 1 AND `version` <= :upper" in plan
    assert "DELETE FROM" in plan
