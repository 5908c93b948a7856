"""The source dies, lags, changes while it is read, or has a transaction open: no row is lost."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import MySQLdb
import pytest

from livemove.redshift import extraction
from livemove.redshift.examination import Examination
from livemove.redshift.manifest import RECORD_NAME
from livemove.redshift.preflight import begin_bounds, not_ready
from livemove.redshift.source import await_heartbeat
from livemove.redshift.triggers import BoundsReadyTrigger
from livemove.redshift.window import Bounds, Look
from livemove.runbook.errors import NeedsPerson, TryAgain
from rehearsal.mysql.pair import Pair
from tests.fixtures.sync import SyncCase
from tests.fixtures.waiting import until

TIMED = (
    "CREATE TABLE orders (id INT NOT NULL PRIMARY KEY, note VARCHAR(20), "
    "updated_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP, KEY (updated_at))"
)
NUMBERED = "CREATE TABLE orders (id INT NOT NULL PRIMARY KEY, note VARCHAR(20), version INT NOT NULL, KEY (version))"
LAG_SECONDS = 600


def numbered(case: SyncCase, **sections: Any) -> None:
    case.source(NUMBERED, "INSERT INTO orders VALUES (1, 'one', 1), (2, 'two', 2)")
    case.configure({"orders": {"watermark": "version"}}, **sections)


# -- a source that dies ---------------------------------------------------------------------------


def make_small_parts(patch: pytest.MonkeyPatch) -> None:
    """Let some thousand rows make dozens of parts, so that something can happen between two of them."""
    patch.setattr(extraction, "BLOCK_BYTES", 2**16)
    patch.setattr(extraction, "FETCH_ROWS", 100)
    defaults = extraction.Extraction.__init__.__kwdefaults__
    assert defaults
    patch.setitem(defaults, "part_bytes", 1)


def test_a_source_that_is_killed_while_it_is_read_never_leaves_an_extraction_that_looks_complete(
    case: SyncCase, mysql: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.source("CREATE TABLE orders (id INT NOT NULL PRIMARY KEY, note VARCHAR(1000), version INT NOT NULL)")
    case.insert("orders", [(number, "x" * 1000, number) for number in range(20_000)])
    case.configure({"orders": {"watermark": "version"}})
    sent = case.sync.lake.put_part

    def put_and_kill(key: str, body: bytes, *, rows: int) -> Any:
        part = sent(key, body, rows=rows)
        mysql.reader.kill()
        return part

    bounds = case.bounds("orders")
    with monkeypatch.context() as patch:
        make_small_parts(patch)
        patch.setattr(case.sync.lake, "put_part", put_and_kill)
        with pytest.raises(MySQLdb.OperationalError, match="Lost connection"):
            case.extract("orders", "the run", bounds=bounds)
    mysql.start()
    left = set(case.objects)
    assert left
    assert not any(key.endswith(RECORD_NAME) for key in left)
    with pytest.raises(NeedsPerson, match="Clear the task `extract`"):
        case.load("orders", {"folder": next(iter(left)).rpartition("/")[0] + "/"})
    assert case.relations <= {"sync_state"}
    # The retry, as Airflow would do it.
    extracted = case.extract("orders", "the run", bounds=bounds)
    assert not left & set(case.objects)
    assert case.load("orders", extracted).merged["rows"] == 20_000
    case.assert_same("orders")


def test_a_source_that_is_down_is_no_matter_for_a_person_but_for_a_retry(case: SyncCase, mysql: Pair) -> None:
    numbered(case)
    bounds = case.bounds("orders")
    mysql.reader.kill()
    with pytest.raises(MySQLdb.OperationalError):
        case.extract("orders", "the run", bounds=bounds)
    mysql.start()
    case.load("orders", case.extract("orders", "the run", bounds=bounds))
    case.assert_same("orders")


# -- transactions that are open -------------------------------------------------------------------


def test_rows_of_a_transaction_that_is_open_during_a_run_arrive_with_the_next_one(case: SyncCase) -> None:
    case.source(TIMED, "INSERT INTO orders (id, note) VALUES (1, 'one'), (2, 'two')")
    case.configure({"orders": None})
    case.copy("orders")
    with closing(case.connect(autocommit=False)) as late:
        late.cursor().execute("UPDATE orders SET note = 'late' WHERE id = 1")
        late.cursor().execute("INSERT INTO orders (id, note) VALUES (3, 'late')")
        # What others commit afterwards has a later time, and the run must not step over the late rows to it.
        time.sleep(2.1)
        case.source("INSERT INTO orders (id, note) VALUES (4, 'in time')")
        time.sleep(2.1)
        case.copy("orders")
        assert (1, "late") not in case.rows("orders", "id, note")
        late.commit()
    case.let_changes_settle()
    case.copy("orders")
    case.assert_same("orders")


def test_a_run_waits_for_an_open_transaction_where_the_watermark_is_a_number(case: SyncCase) -> None:
    numbered(case)
    case.copy("orders")
    with closing(case.connect(autocommit=False)) as late:
        late.cursor().execute("INSERT INTO orders VALUES (3, 'late', 3)")
        case.source("INSERT INTO orders VALUES (4, 'in time', 4)")
        bounds, look = begin_bounds(case.sync, ["orders"])
        reason = not_ready(case.sync, bounds, look)
        assert reason is not None
        assert reason.startswith("tables with integer watermarks wait for an older transaction to end: thread ")
        [event] = waited(case, bounds, look, seconds=0.5)
        assert event["ready"] is False
        late.commit()
    assert waited(case, bounds, look, seconds=30) == [{"ready": True}]
    # The row that came late lies below the bound, and is visible now.
    case.load("orders", case.extract("orders", bounds=bounds))
    case.assert_same("orders")
    case.copy("orders")
    case.assert_same("orders")


def test_a_transaction_that_idles_for_long_is_named_in_a_warning(case: SyncCase) -> None:
    case.source(TIMED, "INSERT INTO orders (id, note) VALUES (1, 'one')")
    case.configure({"orders": None}, source={"idle_transaction_seconds": 2})
    with closing(case.connect(autocommit=False)) as idle:
        # Other transactions, such as the server's own, may be open too.
        holder = f"thread {idle.thread_id()} "
        assert holder not in str(case.bounds("orders").warnings)
        idle.cursor().execute("UPDATE orders SET note = 'not yet' WHERE id = 1")
        time.sleep(3.5)
        [warning] = [each for each in case.bounds("orders").warnings if holder in each]
        assert warning.startswith(f"The bound is held back by {holder}(admin), idle in a transaction since ")
        idle.rollback()
    # InnoDB shows its transactions as they were up to 0.1 s ago (manual, innodb-information-schema-internal-data).
    until(lambda: holder not in str(case.bounds("orders").warnings), 10)
    case.let_changes_settle()
    case.copy("orders")
    case.assert_same("orders")


# -- a reader that lags ---------------------------------------------------------------------------


def waited(case: SyncCase, bounds: Bounds, look: Look, *, seconds: float) -> list[dict[str, Any]]:
    """Run the trigger as the triggerer does; return the events that it fired."""
    trigger = BoundsReadyTrigger(case.name, bounds.as_json(), look.clock.isoformat(), time.time() + seconds, 0.1)
    again = BoundsReadyTrigger(**trigger.serialize()[1])

    async def run() -> list[dict[str, Any]]:
        return [event.payload async for event in again.run()]

    return asyncio.run(run())


@pytest.fixture
def lagging(case: SyncCase, mysql: Pair) -> Iterator[Pair]:
    """A table that was copied once; then the reader stays behind, until the test or its end sets it right."""
    numbered(case)
    case.copy("orders")
    mysql.wait_caught_up()
    mysql.set_delay(LAG_SECONDS)
    case.source("UPDATE orders SET note = 'changed', version = 3 WHERE id = 1")
    yield mysql
    mysql.set_delay(0)


def test_a_reader_that_lags_is_waited_for(case: SyncCase, lagging: Pair) -> None:
    bounds, look = begin_bounds(case.sync, ["orders"])
    assert "the reader shows heartbeat " in str(not_ready(case.sync, bounds, look))

    async def both() -> list[dict[str, Any]]:
        waiting = asyncio.create_task(asyncio.to_thread(waited, case, bounds, look, seconds=60))
        await asyncio.sleep(1)
        assert not waiting.done()
        await asyncio.to_thread(lagging.set_delay, 0)
        return await waiting

    assert asyncio.run(both()) == [{"ready": True}]
    case.load("orders", case.extract("orders", bounds=bounds))
    case.assert_same("orders")


def test_a_reader_that_lags_for_too_long_ends_the_wait_with_the_reason(case: SyncCase, lagging: Pair) -> None:
    bounds, look = begin_bounds(case.sync, ["orders"])
    [event] = waited(case, bounds, look, seconds=0.5)
    assert event["ready"] is False
    assert event["reason"].startswith("the reader shows heartbeat ")
    assert event["reason"].endswith(f", and {bounds.beat} is needed")
    lagging.set_delay(0)
    case.copy("orders")
    case.assert_same("orders")


def test_a_reader_that_cannot_be_reached_is_waited_for_too(case: SyncCase, mysql: Pair) -> None:
    numbered(case)
    bounds, look = begin_bounds(case.sync, ["orders"])
    mysql.reader.kill()
    [event] = waited(case, bounds, look, seconds=0.5)
    assert event["ready"] is False
    assert "OperationalError" in event["reason"]
    mysql.start()
    assert waited(case, bounds, look, seconds=60) == [{"ready": True}]
    case.load("orders", case.extract("orders", bounds=bounds))
    case.assert_same("orders")


def test_rows_are_not_read_over_a_connection_whose_server_is_behind_the_heartbeat(
    case: SyncCase, lagging: Pair
) -> None:
    bounds, _ = begin_bounds(case.sync, ["orders"])
    assert bounds.beat is not None
    with case.sync.reader.raw_session() as connection:
        with pytest.raises(TryAgain, match=f"and {bounds.beat} is needed; it lags behind the others"):
            await_heartbeat(connection, "livemove", case.name, bounds.beat, seconds=0.5)
        lagging.set_delay(0)
        await_heartbeat(connection, "livemove", case.name, bounds.beat)
    case.load("orders", case.extract("orders", bounds=bounds))
    case.assert_same("orders")


# -- changes while rows are read ------------------------------------------------------------------


def test_rows_that_change_while_they_are_read_arrive_at_the_latest_with_the_next_run(
    case: SyncCase, mysql: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.source("CREATE TABLE orders (id INT NOT NULL PRIMARY KEY, note VARCHAR(1000), version INT NOT NULL)")
    case.insert("orders", [(number, "x" * 1000, number) for number in range(5_000)])
    case.configure({"orders": {"watermark": "version"}})
    sent, changed = case.sync.lake.put_part, []

    def put_and_change(key: str, body: bytes, *, rows: int) -> Any:
        number = len(changed)
        changed.append(number)
        if number < 10:
            case.source(
                f"UPDATE orders SET note = 'changed', version = {10_000 + number} WHERE id IN ({number}, {4_900 + number})",
                f"INSERT INTO orders VALUES ({20_000 + number}, 'new', {20_000 + number})",
            )
            mysql.wait_caught_up()
        return sent(key, body, rows=rows)

    with monkeypatch.context() as patch:
        make_small_parts(patch)
        patch.setattr(case.sync.lake, "put_part", put_and_change)
        first = case.extract("orders")
    assert len(changed) > 10
    # One statement sees one moment: that before the changes.
    assert first["rows"] == 5_000
    case.load("orders", first)
    assert case.copy("orders").merged["rows"] == 30
    case.assert_same("orders")


# -- a user who may not ---------------------------------------------------------------------------


def test_a_user_with_select_alone_is_told_the_grant_that_is_missing(
    case: SyncCase, mysql: Pair, airflow_connections: dict[str, str]
) -> None:
    numbered(case)
    user = f"u_{case.schema}"
    for statement in (
        f"CREATE USER '{user}'@'%' IDENTIFIED WITH mysql_native_password BY 'Secret-123'",
        f"GRANT SELECT ON `{case.database}`.* TO '{user}'@'%'",
    ):
        mysql.writer.execute(statement)
    mysql.wait_caught_up()
    try:
        with pytest.MonkeyPatch.context() as patch:
            for name in ("AIRFLOW_CONN_AURORA_WRITER", "AIRFLOW_CONN_AURORA_READER"):
                changed = {**json.loads(airflow_connections[name]), "login": user, "password": "Secret-123"}
                patch.setenv(name, json.dumps({**changed, "schema": case.database}))
            case.configure({"orders": {"watermark": "version"}})
            for step in (case.check, lambda: begin_bounds(case.sync, ["orders"])):
                with pytest.raises(
                    NeedsPerson, match=r"connection aurora_writer: .*PROCESS privilege.*grants_for_sync\.sql"
                ) as no:
                    step()
                assert "Secret-123" not in str(no.value)
            patch.setenv("AIRFLOW_CONN_AURORA_WRITER", airflow_connections["AIRFLOW_CONN_AURORA_WRITER"])
            case.configure({"orders": {"watermark": "version"}}, source={"database": "mysql"})
            with pytest.raises(NeedsPerson, match=r"sees no database 'mysql'.*GRANT SELECT ON `mysql`\.\*"):
                case.sync.examine(["orders"])
    finally:
        mysql.writer.execute(f"DROP USER '{user}'@'%'")
    case.configure({"orders": {"watermark": "version"}})
    assert isinstance(case.sync.examine(["orders"])["orders"], Examination)
    case.copy("orders")
    case.assert_same("orders")


def test_a_monitor_that_keeps_innodbs_list_of_transactions_old_hides_none(
    case: SyncCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.source(
        "CREATE TABLE orders (id INT PRIMARY KEY, version INT, KEY (version))", "INSERT INTO orders VALUES (1, 1)"
    )
    case.configure({"orders": {"watermark": "version"}})
    monkeypatch.setattr("livemove.redshift.source.FRESH_LIST_SECONDS", 2.0)
    ended = threading.Event()

    def poll() -> None:
        with closing(case.connect()) as connection:
            while not ended.wait(0.02):
                connection.cursor().execute("SELECT COUNT(*) FROM information_schema.innodb_trx")

    monitor = threading.Thread(target=poll)
    monitor.start()
    try:
        time.sleep(0.5)
        with closing(case.connect(autocommit=False)) as late:
            late.cursor().execute("INSERT INTO orders VALUES (2, 2)")
            time.sleep(1.5)
            with pytest.raises(TryAgain, match="old list of transactions"):
                case.sync.writer.look()
            ended.set()
            monitor.join()
            assert late.thread_id() in [each.thread for each in case.sync.writer.look().open]
            late.rollback()
    finally:
        ended.set()
        monitor.join()
    case.let_changes_settle()
    case.copy("orders")
    case.assert_same("orders")
