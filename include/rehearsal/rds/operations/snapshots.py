"""Snapshots of instances and of clusters."""

from __future__ import annotations

import shutil
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rehearsal.rds import parameters as catalog
from rehearsal.rds.operations.registry import Parameters, operation
from rehearsal.rds.store import Record, arn, identifier_of
from rehearsal.rds.volumes import Image
from rehearsal.rds.wire import fault
from rehearsal.rds.world import World


def image_of(snapshot: Record) -> Image:
    """The copied data of a snapshot."""
    kept = snapshot["_image"]
    return Image(**{**kept, "data": Path(kept["data"])})


def snapshot_instance(world: World, instance: Record, identifier: str, tags: list[Record]) -> Record:
    """Take a snapshot of an instance; the data is that of this moment, the snapshot is available later.

    :raises ApiError: the identifier is taken.
    """
    name = identifier.lower()
    if name in world.state.snapshots:
        raise fault("DBSnapshotAlreadyExistsFault", f"Cannot create the snapshot: {name} already exists.")
    snapshot: Record = {
        "DBSnapshotIdentifier": name,
        "DBSnapshotArn": arn("snapshot", name),
        "DBInstanceIdentifier": instance["DBInstanceIdentifier"],
        "Status": "creating",
        "SnapshotType": "manual",
        "SnapshotCreateTime": time.time(),
        **{key: instance.get(key) for key in ("Engine", "EngineVersion", "MasterUsername", "AllocatedStorage")},
        "Encrypted": instance["StorageEncrypted"],
        "PercentProgress": 0,
        "TagList": tags,
        "_retention": instance["BackupRetentionPeriod"],
    }
    _take(world, instance, snapshot, cluster=False)
    return snapshot


def snapshot_cluster(world: World, cluster: Record, identifier: str, tags: list[Record]) -> Record:
    """Take a snapshot of a cluster; the data is that of this moment, the snapshot is available later.

    :raises ApiError: the identifier is taken.
    """
    name = identifier.lower()
    if name in world.state.cluster_snapshots:
        raise fault(
            "DBClusterSnapshotAlreadyExistsFault", f"Cannot create the cluster snapshot: {name} already exists."
        )
    snapshot: Record = {
        "DBClusterSnapshotIdentifier": name,
        "DBClusterSnapshotArn": arn("cluster-snapshot", name),
        "DBClusterIdentifier": cluster["DBClusterIdentifier"],
        "Status": "creating",
        "SnapshotType": "manual",
        "SnapshotCreateTime": time.time(),
        **{key: cluster.get(key) for key in ("Engine", "EngineVersion", "MasterUsername", "StorageEncrypted")},
        "PercentProgress": 0,
        "TagList": tags,
        "_enhanced": catalog.enhanced(world.parameter_values(cluster)),
    }
    _take(world, cluster, snapshot, cluster=True)
    return snapshot


def _take(world: World, owner: Record, snapshot: Record, *, cluster: bool) -> None:
    kind = "DBClusterSnapshot" if cluster else "DBSnapshot"
    name = snapshot[f"{kind}Identifier"]
    volume = world.volume(owner)
    with world.busy(volume):
        image = world.volumes.image(volume, world.folder / ".snapshots" / f"{kind}-{name}" / "data")
    with world.store.changing() as state:
        snapshot["_image"] = {**asdict(image), "data": str(image.data)}
        (state.cluster_snapshots if cluster else state.snapshots)[name] = snapshot
    world.store.log("state", resource=kind, identifier=name, status="creating")
    if not cluster and owner["DBInstanceStatus"] == "available":
        world.status(owner, "backing-up")

    def work() -> None:
        with world.taking(world.settings.snapshot):
            pass
        with world.store.changing():
            snapshot.update(Status="available", PercentProgress=100)
        world.store.log("state", resource=kind, identifier=name, status="available")
        if cluster:
            world.cluster_event(owner, "Manual cluster snapshot created", "backup")
        else:
            world.instance_event(owner, "Manual snapshot created", "backup")
            if owner["DBInstanceStatus"] == "backing-up":
                world.status(owner, "available")

    world.begin(work)


