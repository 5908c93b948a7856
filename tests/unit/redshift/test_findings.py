"""Values that were not carried over are counted, shown and explained."""

from __future__ import annotations

from collections.abc import Iterator

from livemove.redshift.findings import MAX_SAMPLES, REMEDIES, Finding, Tally
from livemove.redshift.settings import Policies


def test_findings_are_counted_by_column_and_problem() -> None:
    tally = Tally()
    tally.add("a", "zero_date", "null", 2, ["(id=1)", "(id=2)"])
    tally.add("a", "too_long", "truncate", 1, ["(id=1)"])
    tally.add("b", "zero_date", "null", 1, ["(id=3)"])
    tally.add("a", "zero_date", "null", 1, ["(id=9)"])
    assert [(each.column, each.problem, each.count) for each in tally.findings] == [
        ("a", "zero_date", 3),
        ("a", "too_long", 1),
        ("b", "zero_date", 1),
    ]
    assert tally.findings[0].samples == ["(id=1)", "(id=2)", "(id=9)"]


def test_nothing_found_is_no_finding() -> None:
    tally = Tally()
    tally.add("a", "zero_date", "null", 0, [])
    assert tally.findings == []


def test_no_more_rows_are_named_than_are_shown() -> None:
    asked = []

    def keys() -> Iterator[str]:
        for number in range(1_000_000):
            asked.append(number)
            yield str(number)

    tally = Tally()
    tally.add("a", "zero_date", "null", 1_000_000, keys())
    assert (tally.findings[0].count, len(tally.findings[0].samples)) == (1_000_000, MAX_SAMPLES)
    assert len(asked) == MAX_SAMPLES
    tally.add("a", "zero_date", "null", 1_000_000, keys())
    assert len(asked) == MAX_SAMPLES


def test_only_what_is_rejected_stops_the_table() -> None:
    tally = Tally()
    for action in ("null", "truncate", "replace", "decode", "keep"):
        tally.add(action, "zero_date", action, 1, ["1"])
    assert tally.rejected == []
    tally.add("b", "zero_date", "reject", 1, ["1"])
    assert [each.column for each in tally.rejected] == ["b"]


def test_a_refusal_names_column_count_rows_and_remedy() -> None:
    tally = Tally()
    tally.add("born", "zero_date", "reject", 1234, ["(id=1)", "(id=2)"])
    tally.add("other", "too_long", "null", 1, ["(id=1)"])
    first, *lines = tally.refusal("people").splitlines()
    assert first.startswith("tables.people: values that Redshift cannot hold exactly")
    assert lines == [
        "- born: 1,234 rows with zero_date (reject), such as (id=1), (id=2). "
        "Remedy: set policy `zero_date: null`, or correct the dates."
    ]


def test_a_refusal_for_a_key_column_offers_no_policy() -> None:
    tally = Tally()
    tally.add("code", "too_long", "reject", 1, ["(code=None)"])
    refusal = tally.refusal("people", key=["code"])
    assert "set policy" not in refusal
    assert "choose another `key`" in refusal


def test_every_policy_that_can_reject_a_value_has_a_remedy() -> None:
    rejecting = {name for name, value in Policies.model_validate({}) if value == "reject"}
    assert set(REMEDIES) == rejecting


def test_a_finding_survives_its_way_to_the_report() -> None:
    tally = Tally()
    tally.add("a", "zero_date", "null", 1, ["(id=1)"])
    assert [Finding(**each) for each in tally.as_json()] == tally.findings
    assert str(tally.findings[0]) == "a: 1 row with zero_date (null), such as (id=1)"
