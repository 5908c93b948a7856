"""What the service says of a resource: the stored record and what follows from the present state."""

from __future__ import annotations

import time

from rehearsal.ports import LOOPBACK
from rehearsal.rds.store import Record
from rehearsal.rds.world import World

NO_ENDPOINT = ("creating", "failed")


def instance_view(world: World, instance: Record) -> Record:
    """An instance as DescribeDBInstances shows it."""
    name = instance["DBInstanceIdentifier"]
    source = instance.get("ReadReplicaSourceDBInstanceIdentifier")
    view = {
        **instance,
        "ReadReplicaDBInstanceIdentifiers": [
            each["DBInstanceIdentifier"]
            for each in world.state.instances.values()
            if each.get("ReadReplicaSourceDBInstanceIdentifier") == name
        ],
        "ReadReplicaDBClusterIdentifiers": [
            each["DBClusterIdentifier"]
            for each in world.state.clusters.values()
            if each.get("ReplicationSourceIdentifier") == instance["DBInstanceArn"]
        ],
        "StatusInfos": _replication(world, instance) if source else [],
    }
    if instance["_endpoint"]:
        view["Endpoint"] = world.endpoint(instance)
    if int(instance.get("BackupRetentionPeriod", 0)) > 0 and instance["DBInstanceStatus"] == "available":
        view["LatestRestorableTime"] = time.time() - 60
    return view


def _replication(world: World, instance: Record) -> list[Record]:
    try:
        rows = world.volumes.server(world.volume(instance)).rows("SHOW REPLICA STATUS")
    except Exception:
        rows = []
    return [channel_info(rows[0] if rows else {})]


def channel_info(row: Record) -> Record:
    """The state of a replica's channel (API reference, DBInstanceStatusInfo).

    :param row: of SHOW REPLICA STATUS; empty without a channel.
    """
    threads = {row.get("Replica_IO_Running"), row.get("Replica_SQL_Running")}
    trouble = row.get("Last_SQL_Error") or row.get("Last_IO_Error")
    if not row:
        status = "terminated"
    elif threads == {"Yes"}:
        status = "replicating"
    elif trouble:
        status = "error"
    else:  # A thread that connects has been started, and nothing has gone wrong so far.
        status = "stopped" if "No" in threads else "replicating"
    info: Record = {"StatusType": "read replication", "Normal": status == "replicating", "Status": status}
    return {**info, "Message": trouble} if trouble else info


def cluster_view(world: World, cluster: Record) -> Record:
    """A cluster as DescribeDBClusters shows it."""
    members = world.members(cluster)
    port = world.port(cluster)
    view = {
        **cluster,
        "Port": port,
        "DBClusterMembers": [
            {
                "DBInstanceIdentifier": each["DBInstanceIdentifier"],
                "IsClusterWriter": each["_writer"],
                "DBClusterParameterGroupStatus": each["_cluster_group_status"],
                "PromotionTier": each.get("PromotionTier", 1),
            }
            for each in members
        ],
        "MultiAZ": len(members) > 1,
        # One process holds the storage: readers are reached through it.
        "Endpoint": LOOPBACK,
        "ReaderEndpoint": LOOPBACK,
    }
    if cluster["Status"] == "available":
        view["LatestRestorableTime"] = time.time() - 60
        view["EarliestRestorableTime"] = cluster["ClusterCreateTime"]
    return view
