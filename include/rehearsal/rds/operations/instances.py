"""Instances: made, changed, restarted, deleted."""

from __future__ import annotations

import time
from typing import Any

from rehearsal.rds.operations.describe import instance_view
from rehearsal.rds.operations.engines import engine, same_line
from rehearsal.rds.operations.groups import choose
from rehearsal.rds.operations.registry import Parameters, operation
from rehearsal.rds.operations.snapshots import snapshot_instance
from rehearsal.rds.store import REGION, Record, arn, identifier_of
from rehearsal.rds.wire import bad_combination, bad_value, fault
from rehearsal.rds.world import World, free_identifier, protect

# Copied from a request into the record as they are.
PLAIN = (
    "DBInstanceClass",
    "AllocatedStorage",
    "StorageType",
    "Iops",
    "StorageEncrypted",
    "KmsKeyId",
    "PubliclyAccessible",
    "AutoMinorVersionUpgrade",
    "CopyTagsToSnapshot",
    "DeletionProtection",
    "MultiAZ",
    "PromotionTier",
    "CACertificateIdentifier",
    "MonitoringInterval",
    "PreferredMaintenanceWindow",
    "PreferredBackupWindow",
    "AvailabilityZone",
    "LicenseModel",
)
LONGEST_RETENTION_DAYS = 35


def new_instance(world: World, name: str, given: Parameters, engine_name: str, version: str) -> Record:
    """The record of a new instance, not stored yet."""
    group = choose(world, given.get("DBParameterGroupName"), engine_name, version, cluster=False)
    defaults: Record = {
        "StorageType": "gp3",
        "StorageEncrypted": False,
        "MultiAZ": False,
        "DeletionProtection": False,
        "AvailabilityZone": f"{REGION}a",
        "AllocatedStorage": 20,
        "PubliclyAccessible": False,
        "AutoMinorVersionUpgrade": True,
        "CopyTagsToSnapshot": False,
        "LicenseModel": "general-public-license",
    }
    return {
        **defaults,
        **{key: given[key] for key in PLAIN if key in given},
        "DBInstanceIdentifier": name,
        "DBInstanceArn": arn("db", name),
        "DbiResourceId": f"db-{name.upper()}",
        "DBInstanceStatus": "creating",
        "Engine": engine_name,
        "EngineVersion": version,
        "DBParameterGroups": [{"DBParameterGroupName": group, "ParameterApplyStatus": "in-sync"}],
        "VpcSecurityGroups": [
            {"VpcSecurityGroupId": each, "Status": "active"} for each in given.get("VpcSecurityGroupIds", [])
        ],
        "PendingModifiedValues": {},
        "TagList": given.get("Tags", []),
        "InstanceCreateTime": time.time(),
        "_writer": False,
        "_endpoint": False,
        "_cluster_group_status": "in-sync",
    }


def finish(world: World, instance: Record) -> None:
    """The last steps of a new instance: its first backup, then it is available."""
    with world.store.changing():
        instance["_endpoint"] = True
    world.instance_event(instance, "DB instance created", "creation")
    if int(instance.get("BackupRetentionPeriod", 0)) > 0 and "DBClusterIdentifier" not in instance:
        world.status(instance, "backing-up")
        world.instance_event(instance, "Backing up DB instance", "backup")
        with world.taking(world.settings.backup):
            pass
        world.instance_event(instance, "Finished DB Instance backup", "backup")
    world.status(instance, "available")


@operation
def create_db_instance(world: World, given: Parameters) -> dict[str, Any]:
    """CreateDBInstance: of its own, or a member of a cluster."""
    name = free_identifier(world, given["DBInstanceIdentifier"], cluster=False)
    if given.get("DBClusterIdentifier"):
        return {"DBInstance": _create_member(world, name, given)}
    chosen = engine(given["Engine"], given.get("EngineVersion"))
    if chosen.aurora:
        raise bad_combination("An Aurora DB instance needs a DBClusterIdentifier.")
    for required in ("MasterUsername", "MasterUserPassword"):
        if not given.get(required):
            raise bad_value(f"The parameter {required} must be provided and must not be blank.")
    instance = new_instance(world, name, given, chosen.name, chosen.version)
    instance["MasterUsername"] = given["MasterUsername"]
    instance["BackupRetentionPeriod"] = int(given.get("BackupRetentionPeriod", 1))
    with world.store.changing() as state:
        state.instances[name] = instance
        volume = world.new_volume(name, chosen.build, chosen.flavour, given["MasterUsername"])

    def work() -> None:
        with world.taking(world.settings.create):
            world.volumes.create(volume, given["MasterUserPassword"])
            world.start(instance)
        finish(world, instance)

    world.begin(work, instance)
    return {"DBInstance": instance_view(world, instance)}


