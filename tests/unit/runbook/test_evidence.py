"""Evidence forbids, warns, grows old, and is compared with what a person approved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from livemove.runbook.errors import NeedsPerson
from livemove.runbook.evidence import Check, Evidence, Result, ok, stop, warn


def evidence(*checks: Check) -> Evidence:
    return Evidence("shop", "cutover", checks)


def test_good_evidence_lets_the_runbook_act() -> None:
    evidence(ok("lag", "0.2 s")).raise_if_worse(evidence(ok("lag", "0.1 s")))


def test_a_check_that_forbids_is_named_with_its_remedy() -> None:
    with pytest.raises(
        NeedsPerson, match=r"cutover of shop is refused, and nothing has been changed:\n- lag: 9 s. Wait."
    ):
        evidence(stop("lag", "9 s", "Wait.")).raise_if_worse()


def test_a_warning_that_was_approved_is_no_hindrance() -> None:
    seen = evidence(warn("keys", "1 table", "Add one."))
    evidence(warn("keys", "1 table", "Add one.")).raise_if_worse(seen)


@pytest.mark.parametrize("before", [(ok("keys", "0 tables"),), ()])
def test_a_warning_that_nobody_saw_is_refused(before: tuple[Check, ...]) -> None:
    with pytest.raises(NeedsPerson, match=r"keys: 1 table; when it was approved: (0 tables|not looked at)"):
        evidence(warn("keys", "1 table", "Add one.")).raise_if_worse(evidence(*before))


def test_a_check_that_could_not_be_repeated_is_refused() -> None:
    with pytest.raises(NeedsPerson, match="lag: could not be looked at again"):
        evidence().raise_if_worse(evidence(ok("lag", "0 s")))


def test_old_evidence_is_refused() -> None:
    old = Check("lag", "ok", "0 s", (datetime.now(UTC) - timedelta(minutes=3)).isoformat())
    with pytest.raises(NeedsPerson, match="lag: measured 3 min ago"):
        evidence(old).raise_if_worse()
    evidence(old).raise_if_worse(max_age_seconds=600)


@pytest.mark.parametrize("result", ["warn", "stop"])
def test_what_is_not_good_has_a_remedy(result: Result) -> None:
    with pytest.raises(ValueError, match="needs a remedy"):
        Check("lag", result, "9 s", "2026-01-01T00:00:00+00:00")


def test_the_page_shows_the_worst_first_with_ages_and_remedies() -> None:
    at = datetime(2026, 1, 1, 3, 0, tzinfo=UTC)
    page = Evidence(
        "shop",
        "cutover",
        (
            Check("lag", "ok", "0.1 s", "2026-01-01T02:59:50+00:00"),
            Check("checksum", "stop", "3 ranges differ", "2026-01-01T00:00:00+00:00", "Repair them."),
        ),
    ).markdown(at)
    assert page == (
        "## Evidence for cutover: 1 of 2 checks forbid it\n\n"
        "| result      | check    | found           | age  |\n"
        "|-------------|----------|-----------------|------|\n"
        "| **forbids** | checksum | 3 ranges differ | 3 h  |\n"
        "| ok          | lag      | 0.1 s           | 10 s |\n\n"
        "### What to do\n\n"
        "- checksum: Repair them.\n"
    )


def test_evidence_survives_xcom() -> None:
    seen = evidence(ok("lag", "0 s"), stop("keys", "1", "Add one."))
    assert Evidence.from_json(seen.as_json()) == seen
