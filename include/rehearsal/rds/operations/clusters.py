"""Aurora clusters: made, changed, failed over, deleted."""

from __future__ import annotations

import time
from typing import Any

from rehearsal.rds.operations.describe import cluster_view
from rehearsal.rds.operations.engines import Engine, engine, same_line
from rehearsal.rds.operations.groups import choose
from rehearsal.rds.operations.registry import Parameters, operation
from rehearsal.rds.operations.snapshots import snapshot_cluster
from rehearsal.rds.store import Record, arn, identifier_of
from rehearsal.rds.wire import bad_combination, bad_value, fault
from rehearsal.rds.world import World, free_identifier, protect

PLAIN = (
    "DatabaseName",
    "KmsKeyId",
    "StorageEncrypted",
    "DeletionProtection",
    "CopyTagsToSnapshot",
    "PreferredBackupWindow",
    "PreferredMaintenanceWindow",
    "BacktrackWindow",
    "StorageType",
)


def new_cluster(world: World, name: str, given: Parameters, chosen: Engine) -> Record:
    """The record of a new cluster, not stored yet."""
    if not chosen.aurora:
        raise bad_combination(f"The rehearsal has no Multi-AZ DB clusters of engine {chosen.name}.")
    group = choose(world, given.get("DBClusterParameterGroupName"), chosen.name, chosen.version, cluster=True)
    defaults: Record = {
        "StorageEncrypted": False,
        "DeletionProtection": False,
        "CopyTagsToSnapshot": False,
        "BackupRetentionPeriod": int(given.get("BackupRetentionPeriod", 1)),
    }
    return {
        **defaults,
        **{key: given[key] for key in PLAIN if key in given},
        "DBClusterIdentifier": name,
        "DBClusterArn": arn("cluster", name),
        "DbClusterResourceId": f"cluster-{name.upper()}",
        "Status": "creating",
        "Engine": chosen.name,
        "EngineVersion": chosen.version,
        "EngineMode": "provisioned",
        "DBClusterParameterGroup": group,
        "VpcSecurityGroups": [
            {"VpcSecurityGroupId": each, "Status": "active"} for each in given.get("VpcSecurityGroupIds", [])
        ],
        "TagList": given.get("Tags", []),
        "ClusterCreateTime": time.time(),
    }


@operation
def create_db_cluster(world: World, given: Parameters) -> dict[str, Any]:
    """CreateDBCluster: empty, or a replica of an RDS instance."""
    name = free_identifier(world, given["DBClusterIdentifier"], cluster=True)
    chosen = engine(given["Engine"], given.get("EngineVersion"))
    cluster = new_cluster(world, name, given, chosen)
    source = given.get("ReplicationSourceIdentifier")
    if source:
        _replica(world, cluster, given, chosen, source)
    else:
        _empty(world, cluster, given, chosen)
    return {"DBCluster": cluster_view(world, cluster)}


def _empty(world: World, cluster: Record, given: Parameters, chosen: Engine) -> None:
    for required in ("MasterUsername", "MasterUserPassword"):
        if not given.get(required):
            raise bad_value(f"The parameter {required} must be provided and must not be blank.")
    cluster["MasterUsername"] = given["MasterUsername"]
    with world.store.changing() as state:
        state.clusters[cluster["DBClusterIdentifier"]] = cluster
        name = cluster["DBClusterIdentifier"]
        volume = world.new_volume(name, chosen.build, chosen.flavour, cluster["MasterUsername"])

    def work() -> None:
        with world.taking(world.settings.create):
            world.volumes.create(volume, given["MasterUserPassword"])
        created(world, cluster)

    world.begin(work, cluster)


def created(world: World, cluster: Record) -> None:
    """The last steps of a new cluster."""
    world.cluster_event(cluster, "DB cluster created", "creation")
    world.status(cluster, "available")


