"""Replicas that the service manages: made and promoted."""

from __future__ import annotations

import time
from typing import Any

from rehearsal.rds.operations.describe import cluster_view, instance_view
from rehearsal.rds.operations.engines import engine
from rehearsal.rds.operations.instances import finish, new_instance
from rehearsal.rds.operations.registry import Parameters, operation
from rehearsal.rds.store import Record
from rehearsal.rds.wire import bad_combination, fault
from rehearsal.rds.world import World, free_identifier

# No server starts faster, so none answers before the promotion has lasted as long as it shall.
START_SECONDS = 0.5


@operation
def create_db_instance_read_replica(world: World, given: Parameters) -> dict[str, Any]:
    """CreateDBInstanceReadReplica: an RDS instance that replicates from another."""
    name = free_identifier(world, given["DBInstanceIdentifier"], cluster=False)
    source = world.available_instance(given.get("SourceDBInstanceIdentifier") or "", "source instance")
    if "DBClusterIdentifier" in source:
        raise bad_combination("A member of a cluster cannot be the source of an RDS read replica.")
    if int(source.get("BackupRetentionPeriod", 0)) == 0:
        raise fault(
            "InvalidDBInstanceStateFault",
            f"Automated backups are not enabled for source instance {source['DBInstanceIdentifier']}.",
        )
    chosen = engine(source["Engine"], source["EngineVersion"])
    inherited: Record = {
        key: source[key] for key in ("DBInstanceClass", "AllocatedStorage", "StorageType") if key in source
    }
    group = {"DBParameterGroupName": source["DBParameterGroups"][0]["DBParameterGroupName"]}
    instance = new_instance(world, name, {**inherited, **group, **given}, chosen.name, chosen.version)
    origin = world.volume(source)
    instance |= {
        "MasterUsername": source["MasterUsername"],
        "BackupRetentionPeriod": int(given.get("BackupRetentionPeriod", 0)),
        "ReadReplicaSourceDBInstanceIdentifier": source["DBInstanceIdentifier"],
    }
    with world.store.changing() as state:
        state.instances[name] = instance
        volume = world.new_volume(name, chosen.build, chosen.flavour, origin.master)
        volume.source = origin.name

    def work() -> None:
        with world.taking(world.settings.create):
            with world.busy(origin):
                image = world.volumes.image(origin, world.folder / ".copies" / name / "data")
            end = world.volumes.restore(volume, image, keep_binlogs=False, keep_channel=False)
            world.drop_image(image)
            with world.store.changing():
                instance["_replicate_from"] = {"file": end.file, "position": end.position} if end else {}
            world.first_start(instance)
        finish(world, instance)

    world.begin(work, instance)
    return {"DBInstance": instance_view(world, instance)}


def _promote(world: World, owner: Record, accepted: float) -> None:
    """End the replication and restart the server; it answers again when the promotion has lasted its time."""
    name = owner.get("DBClusterIdentifier") or owner["DBInstanceIdentifier"]
    volume = world.volume(owner)
    seconds = world.settings.promote
    # Reads and writes go on until the restart.
    world.ending.wait(min(1.0, seconds / 5))
    with world.busy(volume):
        world.volumes.release(volume)
        with world.store.changing():
            volume.source = None
        world.stop(owner)
        world.ending.wait(max(0.0, accepted + seconds - START_SECONDS - time.time()))
        world.start(owner)
    answers = time.time()
    world.store.log(
        "promotion", identifier=name, accepted=accepted, answers=answers, seconds=round(answers - accepted, 3)
    )


@operation
def promote_read_replica_db_cluster(world: World, given: Parameters) -> dict[str, Any]:
    """PromoteReadReplicaDBCluster: the cluster stands alone afterwards; its writer restarts."""
    cluster = world.available_cluster(given["DBClusterIdentifier"])
    if not cluster.get("ReplicationSourceIdentifier"):
        raise fault(
            "InvalidDBClusterStateFault", f"DBCluster {cluster['DBClusterIdentifier']} is not a read replica cluster."
        )
    members = world.members(cluster)
    if not members or any(each["DBInstanceStatus"] != "available" for each in members):
        raise fault("InvalidDBClusterStateFault", "All instances of the cluster must be available.")
    accepted = time.time()
    world.status(cluster, "promoting")

    def work() -> None:
        for each in members:
            world.status(each, "rebooting")
        _promote(world, cluster, accepted)
        with world.store.changing():
            cluster.pop("ReplicationSourceIdentifier")
        for each in members:
            world.restarted(each)
            world.status(each, "available")
        world.cluster_event(cluster, "Promoted Read Replica cluster to a stand-alone database cluster")
        world.status(cluster, "available")

    world.begin(work, cluster)
    return {"DBCluster": cluster_view(world, cluster)}


@operation
def promote_read_replica(world: World, given: Parameters) -> dict[str, Any]:
    """PromoteReadReplica: the instance stands alone afterwards, with backups of a day unless asked otherwise."""
    instance = world.available_instance(given["DBInstanceIdentifier"])
    if not instance.get("ReadReplicaSourceDBInstanceIdentifier"):
        raise fault(
            "InvalidDBInstanceStateFault", f"DB Instance {instance['DBInstanceIdentifier']} is not a read replica."
        )
    accepted = time.time()
    world.status(instance, "modifying")

    def work() -> None:
        world.status(instance, "rebooting")
        with world.store.changing():
            instance["BackupRetentionPeriod"] = int(given.get("BackupRetentionPeriod", 1))
        _promote(world, instance, accepted)
        with world.store.changing():
            instance.pop("ReadReplicaSourceDBInstanceIdentifier")
        world.instance_event(
            instance, "Promoted Read Replica instance to a stand-alone database instance", "read replica"
        )
        finish(world, instance)

    world.begin(work, instance)
    return {"DBInstance": instance_view(world, instance)}
