"""The DMS stand-in against a real MySQL and a real stream."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.fixtures.waiting import until

if TYPE_CHECKING:
    from rehearsal.dms.service import Dms
    from rehearsal.kinesis.service import Kinesis
    from rehearsal.mysql.pair import Pair
    from tests.fixtures.search import Streams

PRODUCTS = """
CREATE TABLE products (
  id BIGINT PRIMARY KEY, name VARCHAR(200), description TEXT, price DECIMAL(30,2), stock INT UNSIGNED, tags JSON,
  kind ENUM('new','used'), marks SET('a','b','c'), picture VARBINARY(10), weight FLOAT, updated_at DATETIME(6),
  day DATE, open TIME, flag BIT(4)
)
"""
VALUES = """(%s, 'Tee 茶', 'long', 12345678901234567890.12, 4294967295, '{"b": [1, 2.5], "a": "ü"}', 'used', 'a,c',
  x'00FF', 1.1, '2026-11-22 10:20:30.123456', '2026-11-22', '-01:02:03', b'1010')"""


def _all(kinesis: Streams) -> list[dict[str, Any]]:
    return [json.loads(record["Data"]) for record in kinesis.records(kinesis.changes)]


def _data(kinesis: Streams) -> list[dict[str, Any]]:
    return [record for record in _all(kinesis) if record["metadata"]["record-type"] == "data"]


def _position(record: dict[str, Any]) -> tuple[int, int, int]:
    file, position, row, *_ = record["metadata"]["stream-position"].split(":")
    return int(file.rpartition(".")[2]), int(position), int(row)


@pytest.fixture
def products(mysql_writer: Any) -> Any:
    cursor = mysql_writer.cursor()
    cursor.execute(PRODUCTS)
    return cursor


def _insert(cursor: Any, *ids: int) -> None:
    cursor.executemany(f"INSERT INTO products VALUES {VALUES}", [(each,) for each in ids])


def test_values_of_a_load_and_of_a_change_are_spelled_alike(products: Any, dms: Dms, kinesis: Streams) -> None:
    _insert(products, 1)
    dms.start()
    _insert(products, 2)
    dms.wait_written()
    loaded, inserted = sorted(_data(kinesis), key=lambda record: record["data"]["id"])
    assert (loaded["metadata"]["operation"], inserted["metadata"]["operation"]) == ("load", "insert")
    assert {**loaded["data"], "id": 2} == inserted["data"]
    assert inserted["data"] == {
        "id": 2,
        "name": "Tee 茶",
        "description": "long",
        "price": pytest.approx(12345678901234567890.12),
        "stock": 4294967295,
        "tags": '{"a": "ü", "b": [1, 2.5]}',
        "kind": "used",
        "marks": "a,c",
        "picture": "0x00FF",
        "weight": 1.1,
        "updated_at": "2026-11-22T10:20:30.123456Z",
        "day": "2026-11-22",
        "open": "-01:02:03",
        "flag": 10,
    }


def test_a_decimal_keeps_all_its_digits(products: Any, dms: Dms, kinesis: Streams) -> None:
    dms.start()
    _insert(products, 1)
    dms.wait_written()
    assert any(b'"price":12345678901234567890.12,' in record["Data"] for record in kinesis.records(kinesis.changes))


def test_null_is_null_in_a_load_and_in_a_change(products: Any, dms: Dms, kinesis: Streams) -> None:
    products.execute("INSERT INTO products (id) VALUES (1)")
    dms.start()
    products.execute("INSERT INTO products (id) VALUES (2)")
    dms.wait_written()
    for record in _data(kinesis):
        assert {name for name, value in record["data"].items() if value is not None} == {"id"}
        assert len(record["data"]) == 14


def test_an_update_shows_the_row_before_and_a_delete_the_row_that_was(
    products: Any, dms: Dms, kinesis: Streams
) -> None:
    dms.start()
    _insert(products, 1)
    products.execute("UPDATE products SET stock = 7, id = 5")
    products.execute("DELETE FROM products")
    dms.wait_written()
    insert, update, delete = sorted(_data(kinesis), key=_position)
    assert (update["data"]["id"], update["data"]["stock"]) == (5, 7)
    assert (update["before-image"]["id"], update["before-image"]["stock"]) == (1, 4294967295)
    assert "description" not in update["before-image"]
    assert "before-image" not in insert
    assert "before-image" not in delete
    assert delete["metadata"]["operation"] == "delete"
    assert delete["data"]["id"] == 5


def test_records_tell_their_transaction_and_their_place(
    products: Any, mysql: Pair, dms: Dms, kinesis: Streams, database: str
) -> None:
    dms.start()
    products.execute("BEGIN")
    _insert(products, 1)
    _insert(products, 2, 3)
    products.execute("COMMIT")
    _insert(products, 4)
    dms.wait_written()
    one, two, three, four = sorted(_data(kinesis), key=_position)
    found = [(each["metadata"]["transaction-record-id"], each["data"]["id"]) for each in (one, two, three, four)]
    assert found == [(1, 1), (2, 2), (3, 3), (1, 4)]
    assert one["metadata"]["transaction-id"] == three["metadata"]["transaction-id"]
    assert "prev-transaction-id" not in one["metadata"]
    previous = (four["metadata"]["prev-transaction-id"], four["metadata"]["prev-transaction-record-id"])
    assert previous == (one["metadata"]["transaction-id"], 3)
    events = mysql.writer.rows(f"SHOW BINLOG EVENTS IN 'mysql-bin-changelog.{_position(one)[0]:06}'")
    writes = {event["Pos"] for event in events if event["Event_type"] == "Write_rows"}
    gtids = {event["Pos"] for event in events if event["Event_type"] == "Gtid"}
    assert {_position(each)[1] for each in (one, two, three, four)} <= writes
    assert one["metadata"]["transaction-id"] & 0xFFFFFFFF in gtids
    assert one["metadata"]["partition-key-value"] == f"{database}.products.1"


def test_changes_of_one_key_are_on_one_shard(products: Any, dms: Dms, kinesis: Streams) -> None:
    dms.start()
    _insert(products, *range(20))
    products.execute("UPDATE products SET stock = 1")
    dms.wait_written()
    shards: dict[int, set[str]] = {}
    for shard in kinesis.shards(kinesis.changes):
        asked = kinesis.client.get_shard_iterator(
            StreamName=kinesis.changes, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
        )
        for record in kinesis.client.get_records(ShardIterator=asked["ShardIterator"])["Records"]:
            body = json.loads(record["Data"])
            if body["metadata"]["record-type"] == "data":
                shards.setdefault(body["data"]["id"], set()).add(shard)
    assert len(shards) == 20
    assert all(len(found) == 1 for found in shards.values())
    assert len(set.union(*shards.values())) == 2


def test_tables_are_told_when_made_altered_emptied_and_dropped(
    products: Any, dms: Dms, kinesis: Streams, database: str
) -> None:
    dms.start()
    products.execute("ALTER TABLE products ADD COLUMN extra INT NOT NULL DEFAULT 3")
    products.execute("INSERT INTO products (id) VALUES (1)")
    # The stand-in asks what a table looks like when it reads the change, as DMS does.
    dms.wait_written()
    products.execute("CREATE TABLE other (id INT PRIMARY KEY)")
    dms.wait_written()
    products.execute("TRUNCATE TABLE products")
    products.execute("DROP TABLE other")
    dms.wait_written()
    told = [record for record in _all(kinesis) if record["metadata"]["record-type"] == "control"]
    assert sorted((each["metadata"]["operation"], each["metadata"]["table-name"]) for each in told) == [
        ("add-column", "products"),
        ("create-table", "other"),
        ("create-table", "products"),
        ("drop-table", "other"),
        ("truncate-table", "products"),
    ]
    added = next(each for each in told if each["metadata"]["operation"] == "add-column")
    assert added["control"]["table-def"]["columns"]["extra"] == {"type": "INT32", "nullable": False}
    assert added["control"]["table-def"]["primary-key"] == ["id"]
    assert _data(kinesis)[0]["data"]["extra"] == 3


def test_nothing_is_lost_by_kills_of_the_stand_in(products: Any, dms: Dms, kinesis: Streams) -> None:
    dms.start()
    for number in range(3):
        _insert(products, *range(number * 100, number * 100 + 100))
        dms.kill()
        _insert(products, 1000 + number)
        dms.start()
    dms.wait_written()
    assert {record["data"]["id"] for record in _data(kinesis)} == {*range(300), 1000, 1001, 1002}
    assert sum(record["metadata"]["operation"] == "load" for record in _data(kinesis)) == 0


def test_nothing_is_lost_when_the_source_or_the_stream_goes_away(
    products: Any, mysql: Pair, dms: Dms, database: str, kinesis: Streams, kinesis_server: Kinesis
) -> None:
    dms.start()
    _insert(products, 1)
    mysql.writer.kill()
    mysql.writer.start()
    mysql.writer.execute(f"INSERT INTO {database}.products (id) VALUES (2)")
    dms.wait_written()
    mysql.writer.restart()
    mysql.writer.execute(f"INSERT INTO {database}.products (id) VALUES (3)")
    kinesis_server.kill()
    mysql.writer.execute(f"INSERT INTO {database}.products (id) VALUES (4)")
    kinesis_server.start()
    dms.wait_written()
    assert {record["data"]["id"] for record in _data(kinesis)} == {1, 2, 3, 4}


def test_savepoints_and_tables_made_from_queries_are_parts_of_their_transactions(
    products: Any, dms: Dms, kinesis: Streams
) -> None:
    dms.start()
    products.execute("BEGIN")
    _insert(products, 1)
    products.execute("SAVEPOINT here")
    _insert(products, 2)
    products.execute("COMMIT")
    products.execute("CREATE TABLE copied (PRIMARY KEY (id)) SELECT id, name FROM products")
    _insert(products, 3)
    dms.wait_written()
    found = {(each["metadata"]["table-name"], each["data"]["id"]): each["metadata"] for each in _data(kinesis)}
    assert set(found) == {("products", 1), ("products", 2), ("products", 3), ("copied", 1), ("copied", 2)}
    assert found["products", 1]["transaction-id"] == found["products", 2]["transaction-id"]
    assert found["copied", 1]["transaction-id"] == found["copied", 2]["transaction-id"]


def test_a_full_load_that_is_interrupted_begins_anew(products: Any, dms: Dms, kinesis: Streams) -> None:
    products.executemany("INSERT INTO products (id) VALUES (%s)", [(number,) for number in range(3000)])
    dms.inject(pause=True)
    dms.start_only()
    time.sleep(2)
    assert dms.process.pid is not None
    dms.stop()
    assert dms.state.loaded == ()
    dms.inject()
    dms.start()
    assert {record["data"]["id"] for record in _data(kinesis)} == set(range(3000))


def test_faults_repeat_records_and_change_their_order_and_lose_none(products: Any, dms: Dms, kinesis: Streams) -> None:
    dms.inject(duplicate=0.5, delay=0.5, delay_seconds=0.5)
    dms.start()
    for number in range(100):
        products.execute("INSERT INTO products (id) VALUES (%s)", (number,))
    dms.wait_written()
    until(lambda: len(_data(kinesis)) > 120)
    found = _data(kinesis)
    assert {record["data"]["id"] for record in found} == set(range(100))
    written = [record for record in kinesis.records(kinesis.changes) if b'"insert"' in record["Data"]]
    places = [_position(json.loads(record["Data"])) for record in written[:50]]
    assert places != sorted(places)


def test_while_paused_nothing_is_written_and_the_state_stays(products: Any, dms: Dms, kinesis: Streams) -> None:
    dms.start()
    dms.inject(pause=True)
    time.sleep(0.3)
    before = dms.state.gtid_executed
    _insert(products, 1)
    time.sleep(0.5)
    assert _data(kinesis) == []
    assert dms.state.gtid_executed == before
    dms.inject()
    dms.wait_written()
    assert len(_data(kinesis)) == 1


def test_a_marker_can_stand_in_place_of_lobs(products: Any, dms: Dms, kinesis: Streams) -> None:
    dms.inject(lob_marker="<LOB>")
    dms.start()
    _insert(products, 1)
    dms.wait_written()
    assert (_data(kinesis)[0]["data"]["description"], _data(kinesis)[0]["data"]["tags"]) == ("<LOB>", "<LOB>")


def test_a_task_that_needs_purged_logs_ends_and_says_so(products: Any, mysql: Pair, dms: Dms, database: str) -> None:
    dms.start()
    dms.stop()
    mysql.writer.execute("FLUSH BINARY LOGS", f"DROP TABLE {database}.products")
    mysql.writer.execute("FLUSH BINARY LOGS")
    last = mysql.writer.rows("SHOW BINARY LOGS")[-1]["Log_name"]
    mysql.wait_caught_up()
    mysql.writer.execute(f"PURGE BINARY LOGS TO '{last}'")
    dms.start()
    until(lambda: dms.process.pid is None)
    assert "purged binary logs" in str(dms.state.error)
    assert "for a full load" in dms.process.log_tail()
