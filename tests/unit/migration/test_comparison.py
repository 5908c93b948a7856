"""A cutover needs a checksum of every table that found no difference and is recent."""

from __future__ import annotations

import pytest

from livemove.migration.comparison import judge, told
from livemove.mysql.checksum import TableResult

SAME = TableResult("shop.orders", ranges=3, rows=1200)
OTHER = TableResult("shop.items", ranges=1, rows=5)


def test_all_tables_compared_lately_and_alike_are_good() -> None:
    found = judge(["shop.orders", "shop.items"], {"shop.orders": (SAME, 1800), "shop.items": (OTHER, 60)}, 24)
    assert found.result == "ok"
    assert found.figures == "2 tables, 1,205 rows, the oldest result is 0.5 h old, all the same"


@pytest.mark.parametrize(
    ("result", "age", "judged", "figures"),
    [
        (TableResult("shop.orders", differences=("id > 1 AND id <= 9",)), 60.0, "stop", "1 ranges differ"),
        (TableResult("shop.orders", definition=("column x",)), 60.0, "stop", "1 differences of definition (column x)"),
        (TableResult("shop.orders", undecided=("id > 1",)), 60.0, "warn", "changed too often"),
        (SAME, 25 * 3600.0, "stop", "25.0 h old (limit 24 h)"),
    ],
)
def test_what_differs_or_is_old_forbids_the_cutover(result: TableResult, age: float, judged: str, figures: str) -> None:
    found = judge(["shop.orders"], {"shop.orders": (result, age)}, 24)
    assert found.result == judged
    assert figures in found.figures


def test_a_table_that_was_made_since_is_a_person_s_decision() -> None:
    found = judge(["shop.items", "shop.orders"], {"shop.orders": (SAME, 1.0)}, 24)
    assert found.result == "warn"
    assert found.figures.startswith("1 of 2 tables were never compared: shop.items; 1 tables, 1,200 rows")


def test_without_any_comparison_there_is_no_cutover() -> None:
    assert judge(["shop.items"], {}, 24).result == "stop"


def test_a_difference_of_a_table_that_is_gone_does_not_count() -> None:
    gone = TableResult("shop.gone", differences=("all",))
    assert judge(["shop.orders"], {"shop.orders": (SAME, 1.0), "shop.gone": (gone, 1.0)}, 24).result == "ok"


def test_a_comparison_is_told_in_one_line() -> None:
    assert told(SAME) == "shop.orders: 1,200 rows in 3 ranges are the same"
