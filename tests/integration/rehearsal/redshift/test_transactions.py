"""Transactions, locks and snapshots are Redshift's."""

from __future__ import annotations

import psycopg2
import psycopg2.errors
import pytest

from tests.integration.rehearsal.redshift.conftest import Connect
from tests.integration.rehearsal.redshift.harness import Client, StandIn, in_background


@pytest.fixture
def table(client: Client) -> None:
    client.run("CREATE TABLE t (id INT, v INT)")
    client.run("INSERT INTO t VALUES (1, 1), (2, 2)")


@pytest.mark.usefixtures("table")
def test_writers_of_one_table_queue_and_the_second_sees_what_the_first_wrote(connect: Connect) -> None:
    first, second = connect(), connect()
    first.run("UPDATE t SET v = v + 1")
    second.run("BEGIN")
    waiting = in_background(lambda: second.run("UPDATE t SET v = v * 10"))
    assert waiting.waits()
    first.commit()
    assert waiting.ends()
    assert waiting.error is None
    second.commit()
    assert second.run("SELECT v FROM t ORDER BY id") == [(20,), (30,)]


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize(
    "write",
    [
        "INSERT INTO t VALUES (9, 9)",
        "DELETE FROM t WHERE id = 2",
        "TRUNCATE t",
        "MERGE INTO t USING s ON t.id = s.id WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (s.id, 0)",
        "MERGE INTO t USING s ON t.id = s.id REMOVE DUPLICATES",
    ],
)
def test_every_kind_of_write_waits_for_the_table(connect: Connect, write: str) -> None:
    first, second = connect(), connect(autocommit=True)
    second.run("CREATE TABLE s (id INT, v INT)")
    first.run("INSERT INTO t VALUES (3, 3)")
    waiting = in_background(lambda: second.run(write))
    assert waiting.waits()
    first.rollback()
    assert waiting.ends()
    assert waiting.error is None


@pytest.mark.usefixtures("table")
def test_readers_do_not_wait_for_writers_and_see_the_last_commit(connect: Connect) -> None:
    writer, reader = connect(), connect()
    writer.run("DELETE FROM t")
    assert reader.value("SELECT count(*) FROM t") == 2
    writer.commit()
    assert reader.value("SELECT count(*) FROM t") == 2  # its snapshot
    reader.commit()
    assert reader.value("SELECT count(*) FROM t") == 0


@pytest.mark.usefixtures("table")
def test_dropping_a_table_waits_for_its_readers(connect: Connect) -> None:
    reader, dropping = connect(), connect(autocommit=True)
    reader.run("SELECT * FROM t")
    waiting = in_background(lambda: dropping.run("DROP TABLE t"))
    assert waiting.waits()
    reader.commit()
    assert waiting.ends()


@pytest.mark.usefixtures("table")
def test_a_conflicting_change_after_the_snapshot_is_error_1023(connect: Connect) -> None:
    first, second = connect(), connect(autocommit=True)
    first.run("SELECT * FROM t")
    second.run("UPDATE t SET v = 5 WHERE id = 1")
    error = first.fails("UPDATE t SET v = 6 WHERE id = 1")
    table_id = second.value("SELECT 't'::regclass::oid")
    assert (error["S"], error["C"], error["M"], error["R"]) == ("ERROR", "XX000", "1023", "pg_throw")
    assert error["D"].startswith(f"Serializable isolation violation on table - {table_id}, transactions forming")


@pytest.mark.usefixtures("table")
def test_psycopg2_sees_1023_as_an_internal_error(stand_in: StandIn, client: Client, schema: str) -> None:
    other = stand_in.psycopg2()
    cursor = other.cursor()
    cursor.execute(f"SET search_path TO {schema}")
    cursor.execute("SELECT * FROM t")
    client.run("DELETE FROM t WHERE id = 1")
    with pytest.raises(psycopg2.errors.InternalError_, match=r"1023\s+DETAIL:\s+Serializable isolation violation"):
        cursor.execute("DELETE FROM t WHERE id = 1")
    other.close()


