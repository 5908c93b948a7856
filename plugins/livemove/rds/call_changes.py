"""Calls that change or delete what is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from livemove.rds.call import Call, pruned
from livemove.rds.naming import as_api, checked, identifier_of
from livemove.rds.states import Kind, Subject
from livemove.runbook.errors import NeedsPerson

# ModifyDBParameterGroup and ModifyDBClusterParameterGroup take no more in one call.
PARAMETERS_PER_CALL: Final = 20


def promote_instance(*, identifier: str, backup_retention_days: int) -> Call:
    """PromoteReadReplica. Without backups RDS keeps no binlog, hence at least one day of them."""
    if not 1 <= backup_retention_days <= 35:
        raise NeedsPerson(f"backup_retention_days={backup_retention_days}: choose 1 to 35 days.")
    return Call(
        "PromoteReadReplica",
        {"DBInstanceIdentifier": identifier, "BackupRetentionPeriod": backup_retention_days},
        subject=Subject(Kind.INSTANCE, identifier),
    )


def promote_cluster(*, identifier: str) -> Call:
    """PromoteReadReplicaDBCluster: the cluster stops replicating and takes writes."""
    return Call(
        "PromoteReadReplicaDBCluster",
        {"DBClusterIdentifier": identifier},
        subject=Subject(Kind.CLUSTER, identifier),
    )


def _without_password(changes: Mapping[str, Any]) -> dict[str, Any]:
    if "MasterUserPassword" in changes:
        raise NeedsPerson(
            "MasterUserPassword: passwords are not changed from a DAG, where they would be seen. Set "
            "ManageMasterUserPassword: true, which keeps it in Secrets Manager, or change it by hand."
        )
    return dict(changes)


def modify_instance(*, identifier: str, changes: Mapping[str, Any], apply_immediately: bool = True) -> Call:
    """ModifyDBInstance.

    :param changes: parameters of the call, by their names in the API.
    :param apply_immediately: now, or in the next maintenance window.
    """
    return Call(
        "ModifyDBInstance",
        {"DBInstanceIdentifier": identifier, **_without_password(changes), "ApplyImmediately": apply_immediately},
        subject=Subject(Kind.INSTANCE, identifier),
    )


def modify_cluster(*, identifier: str, changes: Mapping[str, Any], apply_immediately: bool = True) -> Call:
    """ModifyDBCluster; parameters as those of `modify_instance`."""
    return Call(
        "ModifyDBCluster",
        {"DBClusterIdentifier": identifier, **_without_password(changes), "ApplyImmediately": apply_immediately},
        subject=Subject(Kind.CLUSTER, identifier),
    )


def make_multi_az(*, identifier: str) -> Call:
    """ModifyDBInstance: a standby in another Availability Zone. No outage, but writes are slower from then on."""
    return modify_instance(identifier=identifier, changes={"MultiAZ": True})


def reboot(*, identifier: str) -> Call:
    """RebootDBInstance."""
    return Call("RebootDBInstance", {"DBInstanceIdentifier": identifier}, subject=Subject(Kind.INSTANCE, identifier))


def failover(*, cluster: str, to: str) -> Call:
    """FailoverDBCluster to a named instance; without a name, a repeated call would fail back."""
    return Call(
        "FailoverDBCluster",
        {"DBClusterIdentifier": cluster, "TargetDBInstanceIdentifier": to},
        subject=Subject(Kind.CLUSTER, cluster),
    )


def create_parameter_group(
    *,
    name: str,
    family: str,
    cluster: bool,
    description: str = "Made by livemove",
    tags: Mapping[str, str] | None = None,
) -> Call:
    """CreateDBParameterGroup or CreateDBClusterParameterGroup.

    RDS wants five minutes before the first database uses a new group (its API Reference, CreateDBParameterGroup).

    :param family: such as `mysql8.0` or `aurora-mysql8.0`.
    """
    prefix = "DBCluster" if cluster else "DB"
    return Call(
        f"Create{prefix}ParameterGroup",
        pruned(
            **{
                f"{prefix}ParameterGroupName": name,
                "DBParameterGroupFamily": family,
                "Description": description,
                "Tags": as_api(tags or {}),
            }
        ),
        subject=_group(name, cluster),
    )


def modify_parameter_group(*, name: str, parameters: Sequence[Mapping[str, str]], cluster: bool) -> Call:
    """ModifyDBParameterGroup or ModifyDBClusterParameterGroup.

    :param parameters: at most 20, each with ParameterName, ParameterValue and ApplyMethod.
    """
    if not 1 <= len(parameters) <= PARAMETERS_PER_CALL:
        raise ValueError(f"{len(parameters)} parameters: one call takes 1 to {PARAMETERS_PER_CALL}.")
    prefix = "DBCluster" if cluster else "DB"
    return Call(
        f"Modify{prefix}ParameterGroup",
        {f"{prefix}ParameterGroupName": name, "Parameters": [dict(parameter) for parameter in parameters]},
        subject=_group(name, cluster),
    )


def _group(name: str, cluster: bool) -> Subject:
    return Subject(Kind.CLUSTER_PARAMETER_GROUP if cluster else Kind.PARAMETER_GROUP, name)


def add_tags(*, arn: str, tags: Mapping[str, str]) -> Call:
    """AddTagsToResource, for an instance or a cluster."""
    return Call("AddTagsToResource", {"ResourceName": arn, "Tags": as_api(tags)}, subject=_of_arn(arn))


def remove_tags(*, arn: str, keys: Sequence[str]) -> Call:
    """RemoveTagsFromResource, for an instance or a cluster."""
    return Call("RemoveTagsFromResource", {"ResourceName": arn, "TagKeys": sorted(keys)}, subject=_of_arn(arn))


def _of_arn(arn: str) -> Subject:
    return Subject(Kind.CLUSTER if ":cluster:" in arn else Kind.INSTANCE, identifier_of(arn))


def delete_instance(*, identifier: str, final_snapshot: str | None) -> Call:
    """DeleteDBInstance.

    :param final_snapshot: None for an instance of a cluster and for a read replica, which RDS takes none of.
    """
    last: dict[str, Any] = {"SkipFinalSnapshot": final_snapshot is None}
    if final_snapshot:
        last["FinalDBSnapshotIdentifier"] = checked(final_snapshot, Kind.INSTANCE_SNAPSHOT)
    return Call(
        "DeleteDBInstance",
        {"DBInstanceIdentifier": identifier, **last},
        subject=Subject(Kind.INSTANCE, identifier),
    )


def delete_cluster(*, identifier: str, final_snapshot: str | None) -> Call:
    """DeleteDBCluster; its instances have to be deleted before."""
    last: dict[str, Any] = {"SkipFinalSnapshot": final_snapshot is None}
    if final_snapshot:
        last["FinalDBSnapshotIdentifier"] = checked(final_snapshot, Kind.CLUSTER_SNAPSHOT)
    return Call(
        "DeleteDBCluster", {"DBClusterIdentifier": identifier, **last}, subject=Subject(Kind.CLUSTER, identifier)
    )
