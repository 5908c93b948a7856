"""Calls that make databases and snapshots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from livemove.rds.call import Call, pruned
from livemove.rds.naming import TAG_MADE_FROM, as_api, checked, identifier_of, is_arn, writer_instance
from livemove.rds.states import Kind, Subject
from livemove.runbook.errors import NeedsPerson

AURORA_MYSQL: Final = "aurora-mysql"


# -- replicas --------------------------------------------------------------------------------------


def create_read_replica(
    *,
    identifier: str,
    source: str,
    instance_class: str | None = None,
    parameter_group: str | None = None,
    subnet_group: str | None = None,
    security_groups: Sequence[str] = (),
    tags: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Call:
    """CreateDBInstanceReadReplica: an RDS instance that RDS lets replicate from another one.

    :param source: identifier of the source, or its ARN when it is in another Region.
    :param options: more parameters of the call, by their names in the API.
    """
    return Call(
        "CreateDBInstanceReadReplica",
        {
            **pruned(
                DBInstanceIdentifier=checked(identifier, Kind.INSTANCE),
                SourceDBInstanceIdentifier=source,
                DBInstanceClass=instance_class,
                DBParameterGroupName=parameter_group,
                DBSubnetGroupName=subnet_group,
                VpcSecurityGroupIds=list(security_groups),
                Tags=as_api(tags or {}),
            ),
            **(options or {}),
        },
        subject=Subject(Kind.INSTANCE, identifier.lower()),
        origin=("ReadReplicaSourceDBInstanceIdentifier", source),
        after=(Subject(Kind.INSTANCE, source),),
        needs_backups=True,
    )


def create_aurora_replica(
    *,
    identifier: str,
    source_arn: str,
    engine_version: str | None = None,
    parameter_group: str | None = None,
    subnet_group: str | None = None,
    security_groups: Sequence[str] = (),
    tags: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Call:
    """CreateDBCluster: an Aurora MySQL cluster that replicates from an RDS MySQL instance.

    It starts to work once it has an instance: `create_cluster_instance`. User and password come from the source
    (Aurora User Guide, "Migrating data from an RDS for MySQL DB instance by using an Aurora read replica").

    :param source_arn: ARN of the RDS instance.
    """
    if not is_arn(source_arn) or ":db:" not in source_arn:
        raise NeedsPerson(
            f"source_arn={source_arn!r}: an Aurora replica's source is named by the ARN of an RDS instance "
            "(arn:aws:rds:REGION:ACCOUNT:db:NAME); take DBInstanceArn from DescribeDBInstances."
        )
    return Call(
        "CreateDBCluster",
        {
            **pruned(
                DBClusterIdentifier=checked(identifier, Kind.CLUSTER),
                Engine=AURORA_MYSQL,
                EngineVersion=engine_version,
                ReplicationSourceIdentifier=source_arn,
                DBClusterParameterGroupName=parameter_group,
                DBSubnetGroupName=subnet_group,
                VpcSecurityGroupIds=list(security_groups),
                Tags=as_api(tags or {}),
            ),
            **(options or {}),
        },
        subject=Subject(Kind.CLUSTER, identifier.lower()),
        engine=AURORA_MYSQL,
        origin=("ReplicationSourceIdentifier", source_arn),
        after=(Subject(Kind.INSTANCE, source_arn),),
        needs_backups=True,
    )


def create_cluster_instance(
    *,
    cluster: str,
    instance_class: str,
    identifier: str | None = None,
    engine: str = AURORA_MYSQL,
    parameter_group: str | None = None,
    tags: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Call:
    """CreateDBInstance: an instance of an Aurora cluster; the first one is its writer.

    :param identifier: the default is the cluster's with `-1`.
    """
    name = identifier or writer_instance(cluster)
    return Call(
        "CreateDBInstance",
        {
            **pruned(
                DBInstanceIdentifier=checked(name, Kind.INSTANCE),
                DBClusterIdentifier=checked(cluster, Kind.CLUSTER),
                DBInstanceClass=instance_class,
                Engine=engine,
                DBParameterGroupName=parameter_group,
                Tags=as_api(tags or {}),
            ),
            **(options or {}),
        },
        subject=Subject(Kind.INSTANCE, name.lower()),
        engine=engine,
        origin=("DBClusterIdentifier", cluster),
    )


# -- snapshots, restores, clones ---------------------------------------------------------------------


def snapshot_instance(*, identifier: str, snapshot: str, tags: Mapping[str, str] | None = None) -> Call:
    """CreateDBSnapshot."""
    return Call(
        "CreateDBSnapshot",
        pruned(
            DBInstanceIdentifier=identifier,
            DBSnapshotIdentifier=checked(snapshot, Kind.INSTANCE_SNAPSHOT),
            Tags=as_api(tags or {}),
        ),
        subject=Subject(Kind.INSTANCE_SNAPSHOT, snapshot.lower()),
        origin=("DBInstanceIdentifier", identifier),
        after=(Subject(Kind.INSTANCE, identifier),),
    )


def snapshot_cluster(*, identifier: str, snapshot: str, tags: Mapping[str, str] | None = None) -> Call:
    """CreateDBClusterSnapshot."""
    return Call(
        "CreateDBClusterSnapshot",
        pruned(
            DBClusterIdentifier=identifier,
            DBClusterSnapshotIdentifier=checked(snapshot, Kind.CLUSTER_SNAPSHOT),
            Tags=as_api(tags or {}),
        ),
        subject=Subject(Kind.CLUSTER_SNAPSHOT, snapshot.lower()),
        origin=("DBClusterIdentifier", identifier),
        after=(Subject(Kind.CLUSTER, identifier),),
    )


def _made_from(tags: Mapping[str, str] | None, source: str) -> list[dict[str, str]]:
    return as_api({**(tags or {}), TAG_MADE_FROM: identifier_of(source)})


def restore_instance(
    *,
    identifier: str,
    snapshot: str,
    instance_class: str | None = None,
    parameter_group: str | None = None,
    subnet_group: str | None = None,
    security_groups: Sequence[str] = (),
    multi_az: bool = False,
    backup_retention_days: int | None = None,
    tags: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Call:
    """RestoreDBInstanceFromDBSnapshot. RDS takes no snapshot of an Aurora cluster here.

    Give the parameter group: without it the restored instance has the engine's default one.

    :param backup_retention_days: the default is the snapshot's. Older botocore does not know it here;
        `modify_instance` does the same afterwards.
    """
    return Call(
        "RestoreDBInstanceFromDBSnapshot",
        {
            **pruned(
                DBInstanceIdentifier=checked(identifier, Kind.INSTANCE),
                DBSnapshotIdentifier=snapshot,
                DBInstanceClass=instance_class,
                DBParameterGroupName=parameter_group,
                DBSubnetGroupName=subnet_group,
                VpcSecurityGroupIds=list(security_groups),
                MultiAZ=multi_az,
                BackupRetentionPeriod=backup_retention_days,
                Tags=_made_from(tags, snapshot),
            ),
            **(options or {}),
        },
        subject=Subject(Kind.INSTANCE, identifier.lower()),
        origin=("Tag", identifier_of(snapshot)),
        after=(Subject(Kind.INSTANCE_SNAPSHOT, snapshot),),
    )


def restore_cluster(
    *,
    identifier: str,
    snapshot: str,
    engine_version: str | None = None,
    parameter_group: str | None = None,
    subnet_group: str | None = None,
    security_groups: Sequence[str] = (),
    tags: Mapping[str, str] | None = None,
    from_instance: bool | None = None,
    options: Mapping[str, Any] | None = None,
) -> Call:
    """RestoreDBClusterFromSnapshot: an Aurora cluster from a snapshot of a cluster, or of an RDS MySQL instance.

    It has no instance yet: `create_cluster_instance`. Give the parameter group: without it the cluster has the
    default one, which keeps no binlog.

    :param snapshot: identifier of a cluster's snapshot, or its ARN; of an instance's snapshot always the ARN.
    :param from_instance: whether it is an instance's snapshot; the default asks the ARN (`:snapshot:`).
    """
    of_instance = ":snapshot:" in snapshot if from_instance is None else from_instance
    kind = Kind.INSTANCE_SNAPSHOT if of_instance else Kind.CLUSTER_SNAPSHOT
    return Call(
        "RestoreDBClusterFromSnapshot",
        {
            **pruned(
                DBClusterIdentifier=checked(identifier, Kind.CLUSTER),
                SnapshotIdentifier=snapshot,
                Engine=AURORA_MYSQL,
                EngineVersion=engine_version,
                DBClusterParameterGroupName=parameter_group,
                DBSubnetGroupName=subnet_group,
                VpcSecurityGroupIds=list(security_groups),
                Tags=_made_from(tags, snapshot),
            ),
            **(options or {}),
        },
        subject=Subject(Kind.CLUSTER, identifier.lower()),
        engine=AURORA_MYSQL,
        origin=("Tag", identifier_of(snapshot)),
        after=(Subject(kind, snapshot),),
    )


def clone_cluster(
    *,
    identifier: str,
    source: str,
    parameter_group: str | None = None,
    subnet_group: str | None = None,
    security_groups: Sequence[str] = (),
    tags: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
) -> Call:
    """RestoreDBClusterToPointInTime, copy-on-write, to now: a clone that shares the source's pages.

    It has no instance yet: `create_cluster_instance`. Give the parameter group, as for `restore_cluster`.
    """
    return Call(
        "RestoreDBClusterToPointInTime",
        {
            **pruned(
                DBClusterIdentifier=checked(identifier, Kind.CLUSTER),
                SourceDBClusterIdentifier=source,
                RestoreType="copy-on-write",
                UseLatestRestorableTime=True,
                DBClusterParameterGroupName=parameter_group,
                DBSubnetGroupName=subnet_group,
                VpcSecurityGroupIds=list(security_groups),
                Tags=_made_from(tags, source),
            ),
            **(options or {}),
        },
        subject=Subject(Kind.CLUSTER, identifier.lower()),
        engine=AURORA_MYSQL,
        origin=("Tag", identifier_of(source)),
        after=(Subject(Kind.CLUSTER, source),),
    )
