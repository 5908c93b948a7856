from __future__ import annotations

import json
from typing import Any

import pytest

from livemove.rds.states import Kind
from livemove.rds.waits import Wait, judge_wait
from livemove.runbook.errors import NeedsPerson
from tests.unit.rds.samples import CLUSTER, INSTANCE, SOURCE_ARN


def instance(**changes: Any) -> dict[str, Any]:
    return {**INSTANCE, **changes}


def test_a_wait_survives_the_way_to_the_triggerer() -> None:
    wait = Wait(Kind.CLUSTER, "a", {"MultiAZ": True, "Source": None}, states=("stopped",), because="busy")
    assert Wait.from_json(json.loads(json.dumps(wait.as_json()))) == wait


def test_a_usable_database_is_enough_by_default() -> None:
    assert judge_wait(Wait(Kind.INSTANCE, "shop"), INSTANCE).done
    assert not judge_wait(Wait(Kind.INSTANCE, "shop"), instance(DBInstanceStatus="creating")).done


def test_one_that_is_not_shown_yet_is_waited_for() -> None:
    assert not judge_wait(Wait(Kind.INSTANCE, "shop"), None).done


def test_a_usable_state_is_not_enough_while_the_change_does_not_show() -> None:
    wait = Wait(Kind.INSTANCE, "shop", {"DBInstanceClass": "db.r6g.xlarge"})
    look = judge_wait(wait, INSTANCE)
    assert not look.done
    assert "DBInstanceClass db.r6g.xlarge, now db.r6g.large" in look.text
    assert judge_wait(wait, instance(DBInstanceClass="db.r6g.xlarge")).done
    assert not judge_wait(wait, instance(DBInstanceClass="db.r6g.xlarge", DBInstanceStatus="modifying")).done


def test_a_promoted_cluster_has_no_source() -> None:
    wait = Wait(Kind.CLUSTER, "shop-aurora", {"Source": None})
    assert SOURCE_ARN in judge_wait(wait, CLUSTER).text
    assert not judge_wait(wait, CLUSTER).done
    promoted = {**CLUSTER, "ReplicationSourceIdentifier": None}
    assert judge_wait(wait, promoted).done
    assert not judge_wait(wait, {**promoted, "Status": "promoting"}).done


def test_a_failover_is_over_when_the_named_instance_writes() -> None:
    assert not judge_wait(Wait(Kind.CLUSTER, "shop-aurora", {"Writer": "shop-aurora-2"}), CLUSTER).done
    assert judge_wait(Wait(Kind.CLUSTER, "shop-aurora", {"Writer": "shop-aurora-1"}), CLUSTER).done


@pytest.mark.parametrize(("expect", "told"), [("PendingReboot", False), ("RestartedSince", True)])
def test_a_reboot_is_over_when_it_shows(expect: str, told: bool) -> None:
    wanted = False if expect == "PendingReboot" else "2026-01-01T00:00:00+00:00"
    wait = Wait(Kind.INSTANCE, "shop", {expect: wanted})
    assert judge_wait(wait, instance(**{expect: told})).done
    assert not judge_wait(wait, instance(**{expect: not told})).done


@pytest.mark.parametrize("state", ["failed", "incompatible-network", "storage-full"])
def test_a_state_that_waiting_does_not_heal_ends_the_wait_with_a_remedy(state: str) -> None:
    with pytest.raises(NeedsPerson, match=f"instance shop is {state}. Remedy: "):
        judge_wait(Wait(Kind.INSTANCE, "shop"), instance(DBInstanceStatus=state))


def test_gone_is_gone() -> None:
    wait = Wait(Kind.INSTANCE, "shop", gone=True)
    assert judge_wait(wait, None).done
    assert not judge_wait(wait, instance(DBInstanceStatus="deleting")).done
    assert not judge_wait(wait, INSTANCE).done


def test_other_states_can_be_waited_for() -> None:
    wait = Wait(Kind.INSTANCE, "shop", states=("stopped",))
    assert not judge_wait(wait, INSTANCE).done
    assert not judge_wait(wait, instance(DBInstanceStatus="stopping")).done
    assert judge_wait(wait, instance(DBInstanceStatus="stopped")).done
    with pytest.raises(NeedsPerson):
        judge_wait(wait, instance(DBInstanceStatus="failed"))


def test_a_failed_state_that_is_wanted_is_no_failure() -> None:
    wait = Wait(Kind.INSTANCE, "shop", states=("storage-full",))
    assert judge_wait(wait, instance(DBInstanceStatus="storage-full")).done


def test_the_log_tells_progress_and_the_refusal() -> None:
    wait = Wait(Kind.CLUSTER, "shop-aurora", because="InvalidDBClusterStateFault: busy")
    text = judge_wait(wait, {**CLUSTER, "Status": "migrating", "PercentProgress": "42"}).text
    assert text == (
        "cluster shop-aurora: migrating (42 %); waiting for a usable state [InvalidDBClusterStateFault: busy]"
    )