@operation
def create_db_snapshot(world: World, given: Parameters) -> dict[str, Any]:
    """CreateDBSnapshot."""
    instance = world.available_instance(given["DBInstanceIdentifier"])
    if "DBClusterIdentifier" in instance:
        raise fault(
            "InvalidDBInstanceStateFault", "A member of a cluster has no snapshots: use CreateDBClusterSnapshot."
        )
    return {"DBSnapshot": snapshot_instance(world, instance, given["DBSnapshotIdentifier"], given.get("Tags", []))}


@operation
def create_db_cluster_snapshot(world: World, given: Parameters) -> dict[str, Any]:
    """CreateDBClusterSnapshot."""
    cluster = world.available_cluster(given["DBClusterIdentifier"])
    name = given["DBClusterSnapshotIdentifier"]
    return {"DBClusterSnapshot": snapshot_cluster(world, cluster, name, given.get("Tags", []))}


def find_snapshot(world: World, name: str) -> Record:
    """A snapshot of an instance by identifier or ARN.

    :raises ApiError: DBSnapshotNotFound.
    """
    found = world.state.snapshots.get(identifier_of(name).lower())
    if found is None:
        raise fault("DBSnapshotNotFoundFault", f"DBSnapshot {identifier_of(name)} not found.")
    return found


def find_cluster_snapshot(world: World, name: str) -> Record:
    """A snapshot of a cluster by identifier or ARN.

    :raises ApiError: DBClusterSnapshotNotFoundFault.
    """
    found = world.state.cluster_snapshots.get(identifier_of(name).lower())
    if found is None:
        raise fault("DBClusterSnapshotNotFoundFault", f"DBClusterSnapshot {identifier_of(name)} not found.")
    return found


@operation
def describe_db_snapshots(world: World, given: Parameters) -> dict[str, Any]:
    """DescribeDBSnapshots."""
    name, source = given.get("DBSnapshotIdentifier"), given.get("DBInstanceIdentifier")
    found = [find_snapshot(world, name)] if name else list(world.state.snapshots.values())
    return {"DBSnapshots": [each for each in found if source in (None, each["DBInstanceIdentifier"])]}


@operation
def describe_db_cluster_snapshots(world: World, given: Parameters) -> dict[str, Any]:
    """DescribeDBClusterSnapshots."""
    name, source = given.get("DBClusterSnapshotIdentifier"), given.get("DBClusterIdentifier")
    found = [find_cluster_snapshot(world, name)] if name else list(world.state.cluster_snapshots.values())
    return {"DBClusterSnapshots": [each for each in found if source in (None, each["DBClusterIdentifier"])]}


@operation
def delete_db_snapshot(world: World, given: Parameters) -> dict[str, Any]:
    """DeleteDBSnapshot."""
    snapshot = find_snapshot(world, given["DBSnapshotIdentifier"])
    if snapshot["Status"] != "available":
        raise fault("InvalidDBSnapshotStateFault", f"The snapshot is in state {snapshot['Status']}.")
    with world.store.changing() as state:
        del state.snapshots[snapshot["DBSnapshotIdentifier"]]
    shutil.rmtree(image_of(snapshot).data.parent, ignore_errors=True)
    return {"DBSnapshot": {**snapshot, "Status": "deleted"}}


@operation
def delete_db_cluster_snapshot(world: World, given: Parameters) -> dict[str, Any]:
    """DeleteDBClusterSnapshot."""
    snapshot = find_cluster_snapshot(world, given["DBClusterSnapshotIdentifier"])
    if snapshot["Status"] != "available":
        raise fault("InvalidDBClusterSnapshotStateFault", f"The snapshot is in state {snapshot['Status']}.")
    with world.store.changing() as state:
        del state.cluster_snapshots[snapshot["DBClusterSnapshotIdentifier"]]
    shutil.rmtree(image_of(snapshot).data.parent, ignore_errors=True)
    return {"DBClusterSnapshot": {**snapshot, "Status": "deleted"}}
