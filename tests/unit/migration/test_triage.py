"""Purged transactions are skipped only when the ledger knows them as harmless and a person has signed them."""

from __future__ import annotations

import pytest

from livemove.migration.triage import Triage, sort_out
from livemove.mysql.gtid import GtidRange, GtidSet
from livemove.mysql.gtid_ledger import Entry
from livemove.runbook.errors import NeedsPerson

FOUR = "44444444-4444-4444-4444-444444444444"
TWO = "22222222-2222-2222-2222-222222222222"
NAMES = {FOUR: "fallback shop-fallback"}


def ledger(*rows: tuple[int, int, str]) -> list[Entry]:
    return [Entry(GtidRange(FOUR, "", first, last), kind, "mysql.rds_heartbeat2") for first, last, kind in rows]


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


def test_writes_are_refused() -> None:
    with pytest.raises(NeedsPerson, match="write"):
        triaged(f"{FOUR}:1", (1, 1, "write")).raise_if_refused()


def test_account_statements_may_be_skipped_as_aurora_discards_them() -> None:
    triaged(f"{FOUR}:1", (1, 1, "account")).raise_if_refused()


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