def _replica(world: World, cluster: Record, given: Parameters, chosen: Engine, source_arn: str) -> None:
    """An Aurora replica of an RDS instance (Aurora User Guide, migrating with an Aurora read replica)."""
    if any(given.get(key) for key in ("MasterUsername", "MasterUserPassword", "DatabaseName")):
        raise bad_combination(
            "You can't specify a master user, a password or a database name when you create a read replica cluster."
        )
    source = _source(world, source_arn, chosen)
    name = cluster["DBClusterIdentifier"]
    cluster |= {"MasterUsername": source["MasterUsername"], "ReplicationSourceIdentifier": source["DBInstanceArn"]}
    origin = world.volume(source)
    with world.store.changing() as state:
        state.clusters[name] = cluster
        volume = world.new_volume(name, chosen.build, chosen.flavour, origin.master)
        volume.source = origin.name

    def work() -> None:
        with world.taking(world.settings.create):
            with world.busy(origin):
                image = world.volumes.image(origin, world.folder / ".copies" / name / "data")
            end = world.volumes.restore(volume, image, keep_binlogs=False, keep_channel=False)
            world.drop_image(image)
            with world.store.changing():
                cluster["_replicate_from"] = {"file": end.file, "position": end.position} if end else {}
        created(world, cluster)

    world.begin(work, cluster)


def _source(world: World, source_arn: str, chosen: Engine) -> Record:
    if ":cluster:" in source_arn:
        raise bad_value("The rehearsal replicates clusters only from RDS instances.")
    source = world.available_instance(source_arn, "source instance")
    if "DBClusterIdentifier" in source:
        raise bad_value("The source of an Aurora read replica must be an RDS for MySQL instance.")
    if int(source.get("BackupRetentionPeriod", 0)) == 0:
        raise fault(
            "InvalidDBInstanceStateFault",
            f"Automated backups are not enabled for source instance {source['DBInstanceIdentifier']}.",
        )
    taken = any(
        each.get("ReplicationSourceIdentifier") == source["DBInstanceArn"] for each in world.state.clusters.values()
    )
    if taken:
        raise fault(
            "InvalidDBInstanceStateFault", "The source instance already has an Aurora read replica; it can have one."
        )
    if not same_line(chosen.version, source["EngineVersion"]):
        raise bad_combination(f"{chosen.version} cannot replicate from MySQL {source['EngineVersion']}.")
    return source


@operation
def describe_db_clusters(world: World, given: Parameters) -> dict[str, Any]:
    """DescribeDBClusters."""
    name = given.get("DBClusterIdentifier")
    found = [world.cluster(name)] if name else list(world.state.clusters.values())
    for each in given.get("Filters", []):
        values = {identifier_of(value) for value in each["Values"]}
        if each["Name"] != "db-cluster-id":
            raise bad_value(f"Unrecognized filter name: {each['Name']}")
        found = [cluster for cluster in found if cluster["DBClusterIdentifier"] in values]
    return {"DBClusters": [cluster_view(world, each) for each in found]}


@operation
def modify_db_cluster(world: World, given: Parameters) -> dict[str, Any]:
    """ModifyDBCluster."""
    cluster = world.available_cluster(given["DBClusterIdentifier"])
    if given.get("EngineVersion") and not same_line(given["EngineVersion"], cluster["EngineVersion"]):
        raise bad_combination("The rehearsal does not upgrade between generations of MySQL.")
    if "BackupRetentionPeriod" in given and not 1 <= int(given["BackupRetentionPeriod"]) <= 35:
        raise bad_value("Invalid backup retention period. Must be between 1 and 35.")
    with world.store.changing():
        for key in ("DeletionProtection", "CopyTagsToSnapshot", "PreferredBackupWindow", "BackupRetentionPeriod"):
            if key in given:
                cluster[key] = given[key]
        if given.get("DBClusterParameterGroupName"):
            group = choose(
                world, given["DBClusterParameterGroupName"], cluster["Engine"], cluster["EngineVersion"], cluster=True
            )
            cluster["DBClusterParameterGroup"] = group
            for each in world.members(cluster):
                each["_cluster_group_status"] = "pending-reboot"
    if given.get("MasterUserPassword"):
        world.volumes.set_password(world.volume(cluster), given["MasterUserPassword"])
    return {"DBCluster": cluster_view(world, cluster)}


