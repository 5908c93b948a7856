"""Checksums find any value that differs, of any type, and nothing else, while both servers are in use."""

from __future__ import annotations

import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from livemove.mysql import checksum
from livemove.mysql.checksum import TableChecksum, TableResult
from livemove.runbook.errors import NeedsPerson
from tests.fixtures.mysql_servers import Node, Servers

pytestmark = pytest.mark.every_mysql

EVERY_TYPE = """
CREATE TABLE shop.every (
  id BIGINT UNSIGNED PRIMARY KEY, tiny TINYINT, big BIGINT, dec_ DECIMAL(65,30), yr YEAR, flt FLOAT, dbl DOUBLE,
  dt DATE, tm TIME(6), dtm DATETIME(6), ts TIMESTAMP(6) NULL, ch CHAR(9), vc VARCHAR(99) CHARACTER SET latin1,
  bin_ BINARY(4), vb VARBINARY(9), txt LONGTEXT, blb LONGBLOB, en ENUM('a', 'b', 'N'), st SET('x', 'y', 'z'),
  bt BIT(10), js JSON, geo GEOMETRY, ci VARCHAR(9) COLLATE utf8mb4_0900_ai_ci,
  stored_ INT AS (tiny + 1) STORED, virtual_ INT AS (tiny + 2) VIRTUAL)
"""
COLUMNS = "id, tiny, big, dec_, yr, flt, dbl, dt, tm, dtm, ts, ch, vc, bin_, vb, txt, blb, en, st, bt, js, geo, ci"
VALUES = [
    "1, 1, -9223372036854775808, 12345678901234567890123456789012345.123456789012345678901234567890, 1999, 0.1, 0.1, "
    "'0000-00-00', '-838:59:59', '2000-00-00 00:00:00.000001', '2020-01-01 00:00:00.5', 'a', x'E9', x'00', x'FF00', "
    "REPEAT('é', 5000), REPEAT(x'00', 3000), 'a', 'x,y', b'1000000001', '{\"b\": 1, \"a\": [null, 0.1]}', "
    "ST_GeomFromText('POINT(1 2)', 4326), 'a'",
    "2" + ", NULL" * 22,
    "18446744073709551615, 0, 0, 0, 0, 0, 0, '1000-01-01', '0', '1000-01-01', '1970-01-01 00:00:01', '', '', '', '', '', '', "
    "'N', '', 0, 'null', ST_GeomFromText('POINT(0 0)'), ''",
]
# What makes row 1, 2 or 18446744073709551615 another one, seen by the narrowest margin.
CHANGES = [
    "tiny = 2 WHERE id = 1", "tiny = 0 WHERE id = 2", "big = big + 1 WHERE id = 1",
    "dec_ = dec_ + 0.000000000000000000000000000001 WHERE id = 1", "yr = 2000 WHERE id = 1",
    "flt = 0.10000001 WHERE id = 1", "dbl = 0.10000000000000002 WHERE id = 1", "dt = '0000-00-01' WHERE id = 1",
    "tm = '-838:59:58.999999' WHERE id = 1", "dtm = '2000-00-00 00:00:00.000002' WHERE id = 1",
    "ts = '2020-01-01 00:00:00.500001' WHERE id = 1", "ch = 'A' WHERE id = 1", "ch = NULL WHERE id > 2",
    "vc = x'E8' WHERE id = 1", "bin_ = x'01' WHERE id = 1", "vb = x'FF' WHERE id = 1", "vb = '' WHERE id = 2",
    "txt = CONCAT(txt, ' ') WHERE id = 1", "txt = '' WHERE id = 2", "blb = CONCAT(blb, x'00') WHERE id = 1",
    "en = 'b' WHERE id = 1", "en = NULL WHERE id > 2", "st = 'x' WHERE id = 1", "bt = b'1000000000' WHERE id = 1",
    "js = '{\"a\": [null, 0.2], \"b\": 1}' WHERE id = 1", "js = NULL WHERE id > 2",
    "geo = ST_GeomFromText('POINT(2 1)', 4326) WHERE id = 1", "ci = 'á' WHERE id = 1", "ci = NULL WHERE id > 2",
    "id = 3 WHERE id = 2",
]  # fmt: skip