@pytest.mark.usefixtures("table")
def test_inserts_after_the_snapshot_do_not_conflict(connect: Connect) -> None:
    first, second = connect(), connect(autocommit=True)
    first.run("SELECT * FROM t")
    second.run("INSERT INTO t VALUES (3, 3)")
    first.run("INSERT INTO t VALUES (4, 4)")
    first.commit()
    assert second.value("SELECT count(*) FROM t") == 4


def test_a_serializable_database_refuses_cycles_of_reads_and_writes(own_stand_in: StandIn) -> None:
    admin = own_stand_in.connect(autocommit=True)
    admin.run("CREATE TABLE a (v INT)")
    admin.run("CREATE TABLE b (v INT)")
    assert admin.value("SELECT isolation_level FROM stv_db_isolation_level WHERE db_name = 'dev'") == 1
    admin.run("ALTER DATABASE dev ISOLATION LEVEL SERIALIZABLE")
    assert admin.value("SELECT isolation_level FROM stv_db_isolation_level WHERE db_name = 'dev'") == 2
    first, second = own_stand_in.connect(), own_stand_in.connect()
    first.run("SELECT * FROM a")
    second.run("SELECT * FROM b")
    first.run("INSERT INTO b VALUES (1)")
    second.run("INSERT INTO a VALUES (1)")
    first.commit()
    with pytest.raises(Exception, match="1023"):
        second.commit()


@pytest.mark.usefixtures("table")
def test_truncate_commits_what_went_before(connect: Connect) -> None:
    first, second = connect(), connect(autocommit=True)
    first.run("CREATE TABLE u (id INT)")
    first.run("TRUNCATE t")
    first.rollback()
    assert second.value("SELECT count(*) FROM t") == 0
    assert second.value("SELECT count(*) FROM u") == 0


@pytest.mark.usefixtures("table")
@pytest.mark.parametrize("command", ["VACUUM t", "VACUUM", "ALTER TABLE t APPEND FROM s"])
def test_some_commands_refuse_transaction_blocks(connect: Connect, client: Client, command: str) -> None:
    client.run("CREATE TABLE s (id INT, v INT)")
    error = connect().fails(command)
    assert error["C"] == "25001"
    assert error["M"].endswith("cannot run inside a transaction block")


@pytest.mark.usefixtures("table")
def test_append_moves_the_rows(client: Client) -> None:
    client.run("CREATE TABLE s (v INT, id INT)")
    client.run("INSERT INTO s VALUES (30, 3)")
    client.run("ALTER TABLE t APPEND FROM s")
    assert client.run("SELECT * FROM t WHERE id = 3") == [(3, 30)]
    assert client.value("SELECT count(*) FROM s") == 0


@pytest.mark.usefixtures("table")
def test_delete_and_insert_in_one_transaction_come_together_or_not_at_all(connect: Connect) -> None:
    writer, reader = connect(), connect(autocommit=True)
    writer.run("CREATE TEMP TABLE stage (LIKE t)")
    writer.run("INSERT INTO stage VALUES (2, 20), (3, 30)")
    writer.run("DELETE FROM t USING stage WHERE t.id = stage.id")
    assert writer.cursor.rowcount == 1
    writer.run("INSERT INTO t SELECT * FROM stage")
    assert writer.cursor.rowcount == 2
    assert reader.run("SELECT * FROM t ORDER BY id") == [(1, 1), (2, 2)]
    writer.commit()
    assert reader.run("SELECT * FROM t ORDER BY id") == [(1, 1), (2, 20), (3, 30)]


@pytest.mark.usefixtures("table")
def test_merge_updates_and_inserts(client: Client) -> None:
    client.run("CREATE TABLE s (id INT, v INT)")
    client.run("INSERT INTO s VALUES (2, 20), (3, 30)")
    client.run(
        "MERGE INTO t USING s ON t.id = s.id WHEN MATCHED THEN UPDATE SET v = s.v "
        "WHEN NOT MATCHED THEN INSERT (id, v) VALUES (s.id, s.v)"
    )
    assert client.run("SELECT * FROM t ORDER BY id") == [(1, 1), (2, 20), (3, 30)]