@operation
def failover_db_cluster(world: World, given: Parameters) -> dict[str, Any]:
    """FailoverDBCluster: the storage stays, another instance becomes its writer; the server restarts."""
    cluster = world.available_cluster(given["DBClusterIdentifier"])
    readers = [each for each in world.members(cluster) if not each["_writer"]]
    target = given.get("TargetDBInstanceIdentifier")
    chosen = [each for each in readers if target in (None, each["DBInstanceIdentifier"])]
    if not chosen:
        raise fault("InvalidDBClusterStateFault", "Cannot fail over: the cluster has no other available instance.")
    heir = min(chosen, key=lambda each: each.get("PromotionTier", 1))
    world.status(cluster, "failing-over")

    def work() -> None:
        with world.taking(world.settings.failover):
            world.cluster_event(
                cluster, f"Started cross AZ failover to DB instance: {heir['DBInstanceIdentifier']}", "failover"
            )
            with world.store.changing():
                for each in world.members(cluster):
                    each["_writer"] = each is heir
            world.restart(cluster)
        world.cluster_event(cluster, f"Completed failover to DB instance: {heir['DBInstanceIdentifier']}", "failover")
        world.status(cluster, "available")

    world.begin(work, cluster)
    return {"DBCluster": cluster_view(world, cluster)}


@operation
def delete_db_cluster(world: World, given: Parameters) -> dict[str, Any]:
    """DeleteDBCluster, with a final snapshot unless it is to be skipped."""
    cluster = world.cluster(given["DBClusterIdentifier"])
    protect(cluster, "Cluster")
    name = cluster["DBClusterIdentifier"]
    if any(each["DBInstanceStatus"] != "deleting" for each in world.members(cluster)):
        raise fault(
            "InvalidDBClusterStateFault",
            "Cluster cannot be deleted, it still contains DB instances in non-deleting state.",
        )
    if cluster["Status"] not in ("available", "failed", "stopped"):
        raise fault("InvalidDBClusterStateFault", f"Cluster {name} is in state {cluster['Status']}, not deletable.")
    final = given.get("FinalDBSnapshotIdentifier")
    if not given.get("SkipFinalSnapshot") and not final:
        raise bad_combination("FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.")
    if final:
        snapshot_cluster(world, cluster, final, [])
    world.status(cluster, "deleting")

    def work() -> None:
        with world.taking(world.settings.delete):
            while world.members(cluster) and not world.ending.wait(0.05):
                pass
            world.remove_volume(cluster)
        world.cluster_event(cluster, "DB cluster deleted", "deletion")
        with world.store.changing() as state:
            state.clusters.pop(name, None)
        world.store.log("state", resource="cluster", identifier=name, status="deleted")

    world.begin(work, cluster)
    return {"DBCluster": cluster_view(world, cluster)}


@operation
def start_db_cluster(world: World, given: Parameters) -> dict[str, Any]:
    """StartDBCluster."""
    cluster = world.cluster(given["DBClusterIdentifier"])
    if cluster["Status"] != "stopped":
        raise fault("InvalidDBClusterStateFault", f"DBCluster {cluster['DBClusterIdentifier']} is not stopped.")
    return _switch(world, cluster, on=True)


@operation
def stop_db_cluster(world: World, given: Parameters) -> dict[str, Any]:
    """StopDBCluster."""
    return _switch(world, world.available_cluster(given["DBClusterIdentifier"]), on=False)


def _switch(world: World, cluster: Record, *, on: bool) -> dict[str, Any]:
    members = world.members(cluster)
    for each in (cluster, *members):
        world.status(each, "starting" if on else "stopping")

    def work() -> None:
        with world.taking(world.settings.modify):
            (world.start if on else world.stop)(cluster)
        for each in (*members, cluster):
            world.status(each, "available" if on else "stopped")

    world.begin(work, cluster)
    return {"DBCluster": cluster_view(world, cluster)}
