from __future__ import annotations

from typing import Any

import pytest

from livemove.rds import calls
from livemove.rds.identity import check_identity
from livemove.rds.naming import TAG_MADE_FROM, TAG_MIGRATION, TAG_ROLE
from livemove.runbook.errors import NeedsPerson
from tests.unit.rds.samples import CALLS, CLUSTER, INSTANCE, SOURCE_ARN

REPLICA = CALLS["create_aurora_replica"]
RESTORED = CALLS["restore_cluster"]


def test_the_right_replica_is_taken_with_or_without_our_tags() -> None:
    check_identity(REPLICA, CLUSTER, {})
    check_identity(REPLICA, CLUSTER, {TAG_MIGRATION: "shop", TAG_ROLE: "target"})


@pytest.mark.parametrize(
    ("changes", "tags", "why"),
    [
        ({"Engine": "aurora-postgresql"}, {}, "its engine is aurora-postgresql"),
        ({"ReplicationSourceIdentifier": None}, {}, "promoted already"),
        ({"ReplicationSourceIdentifier": SOURCE_ARN + "2"}, {}, "shop2, not of"),
        ({}, {TAG_MIGRATION: "blog"}, "migration blog, not shop"),
        ({}, {TAG_ROLE: "cdc"}, "role cdc, not target"),
    ],
)
def test_another_cluster_of_that_name_is_refused(changes: dict[str, Any], tags: dict[str, str], why: str) -> None:
    with pytest.raises(NeedsPerson, match=why):
        check_identity(REPLICA, {**CLUSTER, **changes}, tags)


def test_a_restore_of_another_snapshot_is_refused_and_one_of_unknown_origin_is_taken() -> None:
    standalone = {**CLUSTER, "ReplicationSourceIdentifier": None}
    check_identity(RESTORED, standalone, {TAG_MADE_FROM: "shop-aurora-for-cdc"})
    check_identity(RESTORED, standalone, {})
    with pytest.raises(NeedsPerson, match="made from older, not shop-aurora-for-cdc"):
        check_identity(RESTORED, standalone, {TAG_MADE_FROM: "older"})


def test_an_instance_of_another_cluster_is_refused() -> None:
    call = calls.create_cluster_instance(cluster="shop-aurora", instance_class="db.r6g.large")
    check_identity(call, {**INSTANCE, "Engine": "aurora-mysql", "DBClusterIdentifier": "shop-aurora"}, {})
    with pytest.raises(NeedsPerson, match="in cluster other"):
        check_identity(call, {**INSTANCE, "Engine": "aurora-mysql", "DBClusterIdentifier": "other"}, {})
    with pytest.raises(NeedsPerson, match="no cluster"):
        check_identity(call, {**INSTANCE, "Engine": "aurora-mysql"}, {})


def test_a_snapshot_of_another_instance_is_refused() -> None:
    with pytest.raises(NeedsPerson, match="of blog, not of shop"):
        check_identity(CALLS["snapshot_instance"], {"DBInstanceIdentifier": "blog"}, {})


def test_a_replica_of_another_instance_is_refused() -> None:
    call = CALLS["create_read_replica"]
    check_identity(call, {**INSTANCE, "ReadReplicaSourceDBInstanceIdentifier": SOURCE_ARN}, {})
    with pytest.raises(NeedsPerson, match="of blog"):
        check_identity(call, {**INSTANCE, "ReadReplicaSourceDBInstanceIdentifier": "blog"}, {})
