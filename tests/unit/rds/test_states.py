from __future__ import annotations

import pytest

from livemove.rds.states import Kind, Verdict, judge, remedy


@pytest.mark.parametrize("state", ["available", "storage-optimization", "Available"])
def test_a_usable_instance_is_good(state: str) -> None:
    assert judge(Kind.INSTANCE, state) is Verdict.GOOD


@pytest.mark.parametrize(
    "state", ["creating", "backing-up", "modifying", "rebooting", "upgrading", "configuring-log-exports", "maintenance"]
)
def test_an_instance_on_its_way_is_waited_for(state: str) -> None:
    assert judge(Kind.INSTANCE, state) is Verdict.WAITING


@pytest.mark.parametrize("state", ["migrating", "preparing-data-migration", "promoting", "failing-over", "creating"])
def test_a_cluster_on_its_way_is_waited_for(state: str) -> None:
    assert judge(Kind.CLUSTER, state) is Verdict.WAITING


@pytest.mark.parametrize(
    "state",
    [
        *("failed", "storage-full", "stopped", "deleting", "migration-failed", "cloning-failed", "restore-error"),
        *("incompatible-network", "incompatible-parameters", "incompatible-something-new"),
        "inaccessible-encryption-credentials",
    ],
)
def test_what_waiting_does_not_heal_has_a_remedy(state: str) -> None:
    assert judge(Kind.CLUSTER, state) is Verdict.FAILED
    assert judge(Kind.INSTANCE, state) is Verdict.FAILED
    assert len(remedy(state)) > 20


def test_a_state_that_nobody_knows_is_waited_for() -> None:
    assert judge(Kind.INSTANCE, "polishing") is Verdict.WAITING


def test_a_failed_snapshot_is_a_persons_business() -> None:
    assert judge(Kind.INSTANCE_SNAPSHOT, "failed") is Verdict.FAILED
    assert judge(Kind.CLUSTER_SNAPSHOT, "creating") is Verdict.WAITING


def test_a_state_that_nobody_knows_and_that_says_failed_is_a_persons_business() -> None:
    assert judge(Kind.CLUSTER, "polishing-failed") is Verdict.FAILED
