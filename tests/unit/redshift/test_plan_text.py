"""The plan of a sync is a contract: its whole text is compared with a committed one.

Where a plan changes on purpose, write the texts anew, read what `git diff` shows, and commit them with
the change::

    LIVEMOVE_RENEW_PLANS=1 ./dev test unit

The tests fail in that run, so that it cannot pass for a test.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from livemove.redshift.drift import TargetColumn
from livemove.redshift.examination import Examination, examine
from livemove.redshift.plan_text import render
from livemove.redshift.plans import SourceTable
from livemove.redshift.statements import TableState
from livemove.runbook.errors import NeedsPerson
from tests.unit.redshift.samples import ID, NAME, UPDATED, column, sync, table

PLANS = Path(__file__).parent / "plans"
RENEW = "LIVEMOVE_RENEW_PLANS"

STATE = TableState(3, "2026-11-21 03:00:00", "sync/shop/orders/1/", 10, None)
TARGET = (
    TargetColumn("id", "bigint"),
    TargetColumn("name", "character varying(80)"),
    TargetColumn("updated_at", "timestamp without time zone"),
)
SOURCE = table(estimated_rows=336_776)


def first_run() -> str:
    """A reader, composite key, reserved and Japanese names, keys of the warehouse, every kind of remark."""
    lines = table(
        "注文明細",
        (
            column("order", "bigint", "bigint unsigned"),
            column("行", "int"),
            column("価格", "decimal", "decimal(19,4)", nullable=True, precision=19, scale=4),
            column("note", "mediumtext", nullable=True, char_length=2**24 - 1, octet_length=2**24 - 1),
            column("品名", "varchar", "varchar(40)", charset="cp932", char_length=40),
            column("secret", "varchar", "varchar(40)"),
            column("changed", "datetime", "datetime(6)", nullable=True),
        ),
        key=("order", "行"),
        estimated_rows=1_200_000,
    )
    settings = sync(
        {
            "注文明細": {
                "target": "order_lines",
                "watermark": "changed",
                "dist_key": "order",
                "sort_key": ["changed", "order"],
                "columns": {"行": {"rename": "line"}, "secret": {"skip": True}},
            }
        },
        source={"reader_conn_id": "reader"},
        warehouse={"iam_role": "arn:aws:iam::123456789012:role/copy"},
    )
    return render("shop", settings, {"注文明細": examine(settings, lines, (), None)})


def _orders(settings: dict[str, object] | None = None, source: SourceTable = SOURCE, **found: object) -> str:
    chosen = sync({"orders": settings})
    given = {"target": TARGET, "state": STATE, "target_empty": False, **found}
    return render("shop", chosen, {"orders": examine(chosen, source, **given)})  # type: ignore[arg-type]


def differential() -> str:
    """What changed since the stored watermark, with a lookback."""
    return _orders({"lookback_seconds": 60})


def append() -> str:
    """Rows that never change, by number."""
    return _orders({"mode": "append", "watermark": "id"}, state=TableState(3, "41", "f/", 10, None))


def replace() -> str:
    """All rows every time, into a table that exists."""
    return _orders({"mode": "replace"})


def key_without_index() -> str:
    """The latest row of each key wins; a full reload and a differential run."""
    key: dict[str, object] = {"key": ["name"]}
    source = table(columns=(ID, column("name", "varchar", "varchar(20)"), UPDATED))
    return _orders(key, source) + "\n" + _orders(key, source, full_reload=True)


def added_column() -> str:
    """The source gained a column."""
    return _orders(source=table(columns=(ID, NAME, UPDATED, column("discount", "decimal", precision=5, scale=2))))


def one_table_with_a_problem() -> str:
    """One table that needs a person, one that does not."""
    settings = sync({"orders": None, "lines": None})
    found: dict[str, Examination | NeedsPerson] = {
        "orders": examine(settings, SOURCE, TARGET, STATE, target_empty=False)
    }
    with pytest.raises(NeedsPerson) as refused:
        examine(settings, table("lines", key=()), (), None)
    found["lines"] = refused.value
    return render("shop", settings, found)


CASES = [first_run, differential, append, replace, key_without_index, added_column, one_table_with_a_problem]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_the_plan_is_the_committed_one(case: Callable[[], str]) -> None:
    committed, text = PLANS / f"{case.__name__}.txt", case()
    if os.environ.get(RENEW):
        committed.parent.mkdir(exist_ok=True)
        committed.write_text(text, encoding="utf-8")
        pytest.fail(f"{committed.name} was written anew. Read the difference, commit it, and unset {RENEW}.")
    assert text == committed.read_text(encoding="utf-8")


def test_every_committed_plan_has_a_case() -> None:
    assert {path.name for path in PLANS.iterdir()} == {f"{case.__name__}.txt" for case in CASES}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_a_plan_is_the_same_every_time(case: Callable[[], str]) -> None:
    assert case() == case()
