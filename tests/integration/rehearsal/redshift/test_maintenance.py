"""VACUUM, ANALYZE and the disk show the effect of what was done."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pytest

from tests.integration.rehearsal.redshift.conftest import Connect
from tests.integration.rehearsal.redshift.harness import Client, Lake, StandIn, in_background

ROWS = 1000
ROLE = "IAM_ROLE default"


def info(client: Client, schema: str) -> tuple[int, Decimal | None, Decimal] | None:
    """Return rows, unsorted per cent and stale per cent."""
    rows = client.run(
        "SELECT tbl_rows, unsorted, stats_off FROM svv_table_info WHERE schema = %s AND \"table\" = 't'", schema
    )
    return (int(rows[0][0]), rows[0][1], rows[0][2]) if rows else None


@pytest.fixture
def loaded(client: Client, lake: Lake) -> str:
    client.run("CREATE TABLE t (id INT SORTKEY, v VARCHAR(100))")
    url = lake.parquet("p", {"id": pa.array(range(ROWS), pa.int32()), "v": pa.array(["x" * 50] * ROWS)})
    client.run(f"COPY t FROM '{url}' {ROLE} PARQUET")
    return url


def test_an_empty_table_is_not_shown(client: Client, schema: str) -> None:
    client.run("CREATE TABLE t (id INT)")
    assert info(client, schema) is None


@pytest.mark.usefixtures("loaded")
def test_a_first_load_is_sorted_and_has_statistics(client: Client, schema: str) -> None:
    assert info(client, schema) == (ROWS, 0, 0)


def test_changes_move_the_figures_and_maintenance_moves_them_back(client: Client, schema: str, loaded: str) -> None:
    client.run(f"COPY t FROM '{loaded}' {ROLE} PARQUET")
    assert info(client, schema) == (2 * ROWS, 50, 50)
    client.run("DELETE FROM t WHERE id < 200")
    assert info(client, schema) == (2 * ROWS, 50, 70)
    client.run("ANALYZE t")
    assert info(client, schema) == (2 * ROWS, 50, 0)
    client.run("VACUUM DELETE ONLY t")
    assert info(client, schema) == (2 * ROWS - 400, Decimal("62.5"), 0)
    client.run("VACUUM SORT ONLY t")
    assert info(client, schema) == (2 * ROWS - 400, 0, 0)
    assert client.value("SELECT count(*) FROM t") == 2 * ROWS - 400


@pytest.mark.usefixtures("loaded")
def test_an_update_leaves_the_old_rows_until_vacuum(client: Client, schema: str) -> None:
    client.run("UPDATE t SET v = 'y'")
    assert info(client, schema) == (2 * ROWS, 50, 50)
    client.run("VACUUM t")
    assert info(client, schema) == (ROWS, 0, 100)


@pytest.mark.usefixtures("loaded")
def test_a_rolled_back_change_does_not_count(connect: Connect, client: Client, schema: str) -> None:
    other = connect()
    other.run("DELETE FROM t")
    other.rollback()
    assert info(client, schema) == (ROWS, 0, 0)


@pytest.mark.usefixtures("loaded")
def test_truncate_forgets_everything(client: Client, schema: str) -> None:
    client.run("DELETE FROM t WHERE id < 10")
    client.run("TRUNCATE t")
    assert info(client, schema) is None
    client.run("INSERT INTO t VALUES (1, 'a')")
    assert info(client, schema) == (1, 100, 100)


@pytest.mark.usefixtures("loaded")
def test_a_vacuum_below_its_threshold_does_nothing(client: Client, schema: str) -> None:
    client.run("DELETE FROM t WHERE id < 30")
    client.run("VACUUM t")
    assert info(client, schema) == (ROWS, 0, 3)
    client.run("VACUUM t TO 99 PERCENT BOOST")
    assert info(client, schema) == (ROWS - 30, 0, Decimal("3.09"))
    rows = client.run(
        "SELECT status, reclaimed_rows FROM sys_vacuum_history WHERE schema_name = %s ORDER BY start_time", schema
    )
    assert rows == [("Skipped(sorted>=95%)", 0), ("Complete", 30)]


@pytest.mark.usefixtures("loaded")
def test_analyze_is_skipped_if_little_has_changed(client: Client, schema: str) -> None:
    client.run("DELETE FROM t WHERE id < 30")
    client.run("ANALYZE t")
    assert info(client, schema) == (ROWS, 0, 3)
    client.run("SET analyze_threshold_percent TO 0")
    client.run("ANALYZE t")
    assert info(client, schema) == (ROWS, 0, 0)


@pytest.mark.parametrize(
    "form",
    [
        "VACUUM",
        "VACUUM FULL t",
        "VACUUM FULL t TO 75 PERCENT",
        "VACUUM SORT ONLY t TO 100 PERCENT BOOST",
        "VACUUM DELETE ONLY t",
        "VACUUM REINDEX t",
        "VACUUM RECLUSTER t",
    ],
)
@pytest.mark.usefixtures("loaded")
def test_every_form_of_vacuum_runs(client: Client, form: str) -> None:
    client.run(form)


@pytest.mark.parametrize(
    "form", ["VACUUM REINDEX t TO 75 PERCENT", "VACUUM TO 75 PERCENT", "VACUUM FULL BOOST", "VACUUM t t"]
)
@pytest.mark.usefixtures("loaded")
def test_forms_of_vacuum_that_do_not_exist_are_refused(client: Client, form: str) -> None:
    assert client.fails(form)["C"] == "42601"


@pytest.mark.usefixtures("loaded")
def test_vacuum_does_not_wait_for_readers(connect: Connect, client: Client, schema: str) -> None:
    reader = connect()
    reader.run("SELECT count(*) FROM t")
    client.run("DELETE FROM t WHERE id < 500")
    vacuum = in_background(lambda: client.run("VACUUM t"))
    assert vacuum.ends()
    assert vacuum.error is None
    assert info(client, schema) == (ROWS // 2, 0, 100)


@pytest.mark.usefixtures("loaded")
def test_a_vacuum_by_someone_else_has_no_effect(client: Client, stand_in: StandIn, schema: str) -> None:
    client.run("DELETE FROM t WHERE id < 500")
    client.run(f"CREATE USER v_{schema} PASSWORD 'Pw-123456'")
    client.run(f"GRANT USAGE ON SCHEMA {schema} TO v_{schema}")
    other = stand_in.connect(user=f"v_{schema}", password="Pw-123456", autocommit=True)
    try:
        other.run(f"VACUUM {schema}.t")
        assert info(client, schema) == (ROWS, 0, 50)
    finally:
        other.close()
        client.run(f"REVOKE ALL ON SCHEMA {schema} FROM v_{schema}")
        client.run(f"DROP USER v_{schema}")


def disk(client: Client) -> tuple[int, int]:
    [(used, capacity)] = client.run("SELECT sum(used), sum(capacity) FROM stv_partitions")
    assert client.run("SELECT used, capacity FROM stv_node_storage_capacity") == [(used, capacity)]
    return int(used), int(capacity)


def test_a_full_disk_refuses_writes_and_has_room_again_after_vacuum(own_stand_in: StandIn, lake: Lake) -> None:
    client = own_stand_in.connect(autocommit=True)
    client.run("CREATE TABLE t (id INT, v VARCHAR(1000))")
    count = 20000
    url = lake.parquet("p", {"id": pa.array(range(count), pa.int32()), "v": pa.array(["x" * 1000] * count)})
    client.run(f"COPY t FROM '{url}' {ROLE} PARQUET")
    used, _ = disk(client)
    client.run("SELECT rehearsal.set_capacity_mb(%s)", used + 10)
    assert disk(client) == (used, used + 10)
    error = client.fails(f"COPY t FROM '{url}' {ROLE} PARQUET")
    assert (error["M"], error["C"]) == ("Disk Full", "53100")
    assert "code:      1016" in error["D"]
    assert client.fails("INSERT INTO t SELECT * FROM t")["M"] == "Disk Full"
    assert client.fails("CREATE TABLE u AS SELECT * FROM t")["M"] == "Disk Full"
    assert client.value("SELECT count(*) FROM t") == count
    assert disk(client)[0] <= used + 1  # what was rolled back takes no space
    client.run("DELETE FROM t")
    client.run("VACUUM t TO 100 PERCENT")
    assert disk(client)[0] < used
    client.run("INSERT INTO t VALUES (1, 'x')")
    client.run("SELECT rehearsal.set_capacity_mb(NULL)")
    client.run(f"COPY t FROM '{url}' {ROLE} PARQUET")
