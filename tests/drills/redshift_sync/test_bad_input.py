"""Bad input is refused with one clear message that names the place and the remedy, and nothing changes."""

from __future__ import annotations

from typing import Any

import pytest

from livemove.redshift.preflight import begin_bounds
from livemove.runbook.errors import NeedsPerson
from rehearsal.redshift.faults import Fault
from tests.drills.redshift_sync.conftest import Break
from tests.fixtures.sync import SyncCase

ORDERS = (
    "CREATE TABLE orders (id INT NOT NULL PRIMARY KEY, note VARCHAR(20), maybe INT, price DOUBLE, version INT NOT NULL)"
)

# The settings of the table, and what the message has to say.
BAD_TABLES: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown key of a table": (
        {"watermak": "version"},
        r"tables\.orders\.watermak: unknown key; did you mean 'watermark'\?",
    ),
    "an unknown mode": ({"mode": "upsrt"}, r"tables\.orders\.mode: 'upsrt' does not fit"),
    "an unknown policy": ({"policies": {"zero_date": "ignore"}}, r"tables\.orders\.policies\.zero_date: 'ignore'"),
    "a watermark that is no time or number": (
        {"watermark": "note"},
        r"tables\.orders\.watermark: 'note' is varchar\(20\).*`mode: replace`",
    ),
    "a watermark with fractions": ({"watermark": "price"}, r"tables\.orders\.watermark: 'price' is double"),
    "a watermark that is not there": (
        {"watermark": "changed"},
        r"tables\.orders\.watermark: the source has no column 'changed'",
    ),
    "a key that is not there": (
        {"key": ["uid"], "watermark": "version"},
        r"tables\.orders\.key: the source has no column 'uid'.*id, maybe, note, price, version",
    ),
    "a key that can be NULL": (
        {"key": ["maybe"], "watermark": "version"},
        r"tables\.orders\.key: .*'maybe' can be NULL",
    ),
    "settings of a column that is not there": (
        {"watermark": "version", "columns": {"nte": {"skip": True}}},
        r"tables\.orders\.columns: the source has no column 'nte'",
    ),
    "a key that is skipped": (
        {"watermark": "version", "columns": {"id": {"skip": True}}},
        r"tables\.orders\.columns\.id: a column that is key.*cannot have `skip: true`",
    ),
    "a sort key that is not there": ({"watermark": "version", "sort_key": ["a"]}, r"tables\.orders\.sort_key: .*'a'"),
}


@pytest.mark.parametrize("what", BAD_TABLES)
def test_settings_that_do_not_fit_are_named_and_the_table_stays_as_it_is(case: SyncCase, what: str) -> None:
    case.source(ORDERS, "INSERT INTO orders VALUES (1, 'one', NULL, 1.5, 1)")
    case.configure({"orders": {"watermark": "version"}})
    case.copy("orders")
    case.source("UPDATE orders SET note = 'changed', version = 2")
    settings, message = BAD_TABLES[what]
    before = case.rows("orders"), case.state, case.objects
    case.configure({"orders": settings})
    with pytest.raises(NeedsPerson, match=message):
        case.copy("orders")
    assert (case.rows("orders"), case.state, case.objects) == before
    case.configure({"orders": {"watermark": "version"}})
    assert case.copy("orders").merged["rows"] == 1
    case.assert_same("orders")


BAD_SECTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown section": ({"wharehouse": {"schema": "x"}}, r"wharehouse: unknown key; did you mean 'warehouse'\?"),
    "a connection that is not there": ({"source": {"writer_conn_id": "nowhere"}}, "nowhere"),
    "a database that is not there": (
        {"source": {"database": "nothing_here"}},
        r"source\.database: connection \w+ sees no database 'nothing_here'.*GRANT SELECT",
    ),
    "a bucket that is not there": (
        {"lake": {"bucket": "no-such-bucket"}},
        r"lake\.bucket: 'no-such-bucket'.*NoSuchBucket",
    ),
    "a replica for a writer": (
        {"source": {"writer_conn_id": "aurora_reader", "reader_conn_id": None}},
        r"source\.writer_conn_id: the server behind aurora_reader replicates from",
    ),
}


@pytest.mark.parametrize("what", BAD_SECTIONS)
def test_sections_that_do_not_fit_are_named_by_the_check(case: SyncCase, what: str) -> None:
    case.source(ORDERS)
    sections, message = BAD_SECTIONS[what]
    case.configure({"orders": {"watermark": "version"}}, **sections)

    def look() -> None:
        case.check()
        case.sync.examine(["orders"])

    with pytest.raises(Exception, match=message) as refused:
        look()
    assert case.stack.password("mysql-admin") not in str(refused.value)
    assert case.relations == set()
    assert case.objects == {}


def test_a_table_that_is_not_there_stops_no_other(case: SyncCase) -> None:
    case.source(ORDERS, "INSERT INTO orders VALUES (1, 'one', NULL, 1.5, 1)")
    case.configure({"oders": None, "orders": {"watermark": "version"}})
    found = case.sync.examine(["oders", "orders"])
    assert "tables.oders: database" in str(found["oders"])
    assert "no such table" in str(found["oders"])
    bounds, _ = begin_bounds(case.sync, ["oders", "orders"])
    case.load("orders", case.extract("orders", bounds=bounds))
    case.assert_same("orders")
    with pytest.raises(NeedsPerson, match=r"tables\.oders"):
        case.extract("oders", bounds=bounds)


@pytest.mark.parametrize("fault", ["close", "error"])
def test_a_reload_for_a_new_column_that_never_ended_is_begun_anew_by_the_next_run(
    case: SyncCase, break_warehouse: Break, fault: Any
) -> None:
    case.source(ORDERS, "INSERT INTO orders VALUES (1, 'one', NULL, 1.5, 1), (2, 'two', NULL, 2.5, 1)")
    case.configure({"orders": {"watermark": "version"}})
    case.copy("orders")
    case.source("ALTER TABLE orders ADD COLUMN kind VARCHAR(5) NOT NULL DEFAULT 'x'")
    extracted = case.extract("orders")
    break_warehouse(Fault("^COMMIT", fault))
    with pytest.raises(Exception, match=r"injected|closed|BrokenPipe|reset|end of file|connection"):
        case.load("orders", extracted)
    break_warehouse()
    assert case.copy("orders").extracted["full"], "rows that did not change have a value in the new column, too"
    case.assert_same("orders")
