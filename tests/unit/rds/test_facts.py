from __future__ import annotations

from livemove.rds import calls, facts
from livemove.rds.states import Kind
from tests.unit.rds.samples import CLUSTER, INSTANCE, SOURCE_ARN, TARGET_ARN


def test_endpoints_of_instances_and_clusters() -> None:
    assert (facts.host(INSTANCE), facts.port(INSTANCE)) == ("shop.example.com", 3306)
    assert (facts.host(CLUSTER), facts.port(CLUSTER)) == ("shop-aurora.example.com", 3307)
    assert facts.host({}) is None


def test_states_and_arns_of_each_kind() -> None:
    assert facts.state(Kind.INSTANCE, INSTANCE) == facts.state(Kind.CLUSTER, CLUSTER) == "available"
    assert (facts.arn(INSTANCE), facts.arn(CLUSTER)) == (SOURCE_ARN, TARGET_ARN)


def test_the_writer_comes_first() -> None:
    assert facts.members(CLUSTER) == ["shop-aurora-1", "shop-aurora-2"]
    assert facts.writer(CLUSTER) == "shop-aurora-1"
    assert facts.writer({"DBClusterMembers": []}) is None


def test_parameters_of_the_cluster_wait_for_the_reboot_of_each_instance() -> None:
    first, second = ({**INSTANCE, "DBInstanceIdentifier": f"shop-aurora-{n}"} for n in (1, 2))
    assert facts.pending_reboot(first, CLUSTER)
    assert not facts.pending_reboot(second, CLUSTER)
    group = {"DBParameterGroupName": "shop", "ParameterApplyStatus": "pending-reboot"}
    assert facts.pending_reboot({**second, "DBParameterGroups": [group]}, CLUSTER)


def test_a_description_is_read_by_the_names_of_the_calls() -> None:
    assert facts.value(INSTANCE, "DBParameterGroupName") == "shop"
    assert facts.value(CLUSTER, "DBClusterParameterGroupName") == "shop-aurora"
    assert facts.value(INSTANCE, "DBSubnetGroupName") == facts.value(CLUSTER, "DBSubnetGroupName") == "private"
    assert facts.is_set(facts.value(INSTANCE, "VpcSecurityGroupIds"), ["sg-1", "sg-2"])
    assert facts.value(INSTANCE, "EnableIAMDatabaseAuthentication") is False
    assert not facts.shows(INSTANCE, "NoSuchThing")


def test_values_are_compared_as_rds_means_them() -> None:
    assert facts.is_set(7, "7")
    assert facts.is_set(None, False)
    assert not facts.is_set(None, True)
    assert not facts.is_set(1, 7)


def test_differences_of_an_adopted_database_are_named() -> None:
    call = calls.create_aurora_replica(
        identifier="shop-aurora",
        source_arn=SOURCE_ARN,
        parameter_group="other",
        subnet_group="private",
        tags={"a": "b"},
    )
    assert facts.differences(call, CLUSTER) == ["DBClusterParameterGroupName is shop-aurora, not other"]


def test_what_replicates_and_from_where() -> None:
    assert facts.replicas({"ReadReplicaDBClusterIdentifiers": ["b"], "ReadReplicaDBInstanceIdentifiers": ["a"]}) == [
        "a",
        "b",
    ]
    assert facts.source(CLUSTER) == SOURCE_ARN
    assert facts.source({**CLUSTER, "ReplicationSourceIdentifier": ""}) is None
    assert facts.source(INSTANCE) is None
