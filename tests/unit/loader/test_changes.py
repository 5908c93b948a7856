"""Records of DMS, read into changes."""

from __future__ import annotations

import json

import pytest

from loader.changes import Change, Control, read_record
from loader.contract import pack_version
from loader.errors import PoisonError
from tests.fixtures.change_records import SETTINGS, control, record, row


def read(found, **more):
    return read_record(found, SETTINGS, **more)


def test_an_update_is_the_row_with_the_version_of_its_place_in_the_binlog():
    (change,) = read(record("update", row(7), file=24, position=373, number=2))
    assert isinstance(change, Change)
    assert (change.id, change.version, change.row) == ("7", pack_version(1, 24, 373, 2), row(7))
    assert change.at.isoformat() == "2026-11-22T08:15:00.500000+00:00"


def test_a_number_within_the_event_counts_more_than_one_within_the_transaction():
    (change,) = read(
        record(
            "insert", row(7), text="mysql-bin-changelog.000024:373:5:400:1:mysql-bin-changelog.000024:4", number=70_000
        )
    )
    assert change.version == pack_version(1, 24, 373, 5)


def test_a_transaction_of_very_many_rows_has_versions_in_order():
    # An event of 8 KB after 20,000 records: both have numbers that 14 bits do not hold.
    early = read(record("update", row(7), position=1600, number=19_999))[0]
    late = read(record("update", row(7), position=9800, number=20_000))[0]
    assert early.version < late.version
    # And within one event, as long as it does not span a multiple of 16,384.
    one, other = (read(record("update", row(7), position=1600, number=n))[0] for n in (9_000, 14_000))
    assert one.version < other.version


def test_rows_of_a_full_load_are_older_than_any_change():
    (loaded,) = read(record("load", row(7)))
    (changed,) = read(record("insert", row(7), file=1, position=4, number=0))
    assert loaded.version == pack_version(1)
    assert loaded.version < changed.version


def test_a_full_load_can_have_a_position_of_its_own():
    (loaded,) = read(record("load", row(7)), load_version=pack_version(1, 30, 4))
    assert loaded.version == pack_version(1, 30, 4)


def test_a_delete_has_no_row():
    (change,) = read(record("delete", row(7)))
    assert (change.id, change.row) == ("7", None)


def test_a_delete_may_bring_its_row_as_before_image_only():
    (change,) = read(record("delete", {}, before=row(7)))
    assert (change.id, change.row) == ("7", None)


def test_a_changed_key_deletes_the_old_document_and_writes_the_new_one():
    old, new = read(record("update", row(8), before={"id": 7}))
    assert (old.id, old.row) == ("7", None)
    assert (new.id, new.row) == ("8", row(8))
    assert old.version == new.version


def test_a_before_image_with_the_same_key_changes_nothing():
    assert len(read(record("update", row(8), before=row(8, revision=0)))) == 1


@pytest.mark.parametrize("unsent", ["<LOB>", "absent"])
def test_a_row_without_its_lob_is_known_to_be_incomplete(unsent):
    changed = row(7)
    del changed["description"]
    (change,) = read(record("update", changed if unsent == "absent" else {**changed, "description": unsent}))
    assert change.missing == ("description",)


def test_the_before_image_never_stands_in_for_a_lob_that_was_not_sent():
    changed = row(7)
    del changed["description"]
    (change,) = read(record("update", changed, before=row(7)))
    assert change.missing == ("description",)


def test_a_lob_that_became_null_is_complete():
    (change,) = read(record("update", {**row(7), "description": None}))
    assert change.missing == ()


def test_records_of_other_tables_are_nothing_to_us():
    assert read(record("update", row(7), table="orders")) is None
    assert read(control("drop-table", table="orders")) is None


@pytest.mark.parametrize(
    ("operation", "empties"),
    [("create-table", False), ("add-column", False), ("drop-table", True), ("truncate-table", True)],
)
def test_control_records_say_whether_rows_went_without_deletes(operation, empties):
    assert read(control(operation)) == Control(operation, empties)


def test_decimals_that_a_double_cannot_hold_keep_their_digits():
    text = record("update", {**row(7), "price": 0.5}).replace(b'"price": 0.5', b'"price": 12345678901234567.89')
    (change,) = read(text)
    assert change.row is not None
    assert change.row["price"] == "12345678901234567.89"
    (change,) = read(record("update", {**row(7), "price": 12.34}))
    assert change.row is not None
    assert change.row["price"] == 12.34


@pytest.mark.parametrize(
    ("data", "names"),
    [
        (b"\xff\xfe", "no JSON"),
        (b"[1]", "no metadata"),
        (b'{"data": {"x": NaN}, "metadata": {}}', "no JSON"),
        (record("replace", row(7)), "operation 'replace'"),
        (record("update", {"name": "x"}), "'id' is missing"),
        (record("update", {**row(7), "id": None}), "key value None"),
        (record("update", {**row(7), "livemove": 1}), "reserve"),
        (record("update", row(7), text="00000002/7C007178"), "stream-position"),
        (json.dumps({"metadata": {**json.loads(record("insert", row(7)))["metadata"]}}).encode(), "'data' is missing"),
        (record("update", row(7), text=None), "IncludeTransactionDetails"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_understood_is_poison_with_its_reason(data, names):
    with pytest.raises(PoisonError, match=names):
        read(data)
