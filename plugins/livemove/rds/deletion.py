"""Steps that delete, and the reasons not to. As in `steps`, each returns what to wait for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from livemove.rds import calls, facts, naming
from livemove.rds.hook import RdsHook
from livemove.rds.states import Kind, Subject
from livemove.rds.waiting import Waits, make, tags_of, usable
from livemove.rds.waits import Wait
from livemove.runbook.errors import NeedsPerson


def delete_instance(
    hook: RdsHook, identifier: str, *, final_snapshot: str | None, lift_protection: bool = False
) -> Waits:
    """Delete an RDS instance, and leave its final snapshot.

    :param final_snapshot: its name (`naming.final_snapshot`); None leaves none. An RDS read replica has none.
    :param lift_protection: switch deletion protection off first.
    :raises NeedsPerson: something replicates from it, its tag says that it serves, it is protected, or it is gone
        without the snapshot.
    """
    subject = Subject(Kind.INSTANCE, identifier)
    snapshot = Subject(Kind.INSTANCE_SNAPSHOT, final_snapshot) if final_snapshot else None
    description = hook.instance(identifier)
    if description is None:
        return _left(hook, subject, snapshot)
    if description.get("DBClusterIdentifier"):
        raise NeedsPerson(f"{subject} belongs to cluster {description['DBClusterIdentifier']}: delete that.")
    if facts.source(description) is not None:
        snapshot = None
    done = [Wait(Kind.INSTANCE, identifier, gone=True), *_snapshot_wait(snapshot)]
    if facts.state(Kind.INSTANCE, description) == "deleting":
        return done
    refuse_deletion(subject, description, tags_of(hook, description))
    unprotected = _unprotect(hook, subject, description, lift_protection)
    name = snapshot.identifier if snapshot else None
    return unprotected or make(hook, calls.delete_instance(identifier=identifier, final_snapshot=name), done)


def delete_cluster(
    hook: RdsHook, identifier: str, *, final_snapshot: str | None, lift_protection: bool = False
) -> Waits:
    """Delete a cluster with its instances, and leave its final snapshot; as `delete_instance`."""
    subject = Subject(Kind.CLUSTER, identifier)
    snapshot = Subject(Kind.CLUSTER_SNAPSHOT, final_snapshot) if final_snapshot else None
    description = hook.cluster(identifier)
    if description is None:
        return _left(hook, subject, snapshot)
    done = [Wait(Kind.CLUSTER, identifier, gone=True), *_snapshot_wait(snapshot)]
    if facts.state(Kind.CLUSTER, description) == "deleting":
        return done
    refuse_deletion(subject, description, tags_of(hook, description))
    unprotected = _unprotect(hook, subject, description, lift_protection)
    if unprotected:
        return unprotected
    # The readers first: RDS would make one of them the writer otherwise.
    waits = [wait for member in reversed(facts.members(description)) for wait in _delete_member(hook, member)]
    return waits or make(hook, calls.delete_cluster(identifier=identifier, final_snapshot=final_snapshot), done)


def _delete_member(hook: RdsHook, identifier: str) -> Waits:
    gone = [Wait(Kind.INSTANCE, identifier, gone=True)]
    description = hook.instance(identifier)
    if description is None:
        return []
    if facts.state(Kind.INSTANCE, description) == "deleting":
        return gone
    return make(hook, calls.delete_instance(identifier=identifier, final_snapshot=None), gone)


def _snapshot_wait(snapshot: Subject | None) -> Waits:
    return [Wait(snapshot.kind, snapshot.identifier)] if snapshot else []


def _left(hook: RdsHook, subject: Subject, snapshot: Subject | None) -> Waits:
    """What is left of a resource that is gone: its final snapshot, usable."""
    if snapshot is None:
        return []
    if hook.look(snapshot) is None:
        raise NeedsPerson(
            f"{subject} does not exist, and neither does its final {snapshot}. If it was deleted by hand, look for its "
            "automated backups; then run again without final snapshot."
        )
    return usable(hook, snapshot)


def refuse_deletion(subject: Subject, description: Mapping[str, Any], tags: Mapping[str, str]) -> None:
    """Refuse to delete what is still needed.

    What MySQL replicates by hand (`rds_set_external_source`) is unknown to RDS: whoever built that looks there.

    :raises NeedsPerson: something replicates from it, or its tag says that it serves.
    """
    if replicas := facts.replicas(description):
        raise NeedsPerson(
            f"{subject} is not deleted: {', '.join(replicas)} replicates from it. Promote or delete that first."
        )
    if tags.get(naming.TAG_SERVES, "").lower() in ("yes", "true", "1"):
        raise NeedsPerson(
            f"{subject} is not deleted: its tag {naming.TAG_SERVES} says that the application uses it. Move the "
            "endpoint and take the tag away first."
        )


def _unprotect(hook: RdsHook, subject: Subject, description: Mapping[str, Any], lift: bool) -> Waits:
    if not description.get("DeletionProtection"):
        return []
    if not lift:
        raise NeedsPerson(
            f"{subject} is protected from deletion. Switch DeletionProtection off, or run with `lift_protection`."
        )
    build = calls.modify_instance if subject.kind is Kind.INSTANCE else calls.modify_cluster
    off = {"DeletionProtection": False}
    call = build(identifier=subject.identifier, changes=off)
    return make(hook, call, [Wait(subject.kind, subject.identifier, off)])
