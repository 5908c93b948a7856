"""A replay reads a span that has passed; of each id the highest version in it counts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from livemove.rebuild.replay import newest, span
from livemove.runbook.errors import NeedsPerson
from livemove.stream.contract import Header, action_line, encode_record
from livemove.stream.hook import Record

NOW = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


def test_without_an_end_it_reads_up_to_now() -> None:
    assert span("2026-11-22T18:00:00+09:00", None, NOW) == (datetime(2026, 11, 22, 9, tzinfo=UTC), NOW)


@pytest.mark.parametrize(
    ("since", "until", "problem"),
    [
        ("", None, "params since and until"),
        ("2026-11-22T09:00:00", None, "names no zone"),
        ("2026-11-22T09:00:00Z", "2026-11-22T08:00:00Z", "is not before"),
        ("2026-11-22T09:00:00Z", "2026-11-22T10:00:00Z", "has not come yet"),
    ],
)
def test_a_span_that_is_none_is_refused(since: str, until: str | None, problem: str) -> None:
    with pytest.raises(NeedsPerson, match=problem):
        span(since, until, NOW)


def record(*changes: tuple[str, int]) -> Record:
    lines = [
        line for identifier, version in changes for line in (action_line(identifier, version), b'{"x":"\xe2\x80\xa8"}')
    ]
    return Record("1", NOW, encode_record(Header("products", len(changes), None, None), lines))


def test_the_highest_version_of_each_id_counts_in_whatever_order_they_come() -> None:
    assert newest([record(("a", 3), ("b|", 1)), record(("a", 2)), record(("b|", 7))]) == {"a": 3, "b|": 7}