def _create_member(world: World, name: str, given: Parameters) -> Record:
    cluster = world.cluster(given["DBClusterIdentifier"])
    if not given["Engine"].startswith("aurora-mysql"):
        raise bad_combination("The engine name requested for your DB instance doesn't match that of your DB cluster.")
    if cluster["Status"] in ("deleting", "failed"):
        raise fault("InvalidDBClusterStateFault", f"DBCluster {cluster['DBClusterIdentifier']} is {cluster['Status']}.")
    instance = new_instance(world, name, given, cluster["Engine"], cluster["EngineVersion"])
    instance |= {
        "DBClusterIdentifier": cluster["DBClusterIdentifier"],
        "MasterUsername": cluster["MasterUsername"],
        "BackupRetentionPeriod": cluster["BackupRetentionPeriod"],
        "StorageType": "aurora",
        "_writer": not world.members(cluster),
    }
    with world.store.changing() as state:
        state.instances[name] = instance

    def work() -> None:
        while cluster["Status"] == "creating":
            if world.ending.wait(0.05):
                return
        if cluster["Status"] == "failed":
            raise RuntimeError(f"the cluster {cluster['DBClusterIdentifier']} has failed")
        with world.taking(world.settings.create):
            if instance["_writer"]:
                world.first_start(cluster)
        finish(world, instance)
        position = cluster.get("_recovered")
        if instance["_writer"] and position:
            world.recovered(instance, position)

    world.begin(work, instance)
    return instance_view(world, instance)


@operation
def describe_db_instances(world: World, given: Parameters) -> dict[str, Any]:
    """DescribeDBInstances."""
    name = given.get("DBInstanceIdentifier")
    found = [world.instance(name)] if name else list(world.state.instances.values())
    for each in given.get("Filters", []):
        values = {identifier_of(value) for value in each["Values"]}
        key = {
            "db-cluster-id": "DBClusterIdentifier",
            "db-instance-id": "DBInstanceIdentifier",
            "engine": "Engine",
        }.get(each["Name"])
        if key is None:
            raise bad_value(f"Unrecognized filter name: {each['Name']}")
        found = [instance for instance in found if instance.get(key) in values]
    return {"DBInstances": [instance_view(world, each) for each in found]}


@operation
def modify_db_instance(world: World, given: Parameters) -> dict[str, Any]:
    """ModifyDBInstance; what needs a restart is done when ApplyImmediately says so, else it stays pending."""
    instance = world.available_instance(given["DBInstanceIdentifier"])
    _check_changes(world, instance, given)
    at_once = bool(given.get("ApplyImmediately"))
    later = {key: given[key] for key in ("BackupRetentionPeriod", "MultiAZ", "DBInstanceClass") if key in given}
    changes = {key: value for key, value in later.items() if value != instance.get(key)}
    with world.store.changing():
        for key in ("DeletionProtection", "CopyTagsToSnapshot", "PreferredBackupWindow", "AutoMinorVersionUpgrade"):
            if key in given:
                instance[key] = given[key]
        if given.get("DBParameterGroupName"):
            group = choose(
                world, given["DBParameterGroupName"], instance["Engine"], instance["EngineVersion"], cluster=False
            )
            instance["DBParameterGroups"] = [{"DBParameterGroupName": group, "ParameterApplyStatus": "pending-reboot"}]
        instance["PendingModifiedValues"] = {**instance["PendingModifiedValues"], **changes}
    password = given.get("MasterUserPassword")
    if password:
        world.volumes.set_password(world.volume(instance), password)
        world.instance_event(instance, "The master user password has been reset", "configuration change")
    if changes and at_once:
        world.status(instance, "modifying")
        world.begin(lambda: _modify(world, instance), instance)
    return {"DBInstance": instance_view(world, instance)}


def _check_changes(world: World, instance: Record, given: Parameters) -> None:
    if given.get("EngineVersion") and not same_line(given["EngineVersion"], instance["EngineVersion"]):
        raise bad_combination("The rehearsal does not upgrade between generations of MySQL.")
    days = int(given.get("BackupRetentionPeriod", 0))
    if not 0 <= days <= LONGEST_RETENTION_DAYS:
        raise bad_value(f"Invalid backup retention period: {days}. Must be between 0 and {LONGEST_RETENTION_DAYS}.")
    if (
        "BackupRetentionPeriod" in given
        and days == 0
        and instance_view(world, instance)["ReadReplicaDBClusterIdentifiers"]
    ):
        raise fault("InvalidDBInstanceStateFault", "Backups cannot be turned off while there are read replicas.")


