"""Records have the shape that DMS gives them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from rehearsal.dms.records import Place, Record, Style, change, control, load
from rehearsal.dms.tables import Column, Table

TABLE = Table(
    "shop",
    "products",
    (
        Column("id", "bigint", "bigint", False),
        Column("name", "varchar", "varchar(20)", True, length=20),
        Column("text", "text", "text", True, length=65535),
    ),
    ("id",),
)
ROW = {"id": 1, "name": "lamp", "text": "x" * 3000}
NOW = datetime(2026, 11, 22, 8, 0, 0, 123456, UTC)
# As in a published record: file 2171, first event at 36912135.
PLACE = Place(
    "mysql-bin-changelog.002171",
    36912271,
    36912333,
    0,
    36912135,
    datetime(2019, 10, 31, 22, 53, 55, 999999, UTC),
    2,
    (9324410910341, 10),
)


def _read(record: Record) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(record.data)
    return found


def test_transaction_details_are_those_of_a_published_record() -> None:
    metadata = _read(change(TABLE, "insert", ROW, None, Style(), PLACE, NOW))["metadata"]
    assert metadata == {
        "timestamp": "2026-11-22T08:00:00.123456Z",
        "record-type": "data",
        "operation": "insert",
        "partition-key-type": "primary-key",
        "partition-key-value": "shop.products.1",
        "schema-name": "shop",
        "table-name": "products",
        "transaction-id": 9324410911751,
        "transaction-record-id": 2,
        "prev-transaction-id": 9324410910341,
        "prev-transaction-record-id": 10,
        "commit-timestamp": "2019-10-31T22:53:55.000000Z",
        "stream-position": "mysql-bin-changelog.002171:36912271:0:36912333:9324410911751:"
        "mysql-bin-changelog.002171:36912135",
    }


def test_the_first_record_of_a_task_has_none_before_it() -> None:
    first = replace(PLACE, previous=None)
    metadata = _read(change(TABLE, "insert", ROW, None, Style(), first, NOW))["metadata"]
    assert not any(name.startswith("prev-") for name in metadata)


def test_a_loaded_row_has_no_transaction() -> None:
    metadata = _read(load(TABLE, ROW, Style(), NOW))["metadata"]
    assert metadata["operation"] == "load"
    assert "transaction-id" not in metadata
    assert "stream-position" not in metadata


def test_a_before_image_has_what_the_task_asks_for_and_no_lobs() -> None:
    def before(style: Style) -> Any:
        return _read(change(TABLE, "update", ROW, {**ROW, "name": "old"}, style, PLACE, NOW)).get("before-image")

    assert before(Style()) == {"id": 1, "name": "old"}
    assert before(Style(before_image="pk-only")) == {"id": 1}
    assert before(Style(before_image="none")) is None


def test_lobs_are_cut_or_replaced_by_a_marker() -> None:
    assert _read(load(TABLE, ROW, Style(lob_kb=1), NOW))["data"]["text"] == "x" * 1024
    assert _read(load(TABLE, ROW, Style(lob_marker="<LOB>"), NOW))["data"]["text"] == "<LOB>"
    assert _read(load(TABLE, {**ROW, "text": None}, Style(lob_marker="<LOB>"), NOW))["data"]["text"] is None


def test_null_is_left_out_when_the_task_does_not_include_it() -> None:
    row = {**ROW, "name": None}
    assert _read(load(TABLE, row, Style(), NOW))["data"]["name"] is None
    assert "name" not in _read(load(TABLE, row, Style(include_null=False), NOW))["data"]


def test_a_control_record_describes_the_table() -> None:
    record = control(TABLE, "create-table", Style(task="task-1"), NOW)
    assert record.partition_key == "task-1.shop.products"
    assert _read(record)["control"]["table-def"] == {
        "columns": {
            "id": {"type": "INT64", "nullable": False},
            "name": {"type": "WSTRING", "length": 20, "nullable": True},
            "text": {"type": "NCLOB", "nullable": True},
        },
        "primary-key": ["id"],
    }
    assert _read(record)["metadata"]["partition-key-type"] == "task-id"
