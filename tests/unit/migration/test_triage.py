"""Purged transactions are skipped only when the ledger knows them as harmless and a person has signed them."""

from __future__ import annotations

import pytest

from livemove.migration.triage import Triage, sort_out
from livemove.mysql.gtid import GtidSet
from livemove.runbook.errors import NeedsPerson

FOUR = "44444444-4444-4444-4444-444444444444"
TWO = "22222222-2222-2222-2222-222222222222"
NAMES = {FOUR: "fallback shop-fallback"}


def ledger(*rows: tuple[int, int, str]) -> list[dict[str, object]]:
    return [
        {"uuid": FOUR, "first": first, "last": last, "class": kind, "detail": "mysql.rds_heartbeat2"}
        for first, last, kind in rows
    ]


def triaged(missing: str, *rows: tuple[int, int, str]) -> Triage:
    return sort_out(GtidSet.parse(missing), ledger(*rows), NAMES)


def test_heartbeats_are_named_with_their_origin_and_may_be_skipped() -> None:
    found = triaged(f"{FOUR}:1-3", (1, 10, "heartbeat"))
    found.raise_if_refused()
    assert str(found.gtids) == f"{FOUR}:1-3"
    assert "fallback shop-fallback" in found.markdown()
    assert "heartbeat" in found.markdown()


def test_what_the_ledger_does_not_know_is_refused() -> None:
    with pytest.raises(NeedsPerson, match="unclassified"):
        triaged(f"{FOUR}:1-3", (1, 2, "heartbeat")).raise_if_refused()


@pytest.mark.parametrize("kind", ["write", "account"])
def test_writes_and_account_statements_are_refused(kind: str) -> None:
    with pytest.raises(NeedsPerson, match=kind):
        triaged(f"{FOUR}:1", (1, 1, kind)).raise_if_refused()


def test_gtids_of_other_servers_are_not_taken_for_this_ones() -> None:
    with pytest.raises(NeedsPerson, match="unclassified"):
        triaged(f"{TWO}:1", (1, 10, "heartbeat")).raise_if_refused()


def test_there_is_a_cap() -> None:
    found = triaged(f"{FOUR}:1-6", (1, 10, "heartbeat"))
    found.raise_if_refused(cap=6)
    with pytest.raises(NeedsPerson, match="5 is the most"):
        found.raise_if_refused(cap=5)


def test_more_than_was_signed_is_refused() -> None:
    found = triaged(f"{FOUR}:1-4", (1, 10, "heartbeat"))
    found.require_signed(f"{FOUR}:1-4")
    with pytest.raises(NeedsPerson, match=f"1 more .*{FOUR}:4"):
        found.require_signed(f"{FOUR}:1-3")