def compare(servers: Servers, table: str = "t", **options: int) -> TableResult:
    return TableChecksum(servers.rds80.hook, servers.aurora3.hook, "shop", table, **options).run()


@pytest.fixture
def pair(servers: Servers) -> Servers:
    """The Aurora server replicates from the RDS one; there is a schema `shop`."""
    servers.follow(servers.aurora3, servers.rds80)
    servers.rds80.root("CREATE DATABASE shop")
    return servers


def fill(node: Node, rows: int) -> None:
    node.root("CREATE TABLE shop.t (id INT PRIMARY KEY, v VARCHAR(20), n INT NOT NULL DEFAULT 0)")
    node.root(
        "SET SESSION cte_max_recursion_depth = 1000000",
        f"INSERT INTO shop.t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows}) "
        "SELECT i * 10, CONCAT('v', i), 0 FROM n",
    )


def test_every_type_is_compared_to_the_last_bit(pair: Servers) -> None:
    pair.rds80.root(
        "SET SESSION sql_mode = ''", EVERY_TYPE, *(f"INSERT INTO shop.every ({COLUMNS}) VALUES ({v})" for v in VALUES)
    )
    pair.caught_up(pair.aurora3, pair.rds80)
    result = compare(pair, "every", rows=2)
    assert result.same, result
    assert (result.rows, result.ranges) == (3, 2)
    unseen = []
    for change in CHANGES:
        with pair.aurora3.server.root() as connection, connection.cursor() as cursor:
            cursor.execute("SET sql_log_bin = 0")
            cursor.execute("SET SESSION sql_mode = ''")
            cursor.execute("CREATE TABLE shop.kept AS SELECT * FROM shop.every")
            assert cursor.execute(f"UPDATE shop.every SET {change}") == 1, change
            if compare(pair, "every", rows=2).differences == ():
                unseen.append(change)
            cursor.execute("DELETE FROM shop.every")
            cursor.execute(f"INSERT INTO shop.every ({COLUMNS}) SELECT {COLUMNS} FROM shop.kept")
            cursor.execute("DROP TABLE shop.kept")
    assert unseen == []
    assert compare(pair, "every").same


def test_rows_that_are_missing_surplus_or_swapped_are_narrowed_down(pair: Servers) -> None:
    fill(pair.rds80, 5000)
    pair.caught_up(pair.aurora3, pair.rds80)
    assert compare(pair, rows=700).same
    for statement in (
        "DELETE FROM shop.t WHERE id = 12340",
        "INSERT INTO shop.t VALUES (-5, 'before', 0), (999999999, 'after', 0)",
        "UPDATE shop.t a, shop.t b SET a.v = b.v, b.v = a.v WHERE a.id = 20010 AND b.id = 20020",
    ):
        pair.aurora3.quietly(statement)
    result = compare(pair, rows=700)
    assert not result.same
    assert result.undecided == ()
    hit = " OR ".join(result.differences)
    found = pair.aurora3.hook.rows(f"SELECT id FROM shop.t WHERE {hit}")
    assert {-5, 999999999, 20010} <= {row["id"] for row in found}
    assert pair.rds80.hook.value(f"SELECT COUNT(*) FROM shop.t WHERE id = 12340 AND ({hit})") == 1
    assert len(found) < 200


@contextmanager
def writing(node: Node, *statements: str) -> Iterator[list[int]]:
    """Write on and on in a thread, and count."""
    done, count = threading.Event(), [0]

    def write() -> None:
        with node.server.root() as connection, connection.cursor() as cursor:
            while not done.is_set():
                cursor.execute(statements[count[0] % len(statements)])
                count[0] += 1

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield count
    finally:
        done.set()
        thread.join()


