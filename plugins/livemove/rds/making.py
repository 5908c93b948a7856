"""Steps that make databases and snapshots, or adopt those that are there."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from livemove.rds import calls, facts, naming
from livemove.rds.calls import Call
from livemove.rds.hook import RdsHook
from livemove.rds.identity import check_identity
from livemove.rds.states import Subject
from livemove.rds.waiting import Waits, make, tags_of, usable
from livemove.rds.waits import Wait
from livemove.runbook.errors import NeedsPerson

log = logging.getLogger(__name__)


def ensure(hook: RdsHook, *makes: Call) -> Waits:
    """Make what is missing: each call's resource, in order, all of them usable in the end.

    A resource of that name is adopted if it is the right one: its engine, what it was made from, its migration.
    An instance is made as soon as its cluster exists, as RDS allows.

    :raises NeedsPerson: a resource of that name is another one, or what it is made from is missing or cannot be used.
    """
    waits: Waits = []
    for call in makes:
        description = hook.look(call.subject)
        if description is None:
            blocked = _blocked(hook, call)
            if blocked:
                return waits + blocked
            waits += make(hook, call, [Wait(call.subject.kind, call.subject.identifier)])
            continue
        check_identity(call, description, tags_of(hook, description))
        for difference in facts.differences(call, description):
            log.warning("%s exists and is used as it is: %s.", call.subject, difference)
        waits += usable(hook, call.subject)
    return waits


def _blocked(hook: RdsHook, call: Call) -> Waits:
    """What a call has to wait for, its sources' states.

    :raises NeedsPerson: a source is missing or keeps no backups.
    """
    waits: Waits = []
    for subject in call.after:
        region = naming.region_of(subject.identifier)
        if region and region != hook.conn.meta.region_name:
            continue
        description = hook.look(subject)
        if description is None:
            raise NeedsPerson(_no_source(call, subject))
        if call.needs_backups and not description.get("BackupRetentionPeriod"):
            raise NeedsPerson(
                f"{subject} keeps no automated backups, so it has no binlog and nothing can replicate from it. Set its "
                "BackupRetentionPeriod to 1 or more; that restarts it."
            )
        waits += usable(hook, subject)
    return waits


def _no_source(call: Call, subject: Subject) -> str:
    text = f"{call.subject} cannot be made: there is no {subject}."
    if call.operation == "RestoreDBInstanceFromDBSnapshot":
        text += " A snapshot of an Aurora cluster cannot be restored as an RDS instance: take one of an instance."
    if call.operation == "RestoreDBClusterFromSnapshot":
        text += " A snapshot of an RDS instance is named by its ARN here."
    return text


def snapshot_instance(hook: RdsHook, identifier: str, snapshot: str, tags: Mapping[str, str] | None = None) -> Waits:
    """Take a snapshot of an instance, unless there is one of that name and of that instance."""
    return ensure(hook, calls.snapshot_instance(identifier=identifier, snapshot=snapshot, tags=tags))


def snapshot_cluster(hook: RdsHook, identifier: str, snapshot: str, tags: Mapping[str, str] | None = None) -> Waits:
    """Take a snapshot of a cluster, unless there is one of that name and of that cluster."""
    return ensure(hook, calls.snapshot_cluster(identifier=identifier, snapshot=snapshot, tags=tags))


def restore_instance(hook: RdsHook, **options: Any) -> Waits:
    """Restore an instance from an instance's snapshot; options as those of `calls.restore_instance`."""
    return ensure(hook, calls.restore_instance(**options))


def restore_cluster(hook: RdsHook, *, instance_class: str, **options: Any) -> Waits:
    """Restore a cluster and give it a writer; options as those of `calls.restore_cluster`."""
    return ensure(hook, *with_writer(calls.restore_cluster(**options), instance_class))


def clone_cluster(hook: RdsHook, *, instance_class: str, **options: Any) -> Waits:
    """Clone a cluster and give it a writer; options as those of `calls.clone_cluster`."""
    return ensure(hook, *with_writer(calls.clone_cluster(**options), instance_class))


def create_aurora_replica(hook: RdsHook, *, instance_class: str, **options: Any) -> Waits:
    """Make an Aurora replica of an RDS instance, with a writer; options as those of `calls.create_aurora_replica`."""
    return ensure(hook, *with_writer(calls.create_aurora_replica(**options), instance_class))


def create_read_replica(hook: RdsHook, **options: Any) -> Waits:
    """Make an RDS replica of an RDS instance; options as those of `calls.create_read_replica`."""
    return ensure(hook, calls.create_read_replica(**options))


def with_writer(cluster: Call, instance_class: str) -> tuple[Call, Call]:
    """A call that makes a cluster, and the one that makes its first instance, with the same tags."""
    tags = naming.as_dict(cluster.parameters.get("Tags", ()))
    tags.pop(naming.TAG_MADE_FROM, None)
    name = cluster.parameters["DBClusterIdentifier"]
    return cluster, calls.create_cluster_instance(cluster=name, instance_class=instance_class, tags=tags)