def _modify(world: World, instance: Record) -> None:
    changes = dict(instance["PendingModifiedValues"])
    before = int(instance.get("BackupRetentionPeriod", 0))
    after = int(changes.get("BackupRetentionPeriod", before))
    converts = bool(changes.get("MultiAZ")) and not instance["MultiAZ"]
    if converts:
        world.instance_event(
            instance, "Applying modification to convert to a Multi-AZ DB Instance", "configuration change"
        )
    with world.taking(world.settings.multi_az if converts else world.settings.modify):
        with world.store.changing():
            instance.update(changes)
            instance["PendingModifiedValues"] = {}
        # Turning backups on or off is an outage: the binary log comes and goes with them.
        if "DBClusterIdentifier" not in instance and (before == 0) != (after == 0):
            world.restart(instance)
    if converts:
        world.instance_event(
            instance, "Finished applying modification to convert to a Multi-AZ DB Instance", "configuration change"
        )
    if (before == 0) != (after == 0):
        switched = "enabled" if after else "disabled"
        world.instance_event(
            instance, f"Automated backups for this DB instance have been {switched}", "configuration change"
        )
    world.status(instance, "available")


@operation
def reboot_db_instance(world: World, given: Parameters) -> dict[str, Any]:
    """RebootDBInstance: parameters that wait for a restart take effect."""
    instance = world.available_instance(given["DBInstanceIdentifier"])
    if given.get("ForceFailover") and not instance["MultiAZ"]:
        raise bad_combination("Cannot force failover since the DB instance is not configured for Multi-AZ")
    world.status(instance, "rebooting")

    def work() -> None:
        with world.taking(world.settings.reboot):
            world.instance_event(instance, "DB instance shutdown", "availability")
            with world.store.changing():
                instance.update(instance["PendingModifiedValues"])
                instance["PendingModifiedValues"] = {}
            if instance["_writer"] or "DBClusterIdentifier" not in instance:
                world.restart(world.serving(instance))
            else:
                with world.store.changing():
                    instance["DBParameterGroups"][0]["ParameterApplyStatus"] = "in-sync"
                    instance["_cluster_group_status"] = "in-sync"
        world.restarted(instance)
        world.status(instance, "available")

    world.begin(work, instance, broken="incompatible-parameters")
    return {"DBInstance": instance_view(world, instance)}


@operation
def delete_db_instance(world: World, given: Parameters) -> dict[str, Any]:
    """DeleteDBInstance, with a final snapshot unless it is to be skipped."""
    instance = world.instance(given["DBInstanceIdentifier"])
    protect(instance, "DB Instance")
    name = instance["DBInstanceIdentifier"]
    if instance["DBInstanceStatus"] in ("creating", "deleting", "rebooting", "backing-up", "modifying"):
        raise fault(
            "InvalidDBInstanceStateFault", f"Instance {name} is in state {instance['DBInstanceStatus']}, not deletable."
        )
    if instance_view(world, instance)["ReadReplicaDBClusterIdentifiers"]:
        raise fault("InvalidDBInstanceStateFault", f"Cannot delete {name} while it is the source of an Aurora replica.")
    member = "DBClusterIdentifier" in instance
    final = given.get("FinalDBSnapshotIdentifier")
    if not member and not given.get("SkipFinalSnapshot") and not final:
        raise bad_combination("FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified.")
    if final and not member:
        snapshot_instance(world, instance, final, [])
    world.status(instance, "deleting")

    def work() -> None:
        with world.taking(world.settings.delete):
            if member:
                _leave(world, instance)
            else:
                world.remove_volume(instance)
        world.instance_event(instance, "DB instance deleted", "deletion")
        with world.store.changing() as state:
            state.instances.pop(name, None)
        world.store.log("state", resource="instance", identifier=name, status="deleted")

    world.begin(work, instance)
    return {"DBInstance": instance_view(world, instance)}


def _leave(world: World, instance: Record) -> None:
    cluster = world.cluster(instance["DBClusterIdentifier"])
    others = [each for each in world.members(cluster) if each is not instance]
    with world.store.changing():
        if instance["_writer"] and others:
            others[0]["_writer"] = True
    if not others:
        world.stop(cluster)


@operation
def start_db_instance(world: World, given: Parameters) -> dict[str, Any]:
    """StartDBInstance."""
    instance = world.instance(given["DBInstanceIdentifier"])
    if instance["DBInstanceStatus"] != "stopped":
        raise fault("InvalidDBInstanceStateFault", f"Instance {instance['DBInstanceIdentifier']} is not stopped.")
    world.status(instance, "starting")

    def work() -> None:
        with world.taking(world.settings.modify):
            world.start(instance)
        world.status(instance, "available")

    world.begin(work, instance)
    return {"DBInstance": instance_view(world, instance)}


@operation
def stop_db_instance(world: World, given: Parameters) -> dict[str, Any]:
    """StopDBInstance."""
    instance = world.available_instance(given["DBInstanceIdentifier"])
    if "DBClusterIdentifier" in instance:
        raise bad_combination("A member of a cluster is stopped with its cluster.")
    world.status(instance, "stopping")

    def work() -> None:
        with world.taking(world.settings.modify):
            world.stop(instance)
        world.status(instance, "stopped")

    world.begin(work, instance)
    return {"DBInstance": instance_view(world, instance)}