def test_writes_meanwhile_are_no_differences_and_a_real_one_is_found_among_them(pair: Servers) -> None:
    fill(pair.rds80, 20_000)
    pair.caught_up(pair.aurora3, pair.rds80)
    with writing(
        pair.rds80,
        "UPDATE shop.t SET n = n + 1 WHERE id = 10 * FLOOR(1 + RAND() * 20000)",
        "INSERT INTO shop.t SELECT MAX(id) + 10, 'new', 0 FROM shop.t",
        "DELETE FROM shop.t WHERE id = 10 * FLOOR(1 + RAND() * 20000)",
    ) as count:
        quiet = compare(pair, rows=500, most_rows=2000)
        pair.aurora3.quietly("UPDATE shop.t SET v = 'behind its back' WHERE id > 77777 LIMIT 1")
        other = compare(pair, rows=500, most_rows=2000)
    assert count[0] > 20
    assert quiet.differences == ()
    assert len(other.differences) == 1


def test_what_the_target_has_not_applied_yet_is_no_difference(pair: Servers) -> None:
    fill(pair.rds80, 100)
    pair.caught_up(pair.aurora3, pair.rds80)
    pair.aurora3.root("STOP REPLICA SQL_THREAD")
    pair.rds80.root("UPDATE shop.t SET n = 5 WHERE id = 70", "DELETE FROM shop.t WHERE id = 80")
    later = threading.Timer(2, lambda: pair.aurora3.root("START REPLICA SQL_THREAD"))
    later.start()
    check = TableChecksum(pair.rds80.hook, pair.aurora3.hook, "shop", "t", lag=lambda: 0.0)
    began = time.monotonic()
    assert check.run().same
    assert time.monotonic() - began > 1
    later.join()


def test_rows_that_change_all_the_time_are_undecided_not_different(pair: Servers) -> None:
    fill(pair.rds80, 2000)
    pair.caught_up(pair.aurora3, pair.rds80)
    with writing(pair.rds80, "UPDATE shop.t SET n = n + 1 WHERE id IN (50, 60)"):
        result = compare(pair, rows=2000)
    assert result.differences == ()
    # Halved down to what is hot.
    assert all(pair.rds80.hook.value(f"SELECT COUNT(*) FROM shop.t WHERE {each}") <= 20 for each in result.undecided)


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("a VARCHAR(20) COLLATE utf8mb4_0900_ai_ci, b INT, PRIMARY KEY (a, b)", "CONCAT('é', i % 7), i"),
        ("a VARCHAR(20) CHARACTER SET latin1, b BINARY(3), PRIMARY KEY (a, b)", "CHAR(200 + i % 9), CHAR(i, i % 3)"),
        ("a ENUM('z', 'y', 'a'), b SET('q', 'p'), c INT, PRIMARY KEY (a, b, c)", "1 + i % 3, i % 4, i"),
        ("a DATETIME(3), b DECIMAL(9, 3), PRIMARY KEY (b, a)", "'2020-01-01' + INTERVAL i * 7 MICROSECOND, i % 5 - 2.5"),
        ("a FLOAT, b BIT(9), PRIMARY KEY (a, b)", "i / 7, i % 500"),
        ("a DATE, b BIGINT, PRIMARY KEY (a, b)", "IF(i % 2, '0000-00-00', '2020-02-02'), -i"),
        ("a DOUBLE, PRIMARY KEY (a)", "i / 3 * IF(i % 2, 1, -1)"),
        ("a TIMESTAMP(6), b TIME(2), PRIMARY KEY (a, b)", "'2020-01-01' + INTERVAL i HOUR, SEC_TO_TIME(-i)"),
        ("a CHAR(4) COLLATE utf8mb4_bin, `b``%s` INT, PRIMARY KEY (`b``%s`, a)", "CONCAT('''', i), i % 3"),
    ],
    ids=["collation", "latin1", "enum", "decimal", "float", "zero date", "double", "times", "odd name"],
)  # fmt: skip
def test_ranges_of_any_key_hold_each_row_once(pair: Servers, key: str, values: str) -> None:
    pair.rds80.root(
        f"CREATE TABLE shop.t ({key})",
        "SET SESSION sql_mode = ''",
        "INSERT IGNORE INTO shop.t WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200) "
        f"SELECT {values} FROM n",
    )
    pair.caught_up(pair.aurora3, pair.rds80)
    result = compare(pair, rows=7, most_rows=7)
    assert result.same, result
    assert result.rows == pair.rds80.hook.value("SELECT COUNT(*) FROM shop.t")
    assert result.ranges >= result.rows // 7
    pair.aurora3.quietly("DELETE FROM shop.t ORDER BY RAND() LIMIT 1")
    assert len(compare(pair, rows=7, most_rows=7).differences) == 1


