"""The writer and its reader behave as an Aurora cluster of two does."""

from __future__ import annotations

import time

import MySQLdb
import pymysql
import pytest

from rehearsal.mysql.pair import Pair
from rehearsal.stack import Stack

pytestmark = pytest.mark.every_mysql


def rows(connection, statement: str, *values: object):
    with connection.cursor() as cursor:
        cursor.execute(statement, values or None)
        return cursor.fetchall()


def test_what_the_writer_commits_arrives_at_the_reader(mysql: Pair, mysql_writer, mysql_reader) -> None:
    rows(mysql_writer, "CREATE TABLE t (a INT PRIMARY KEY)")
    rows(mysql_writer, "INSERT INTO t VALUES (1), (2)")
    mysql.wait_caught_up()
    assert rows(mysql_reader, "SELECT a FROM t ORDER BY a") == ((1,), (2,))


def test_the_reader_refuses_writes_of_the_master_user(mysql_reader) -> None:
    with pytest.raises(pymysql.err.OperationalError, match="read-only"):
        rows(mysql_reader, "CREATE TABLE t (a INT)")


def test_a_delay_holds_the_reader_back_until_it_is_taken_away(mysql: Pair, mysql_writer, mysql_reader) -> None:
    rows(mysql_writer, "CREATE TABLE t (a INT PRIMARY KEY)")
    mysql.wait_caught_up()
    mysql.set_delay(600)
    rows(mysql_writer, "INSERT INTO t VALUES (1)")
    time.sleep(1.5)
    assert rows(mysql_reader, "SELECT COUNT(*) FROM t") == ((0,),)
    mysql.set_delay(0)
    mysql.wait_caught_up(20)
    assert rows(mysql_reader, "SELECT COUNT(*) FROM t") == ((1,),)


def test_the_writer_survives_a_crash_with_all_that_was_committed(mysql: Pair, mysql_writer, database: str) -> None:
    rows(mysql_writer, "CREATE TABLE t (a INT PRIMARY KEY)")
    rows(mysql_writer, "INSERT INTO t VALUES (1)")
    mysql.writer.kill()
    assert not mysql.writer.running
    mysql.start()
    assert mysql.writer.value(f"SELECT COUNT(*) FROM {database}.t") == 1
    mysql.wait_caught_up()
    assert mysql.reader.value(f"SELECT COUNT(*) FROM {database}.t") == 1


def test_the_master_user_sees_transactions_and_statements_of_others(stack: Stack, mysql: Pair, mysql_writer) -> None:
    rows(mysql_writer, "CREATE TABLE t (a INT PRIMARY KEY)")
    with mysql.writer.root() as other, other.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute(f"INSERT INTO {mysql_writer.db.decode()}.t VALUES (1)")
        (thread,) = rows(mysql_writer, "SELECT trx_mysql_thread_id FROM information_schema.innodb_trx")[0]
        assert thread == other.thread_id()
        listed = rows(mysql_writer, "SELECT id FROM information_schema.processlist")
        assert (other.thread_id(),) in listed


@pytest.mark.parametrize(
    "statement",
    ["SET GTID_NEXT = 'aaaaaaaa-0000-0000-0000-000000000001:1'", "STOP REPLICA", "SET GLOBAL read_only = 1"],
)
def test_the_master_user_is_no_superuser(mysql_writer, statement: str) -> None:
    with pytest.raises(pymysql.err.OperationalError) as refused:
        rows(mysql_writer, statement)
    assert refused.value.args[0] in (1227, 1045)


def test_mysqlclient_logs_in_without_and_with_tls(stack: Stack, mysql: Pair) -> None:
    # A restart empties the authentication cache, which makes the first login the hard one.
    mysql.writer.restart()
    login = {
        "host": "127.0.0.1",
        "port": mysql.writer.port,
        "user": "admin",
        "password": stack.password("mysql-admin"),
    }
    with MySQLdb.connect(**login) as plain, plain.cursor() as cursor:
        cursor.execute("SELECT 1")
    with MySQLdb.connect(**login, ssl_mode="REQUIRED") as encrypted, encrypted.cursor() as cursor:
        cursor.execute("SHOW STATUS LIKE 'Ssl_cipher'")
        assert cursor.fetchone()[1]


def test_named_time_zones_are_known(mysql_writer) -> None:
    converted = rows(mysql_writer, "SELECT CAST(CONVERT_TZ('2024-07-01 12:00:00', 'UTC', 'Asia/Tokyo') AS CHAR)")
    assert converted == (("2024-07-01 21:00:00",),)
    summer = "SELECT CAST(CONVERT_TZ('2024-07-01 12:00:00', 'UTC', 'Europe/Paris') AS CHAR)"
    assert rows(mysql_writer, summer) == (("2024-07-01 14:00:00",),)
    rows(mysql_writer, "SET time_zone = 'America/New_York'")


def test_the_server_speaks_utc_unless_told_otherwise(mysql_writer) -> None:
    assert rows(mysql_writer, "SELECT @@time_zone, TIMESTAMPDIFF(SECOND, NOW(), UTC_TIMESTAMP())") == (("+00:00", 0),)
