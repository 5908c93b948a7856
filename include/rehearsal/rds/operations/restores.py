"""New instances and clusters from snapshots, and clones."""

from __future__ import annotations

from typing import Any

from rehearsal.rds import parameters as catalog
from rehearsal.rds.operations.clusters import created, new_cluster
from rehearsal.rds.operations.describe import cluster_view, instance_view
from rehearsal.rds.operations.engines import Engine, engine, same_line
from rehearsal.rds.operations.instances import finish, new_instance
from rehearsal.rds.operations.registry import Parameters, operation
from rehearsal.rds.operations.snapshots import find_cluster_snapshot, find_snapshot, image_of
from rehearsal.rds.store import Record
from rehearsal.rds.volumes import Image
from rehearsal.rds.wire import bad_combination, bad_value, fault
from rehearsal.rds.world import World, free_identifier

COPY_ON_WRITE_CLONES = 15


@operation
def restore_db_instance_from_db_snapshot(world: World, given: Parameters) -> dict[str, Any]:
    """RestoreDBInstanceFromDBSnapshot: an RDS instance, from a snapshot of an RDS instance."""
    name = free_identifier(world, given["DBInstanceIdentifier"], cluster=False)
    given_snapshot = given.get("DBSnapshotIdentifier") or given.get("DBClusterSnapshotIdentifier") or ""
    if ":cluster-snapshot:" in given_snapshot or given.get("DBClusterSnapshotIdentifier"):
        raise bad_value("An RDS instance cannot be restored from a snapshot of an Aurora cluster.")
    snapshot = find_snapshot(world, given_snapshot)
    _usable(snapshot)
    chosen = engine(given.get("Engine") or snapshot["Engine"], snapshot["EngineVersion"])
    if chosen.aurora:
        raise bad_combination("Restore a snapshot to Aurora with RestoreDBClusterFromSnapshot.")
    instance = new_instance(world, name, given, chosen.name, chosen.version)
    # A restored instance keeps backups of a day unless its request says otherwise.
    instance |= {
        "MasterUsername": snapshot["MasterUsername"],
        "BackupRetentionPeriod": int(
            given["BackupRetentionPeriod"] if "BackupRetentionPeriod" in given else snapshot["_retention"]
        ),
        "AllocatedStorage": given.get("AllocatedStorage", snapshot["AllocatedStorage"]),
    }
    image = image_of(snapshot)
    with world.store.changing() as state:
        state.instances[name] = instance
        volume = world.new_volume(name, image.version, chosen.flavour, image.master)

    def work() -> None:
        with world.taking(world.settings.restore):
            keep = world.settings.copied_channels
            world.volumes.restore(volume, image, keep_binlogs=False, keep_channel=keep)
            world.start(instance)
        world.instance_event(instance, "Restored from snapshot " + snapshot["DBSnapshotIdentifier"], "restoration")
        finish(world, instance)

    world.begin(work, instance)
    return {"DBInstance": instance_view(world, instance)}


def _usable(snapshot: Record) -> None:
    if snapshot["Status"] != "available":
        kind = "DBSnapshot" if "DBSnapshotIdentifier" in snapshot else "DBClusterSnapshot"
        raise fault(f"Invalid{kind}StateFault", f"The snapshot is in state {snapshot['Status']}, not available.")


@operation
def restore_db_cluster_from_snapshot(world: World, given: Parameters) -> dict[str, Any]:
    """RestoreDBClusterFromSnapshot: from a cluster's snapshot, or from an RDS instance's by its ARN."""
    name = free_identifier(world, given["DBClusterIdentifier"], cluster=True)
    identifier = given["SnapshotIdentifier"]
    from_instance = ":snapshot:" in identifier
    snapshot = (find_snapshot if from_instance else find_cluster_snapshot)(world, identifier)
    _usable(snapshot)
    version = given.get("EngineVersion") or (None if from_instance else snapshot["EngineVersion"])
    chosen = engine(given["Engine"], version)
    if not same_line(chosen.version, snapshot["EngineVersion"]):
        raise bad_combination(f"{chosen.version} cannot be restored from a snapshot of {snapshot['EngineVersion']}.")
    cluster = new_cluster(world, name, given, chosen)
    cluster["MasterUsername"] = snapshot["MasterUsername"]
    keep_binlogs = not from_instance and not snapshot["_enhanced"]
    _restore(world, cluster, chosen, lambda: image_of(snapshot), keep_binlogs=keep_binlogs, once=False)
    return {"DBCluster": cluster_view(world, cluster)}


@operation
def restore_db_cluster_to_point_in_time(world: World, given: Parameters) -> dict[str, Any]:
    """RestoreDBClusterToPointInTime with RestoreType copy-on-write: a clone as of now."""
    source = world.available_cluster(given.get("SourceDBClusterIdentifier") or "")
    name = free_identifier(world, given["DBClusterIdentifier"], cluster=True)
    if given.get("RestoreType") != "copy-on-write" or not given.get("UseLatestRestorableTime"):
        raise bad_combination("The rehearsal only clones: RestoreType copy-on-write with UseLatestRestorableTime.")
    chosen = engine(source["Engine"], source["EngineVersion"])
    cluster = new_cluster(world, name, given, chosen)
    origin = source.get("CloneGroupId", source["DbClusterResourceId"])
    cluster |= {"MasterUsername": source["MasterUsername"], "CloneGroupId": origin}
    volume = world.volume(source)
    enhanced = catalog.enhanced(world.parameter_values(source))
    with world.store.changing():
        source["CloneGroupId"] = origin
    with world.busy(volume):
        image = world.volumes.image(volume, world.folder / ".copies" / name / "data")
    _restore(world, cluster, chosen, lambda: image, keep_binlogs=not enhanced, once=True)
    return {"DBCluster": cluster_view(world, cluster)}


def _restore(world: World, cluster: Record, chosen: Engine, image_for: Any, *, keep_binlogs: bool, once: bool) -> None:
    name = cluster["DBClusterIdentifier"]
    image: Image = image_for()
    with world.store.changing() as state:
        state.clusters[name] = cluster
        volume = world.new_volume(name, image.version, chosen.flavour, image.master)

    def work() -> None:
        with world.taking(world.settings.restore):
            keep = world.settings.copied_channels
            kept = keep_binlogs and image.has_binlog
            end = world.volumes.restore(volume, image, keep_binlogs=kept, keep_channel=keep)
            if once:
                world.drop_image(image)
            with world.store.changing():
                cluster["_recovered"] = f"{end.file} {end.position}" if end and image.has_binlog else None
        created(world, cluster)

    world.begin(work, cluster)