def test_a_definition_that_differs_is_told(pair: Servers) -> None:
    fill(pair.rds80, 5)
    pair.caught_up(pair.aurora3, pair.rds80)
    pair.aurora3.quietly("ALTER TABLE shop.t MODIFY v VARCHAR(20) COLLATE utf8mb4_bin, ADD extra INT")
    result = compare(pair)
    assert not result.same
    assert len(result.definition) == 2
    pair.aurora3.quietly("DROP TABLE shop.t")
    assert compare(pair).definition == ("the table is missing on the target",)


def test_tables_that_cannot_be_compared_are_refused(pair: Servers) -> None:
    pair.rds80.root("CREATE TABLE shop.keyless (id INT)")
    pair.caught_up(pair.aurora3, pair.rds80)
    with pytest.raises(NeedsPerson, match="no primary key"):
        compare(pair, "keyless")
    with pytest.raises(NeedsPerson, match=r"no table shop\.gone"):
        compare(pair, "gone")


def test_an_empty_table_is_equal_until_the_target_has_a_row(pair: Servers) -> None:
    fill(pair.rds80, 1)
    pair.rds80.root("DELETE FROM shop.t")
    pair.caught_up(pair.aurora3, pair.rds80)
    assert compare(pair).same
    pair.aurora3.quietly("INSERT INTO shop.t VALUES (5, 'x', 0)")
    assert compare(pair).differences == ("TRUE",)


def test_nothing_is_read_while_the_target_is_behind(pair: Servers) -> None:
    fill(pair.rds80, 100)
    pair.caught_up(pair.aurora3, pair.rds80)
    late = iter([9.0, 8.0, 7.0])
    began = time.monotonic()
    check = TableChecksum(
        pair.rds80.hook, pair.aurora3.hook, "shop", "t", lag=lambda: next(late, 0.0), lag_seconds=5, rows=1000
    )
    assert check.run().same
    assert time.monotonic() - began > 0.5
    assert next(late, None) is None


def test_lag_is_the_age_of_what_the_target_lacks(pair: Servers) -> None:
    fill(pair.rds80, 1)
    lag = checksum.Lag(pair.rds80.hook, pair.aurora3.hook)
    pair.caught_up(pair.aurora3, pair.rds80)
    assert lag() == 0
    pair.aurora3.root("STOP REPLICA SQL_THREAD")
    pair.rds80.root("UPDATE shop.t SET n = 1")
    lag()
    time.sleep(0.6)
    assert 0.5 < lag() < 5
    pair.aurora3.root("START REPLICA SQL_THREAD")
    pair.caught_up(pair.aurora3, pair.rds80)
    assert lag() == 0


def test_results_are_kept_with_their_age(pair: Servers) -> None:
    fill(pair.rds80, 10)
    pair.caught_up(pair.aurora3, pair.rds80)
    serving = pair.rds80.hook
    assert checksum.newest(serving, "m") == {}
    result = compare(pair)
    checksum.store(serving, "m", result)
    checksum.store(serving, "m", result)
    [(kept, age)] = checksum.newest(serving, "m").values()
    assert kept == result
    assert 0 <= age < 60
    assert checksum.newest(serving, "other") == {}
    pair.caught_up(pair.aurora3, pair.rds80)
    assert checksum.newest(pair.aurora3.hook, "m").keys() == {"shop.t"}
    assert set(checksum.tables_of(serving, "shop")) == {"t"}


def test_memory_stays_flat(pair: Servers) -> None:
    fill(pair.rds80, 100_000)
    pair.caught_up(pair.aurora3, pair.rds80, 60)
    compare(pair, rows=10_000)
    tracemalloc.start()
    try:
        began = time.monotonic()
        result = compare(pair, rows=1000)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert result.same
    print(f"{result.rows / (time.monotonic() - began):.0f} rows/s in {result.ranges} ranges, peak {peak / 1e6:.1f} MB")
    assert peak < 5e6