@pytest.mark.usefixtures("table")
def test_merge_remove_duplicates_replaces_rows(client: Client) -> None:
    client.run("CREATE TABLE s (id INT, v INT)")
    client.run("INSERT INTO s VALUES (2, 20), (2, 20), (3, 30)")
    client.run("MERGE INTO t USING s ON t.id = s.id REMOVE DUPLICATES")
    assert client.run("SELECT * FROM t ORDER BY id") == [(1, 1), (2, 20), (3, 30)]


@pytest.mark.usefixtures("table")
def test_merge_with_two_matches_for_one_row_is_refused(client: Client) -> None:
    client.run("CREATE TABLE s (id INT, v INT)")
    client.run("INSERT INTO s VALUES (2, 20), (2, 21)")
    error = client.fails(
        "MERGE INTO t USING s ON t.id = s.id WHEN MATCHED THEN UPDATE SET v = s.v "
        "WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.v)"
    )
    assert error["M"] == "Found multiple matches to update the same tuple."


def test_the_server_says_that_it_is_redshift(client: Client) -> None:
    assert client.value("SELECT version()").startswith("PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC")
    assert "Redshift 1.0." in client.value("SELECT version()")


def test_functions_of_redshift_work(client: Client) -> None:
    row = client.run(
        "SELECT NVL(NULL, 2), DATEADD(day, 3, '2026-01-30'::timestamp), DATEDIFF(hour, '2026-01-01 00:59'::timestamp, "
        "'2026-01-01 02:01'::timestamp), LEN('日本'), STRTOL('ff', 16), GETDATE() <= SYSDATE, SHA2('a', 256)"
    )[0]
    assert (row[0], str(row[1]), row[2:6]) == (2, "2026-02-02 00:00:00", (2, 2, 255, True))
    assert row[6].startswith("ca978112ca1bbdca")


def test_a_backslash_escapes_in_a_literal(client: Client) -> None:
    assert client.value(r"SELECT 'a\\b\'c'") == r"a\b'c"


def test_settings_of_redshift_are_kept(client: Client) -> None:
    assert client.value("SHOW query_group") == "default"
    client.run("SET query_group TO 'sync'")
    assert client.value("SHOW query_group") == "sync"


def test_psycopg2_runs_several_statements_at_once(stand_in: StandIn, client: Client, schema: str) -> None:
    client.run("CREATE TABLE t (id INT)")
    other = stand_in.psycopg2()
    other.autocommit = True
    cursor = other.cursor()
    cursor.execute(f"SET search_path TO {schema}; BEGIN; INSERT INTO t VALUES (1); INSERT INTO t VALUES (2); COMMIT")
    with pytest.raises(psycopg2.Error):
        cursor.execute("INSERT INTO t VALUES (3); SELECT 1 / 0")
    cursor.execute("INSERT INTO t VALUES (%s)", (4,))
    cursor.execute("SELECT id FROM t ORDER BY id")
    assert cursor.fetchall() == [(1,), (2,), (4,)]
    other.close()


def test_a_wrong_password_is_refused_without_showing_it(stand_in: StandIn) -> None:
    with pytest.raises(Exception, match="password authentication failed") as caught:
        stand_in.connect(password="not-the-Secret")
    assert "not-the-Secret" not in str(caught.value)


def test_a_statement_can_be_cancelled(stand_in: StandIn) -> None:
    other = stand_in.psycopg2()
    cursor = other.cursor()
    waiting = in_background(lambda: cursor.execute("SELECT pg_sleep(30)"))
    assert waiting.waits()
    other.cancel()
    assert waiting.ends()
    assert isinstance(waiting.error, psycopg2.errors.QueryCanceled)
    other.close()
