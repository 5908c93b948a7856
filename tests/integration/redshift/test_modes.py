"""Tables of every kind arrive: keys and watermarks of every sort, names of every sort, and no key at all."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from livemove.runbook.errors import NeedsPerson
from tests.fixtures.sync import SyncCase

pytestmark = pytest.mark.every_mysql

CHANGED = "updated_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP"
ORDERS = f"CREATE TABLE orders (id INT NOT NULL PRIMARY KEY, note VARCHAR(40), amount DECIMAL(12,2), {CHANGED})"
VERSIONED = (
    "CREATE TABLE orders (id INT NOT NULL PRIMARY KEY, note VARCHAR(40), version BIGINT NOT NULL, KEY (version))"
)


def test_the_second_run_moves_only_what_changed(case: SyncCase) -> None:
    case.source(ORDERS, "INSERT INTO orders (id, note, amount) VALUES (1, 'one', 1.5), (2, 'two', 2.5), (3, NULL, 0)")
    case.configure({"orders": None})
    case.let_changes_settle()
    first = case.copy("orders")
    assert (first.extracted["full"], first.merged["rows"]) == (True, 3)
    case.assert_same("orders")
    case.source(
        "UPDATE orders SET note = 'two, changed' WHERE id = 2",
        "INSERT INTO orders (id, note, amount) VALUES (4, 'four', 4)",
    )
    case.let_changes_settle()
    second = case.copy("orders")
    assert (second.extracted["full"], second.extracted["rows"], second.merged["rows"]) == (False, 2, 2)
    case.assert_same("orders")


def test_a_run_without_changes_moves_nothing_and_changes_nothing(case: SyncCase) -> None:
    case.source(VERSIONED, "INSERT INTO orders VALUES (1, 'one', 1), (2, 'two', 2)")
    case.configure({"orders": {"watermark": "version"}})
    case.copy("orders")
    before = case.rows("orders")
    again = case.copy("orders")
    assert (again.extracted["rows"], again.extracted["parts"], again.merged["rows"]) == (0, 0, 0)
    assert case.rows("orders") == before
    assert case.state == [
        ("orders", 1, "full", None, "2", 2, 2),
        ("orders", 2, "upsert", "2", "2", 0, 0),
    ]


def test_an_empty_table_makes_an_empty_target_and_its_first_rows_follow(case: SyncCase) -> None:
    case.source(ORDERS)
    case.configure({"orders": None})
    empty = case.copy("orders")
    assert (empty.merged["rows"], empty.maintained["did"]) == (0, [])
    assert case.rows("orders") == []
    case.source("INSERT INTO orders (id, note) VALUES (1, 'the first')")
    case.let_changes_settle()
    assert case.copy("orders").merged["rows"] == 1
    case.assert_same("orders")


def test_an_empty_table_with_an_integer_watermark_gets_its_first_rows(case: SyncCase) -> None:
    case.source(VERSIONED)
    case.configure({"orders": {"watermark": "version"}})
    case.copy("orders")
    case.source("INSERT INTO orders VALUES (1, 'the first', -5)")
    assert case.copy("orders").merged["rows"] == 1
    case.assert_same("orders")


def test_each_step_done_twice_in_one_run_does_nothing_the_second_time(case: SyncCase) -> None:
    case.source(VERSIONED, "INSERT INTO orders VALUES (1, 'one', 1), (2, 'two', 2)")
    case.configure({"orders": {"watermark": "version"}})
    bounds = case.bounds("orders")
    first = case.extract("orders", "a run", bounds=bounds)
    found = case.objects
    assert case.extract("orders", "a run", bounds=bounds) == first
    assert case.objects == found
    once = case.load("orders", first)
    twice = case.load("orders", case.extract("orders", "a run", bounds=bounds))
    assert twice.merged == once.merged
    assert [line[1] for line in case.state] == [1]
    case.assert_same("orders")


def test_an_integer_watermark_is_read_up_to_its_highest_value(case: SyncCase) -> None:
    top = 2**63 - 1
    case.source(VERSIONED, "INSERT INTO orders VALUES (1, 'one', -7), (2, 'two', 0)")
    case.configure({"orders": {"watermark": "version"}})
    case.copy("orders")
    case.source(
        f"INSERT INTO orders VALUES (3, 'three', {top})", "UPDATE orders SET note = 'ONE', version = 1 WHERE id = 1"
    )
    assert case.copy("orders").merged["rows"] == 2
    case.assert_same("orders")
    assert case.state[-1][3:5] == ("0", str(top))


def test_an_unsigned_integer_watermark_keeps_all_its_digits(case: SyncCase) -> None:
    top = 2**64 - 1
    case.source(
        "CREATE TABLE orders (id INT NOT NULL PRIMARY KEY, version BIGINT UNSIGNED NOT NULL)",
        f"INSERT INTO orders VALUES (1, {top - 1})",
    )
    case.configure({"orders": {"watermark": "version"}})
    case.copy("orders")
    case.source(f"INSERT INTO orders VALUES (2, {top})")
    assert case.copy("orders").extracted["rows"] == 1
    case.assert_same("orders")


def test_rows_without_a_watermark_are_read_by_every_run(case: SyncCase) -> None:
    case.source(
        "CREATE TABLE orders (id INT NOT NULL PRIMARY KEY, note TEXT, updated_at DATETIME NULL)",
        "INSERT INTO orders VALUES (1, 'never changed', NULL), (2, 'dated', '2024-01-01 00:00:00')",
    )
    case.configure({"orders": None})
    case.copy("orders")
    case.source("UPDATE orders SET note = 'changed, but nobody said when' WHERE id = 1")
    again = case.copy("orders")
    assert (again.extracted["full"], again.extracted["rows"]) == (False, 1)
    case.assert_same("orders")


def test_a_date_is_read_when_its_day_is_over(case: SyncCase) -> None:
    case.source(
        "CREATE TABLE orders (id INT NOT NULL PRIMARY KEY, updated_on DATE NOT NULL)",
        "INSERT INTO orders VALUES (1, '2024-05-09'), (2, '2024-05-10')",
    )
    case.configure({"orders": {"watermark": "updated_on"}})

    def run_at(local: str) -> Any:
        bounds = replace(case.bounds("orders"), local=local, offset_minutes=0)
        return case.load("orders", case.extract("orders", bounds=bounds))

    assert run_at("2024-05-10 12:00:00").merged["rows"] == 2
    case.source("INSERT INTO orders VALUES (3, '2024-05-10')")
    assert run_at("2024-05-10 23:59:59").merged["rows"] == 0, "the day is not over"
    assert run_at("2024-05-11 00:00:00").merged["rows"] == 2
    case.assert_same("orders")
    assert case.state[-1][3:5] == ("2024-05-09", "2024-05-10")


def test_datetimes_on_a_clock_ahead_of_utc_are_compared_on_that_clock(case: SyncCase) -> None:
    case.source("CREATE TABLE orders (id INT NOT NULL PRIMARY KEY, updated_at DATETIME NOT NULL)")
    in_tokyo = "CONVERT_TZ(UTC_TIMESTAMP(), '+00:00', '+09:00')"
    case.source(f"INSERT INTO orders VALUES (1, {in_tokyo} - INTERVAL 1 HOUR)")
    case.configure({"orders": None}, source={"datetime_zone": "+09:00"})
    case.copy("orders")
    upper = case.state[-1][4]
    assert upper.endswith("+540")
    ahead = datetime.fromisoformat(upper.removesuffix("+540")) - case.source("SELECT UTC_TIMESTAMP()")[0][0]
    assert timedelta(hours=8, minutes=59) < ahead < timedelta(hours=9)
    case.source(
        f"INSERT INTO orders VALUES (2, {in_tokyo})", f"INSERT INTO orders VALUES (3, {in_tokyo} + INTERVAL 1 HOUR)"
    )
    case.let_changes_settle()
    assert case.copy("orders").merged["rows"] == 1, "the third row lies in the future of that clock"
    assert [row[0] for row in case.rows("orders")] == [1, 2]


def test_a_lookback_reads_again_what_lies_before_the_watermark(case: SyncCase) -> None:
    case.source(ORDERS, "INSERT INTO orders (id) VALUES (1)")
    case.configure({"orders": {"lookback_seconds": 600}})
    case.copy("orders")
    case.source("INSERT INTO orders VALUES (2, 'late', 1, UTC_TIMESTAMP() - INTERVAL 5 MINUTE)")
    case.let_changes_settle()
    assert case.copy("orders").merged["rows"] == 2
    case.assert_same("orders")


# -- keys -------------------------------------------------------------------------------------


def test_composite_keys_match_on_all_their_columns(case: SyncCase) -> None:
    case.source(
        "CREATE TABLE prices (order_id BIGINT UNSIGNED, kind VARCHAR(10), at DATETIME(6), price DOUBLE, version INT, "
        "PRIMARY KEY (order_id, kind, at))",
        f"INSERT INTO prices VALUES ({2**64 - 1}, 'a', '2024-01-01 00:00:00.000001', 1, 1), "
        f"({2**64 - 1}, 'b', '2024-01-01 00:00:00.000001', 2, 1), ({2**64 - 1}, 'a', '2024-01-01 00:00:00.000002', 3, 1)",
    )
    case.configure({"prices": {"watermark": "version"}})
    case.copy("prices")
    case.source("UPDATE prices SET price = -1, version = 2 WHERE kind = 'a' AND at = '2024-01-01 00:00:00.000002'")
    assert case.copy("prices").merged["rows"] == 1
    case.assert_same("prices")


def test_of_rows_that_share_a_key_the_latest_wins(case: SyncCase) -> None:
    rows = "(1, 'old', 1), (1, 'newest', 3), (1, 'new', 2), (2, 'only', 1)"
    case.source(
        "CREATE TABLE moves (k INT NOT NULL, note TEXT, version INT NOT NULL)", f"INSERT INTO moves VALUES {rows}"
    )
    case.configure({"moves": {"key": ["k"], "watermark": "version"}})
    assert case.copy("moves").merged["rows"] == 2
    assert case.rows("moves", "k, note") == [(1, "newest"), (2, "only")]
    case.source("INSERT INTO moves VALUES (1, 'later', 4), (1, 'latest', 5), (3, 'other', 5)")
    assert case.copy("moves").merged["rows"] == 2
    assert case.rows("moves", "k, note") == [(1, "latest"), (2, "only"), (3, "other")]


def test_a_table_without_a_key_is_refused_with_the_three_ways_out(case: SyncCase) -> None:
    case.source(f"CREATE TABLE log (line TEXT, {CHANGED})")
    case.configure({"log": None})
    with pytest.raises(NeedsPerson, match=r"tables\.log: the table has no primary key.*`key:`.*replace.*append"):
        case.extract("log")


def test_append_adds_each_row_once(case: SyncCase) -> None:
    case.source(
        "CREATE TABLE log (line TEXT, id INT NOT NULL, KEY (id))",
        "INSERT INTO log VALUES ('a', 1), ('a', 2), (NULL, 3)",
    )
    case.configure({"log": {"mode": "append", "watermark": "id"}})
    case.copy("log")
    case.source("INSERT INTO log VALUES ('a', 4), ('b', 5)")
    assert case.copy("log").merged["rows"] == 2
    assert case.copy("log").merged["rows"] == 0
    case.assert_same("log")


def test_append_by_time_takes_no_row_twice_though_some_arrive_while_it_reads(case: SyncCase) -> None:
    case.source(f"CREATE TABLE log (line TEXT, {CHANGED})", "INSERT INTO log VALUES ('past', '2024-01-01')")
    case.configure({"log": {"mode": "append"}})
    bounds = case.bounds("log")
    case.source("INSERT INTO log (line) VALUES ('after the bound')")
    case.load("log", case.extract("log", bounds=bounds))
    assert [row[0] for row in case.rows("log")] == ["past"]
    case.let_changes_settle()
    case.copy("log")
    case.assert_same("log")


def test_replace_brings_all_rows_every_time_and_so_removes_what_was_deleted(case: SyncCase) -> None:
    case.source(
        "CREATE TABLE rates (code CHAR(3), rate DOUBLE)", "INSERT INTO rates VALUES ('JPY', 1), ('USD', 150.25)"
    )
    case.configure({"rates": {"mode": "replace"}})
    case.copy("rates")
    case.source("DELETE FROM rates WHERE code = 'JPY'", "INSERT INTO rates VALUES ('EUR', NULL), ('EUR', NULL)")
    case.copy("rates")
    case.assert_same("rates")
    case.source("DELETE FROM rates")
    assert case.copy("rates").merged["rows"] == 0
    case.assert_same("rates")


def test_a_full_reload_removes_rows_that_the_source_has_lost(case: SyncCase) -> None:
    case.source(VERSIONED, "INSERT INTO orders VALUES (1, 'one', 1), (2, 'two', 2)")
    case.configure({"orders": {"watermark": "version"}})
    case.copy("orders")
    case.source("DELETE FROM orders WHERE id = 1")
    case.copy("orders")
    assert len(case.rows("orders")) == 2, "a watermark cannot show a deletion"
    case.copy("orders", full_reload=True)
    case.assert_same("orders")
    assert case.relations == {"orders", "sync_state"}


# -- names ------------------------------------------------------------------------------------


def test_reserved_words_and_japanese_are_names_like_others(case: SyncCase) -> None:
    case.source(
        'CREATE TABLE `select` (`order` INT NOT NULL, `from` VARCHAR(20), `量 (個)` INT, `a"b``c` INT, '
        "`user` INT NOT NULL, PRIMARY KEY (`order`, `user`), KEY (`user`))",
        "CREATE TABLE `注文` (`番号` INT NOT NULL PRIMARY KEY, `備考` VARCHAR(40), `版` INT NOT NULL)",
        "INSERT INTO `select` VALUES (1, 'x', 2, 3, 1)",
        "INSERT INTO `注文` VALUES (1, '東京都千代田区', 1), (2, '絵文字 😀', 2)",
    )
    case.configure({"select": {"watermark": "user"}, "注文": {"watermark": "版"}})
    change = ("INSERT INTO `select` VALUES (2, 'y', NULL, NULL, 2)", "UPDATE `注文` SET `備考` = '変更', `版` = 3")
    for changes in (("DO 0",), change):
        case.source(*changes)
        for table in ("select", "注文"):
            case.copy(table)
            assert case.rows(table) == case.source(f"SELECT * FROM `{table}` ORDER BY 1")


def test_columns_can_be_renamed_and_skipped_and_the_target_can_have_another_name(case: SyncCase) -> None:
    case.source(
        "CREATE TABLE users (id INT NOT NULL PRIMARY KEY, Name VARCHAR(20), password VARCHAR(20), version INT NOT NULL)",
        "INSERT INTO users VALUES (1, 'あ', 'secret', 1)",
    )
    columns = {"Name": {"rename": "full name"}, "password": {"skip": True}, "version": {"rename": "order"}}
    case.configure({"users": {"target": "People", "watermark": "version", "columns": columns}})
    case.copy("users")
    case.source("UPDATE users SET name = 'い', version = 2")
    done = case.copy("users")
    assert done.merged == {"rows": 1, "target": f"{case.schema}.people"}
    assert case.rows("people", 'id, "full name", "order"') == [(1, "い", 2)]
    assert len(case.rows("people")[0]) == 3


def test_two_names_that_redshift_cannot_tell_apart_are_refused(case: SyncCase) -> None:
    case.source(f"CREATE TABLE t (id INT NOT NULL PRIMARY KEY, `Ｎ` INT, `ｎ2` INT, {CHANGED})")
    case.configure({"t": {"columns": {"ｎ2": {"rename": "Ｎ"}}}})
    with pytest.raises(NeedsPerson, match="two columns would be called"):
        case.extract("t")


def test_several_databases_go_into_several_schemas_and_one_bucket(case: SyncCase, case_b: SyncCase) -> None:
    for number, each in enumerate((case, case_b)):
        each.source(VERSIONED, f"INSERT INTO orders VALUES ({number}, 'of {number}', {number})")
        each.configure(
            {"orders": {"watermark": "version"}}, lake={"prefix": case.prefix}, warehouse={"state_schema": case.schema}
        )
        each.copy("orders")
    case.source("INSERT INTO orders VALUES (9, 'of the first only', 9)")
    assert case_b.copy("orders").merged["rows"] == 0
    assert case.copy("orders").merged["rows"] == 1
    case.assert_same("orders")
    case_b.assert_same("orders")
