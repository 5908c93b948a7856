"""Steps that change a database: promotion, settings, parameters, reboot, failover."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from livemove.rds import calls, facts
from livemove.rds.calls import Call
from livemove.rds.faults import AlreadyThere
from livemove.rds.hook import RdsHook
from livemove.rds.parameters import ParameterPlan, plan_parameters
from livemove.rds.states import Kind, Subject
from livemove.rds.waiting import Waits, found, look, make, parameter_statuses, restarted_since, usable
from livemove.rds.waits import Wait
from livemove.runbook.errors import NeedsPerson

log = logging.getLogger(__name__)


def promote_instance(hook: RdsHook, identifier: str, *, backup_retention_days: int | None = None) -> Waits:
    """Make an RDS replica a database of its own. It restarts.

    :param backup_retention_days: the default keeps what the replica has, at least one day: without backups RDS keeps
        no binlog.
    """
    subject = Subject(Kind.INSTANCE, identifier)
    description = found(hook, subject)
    done = usable(hook, subject, Source=None)
    if facts.source(description) is None:
        return done
    # RDS refuses it while a backup runs, and anything else that is no usable state.
    blocked = usable(hook, subject)
    if blocked:
        return blocked
    days = backup_retention_days or max(1, int(description.get("BackupRetentionPeriod") or 0))
    return make(hook, calls.promote_instance(identifier=identifier, backup_retention_days=days), done)


def promote_cluster(hook: RdsHook, identifier: str) -> Waits:
    """Make an Aurora replica a database of its own: it and its instances are usable in the end."""
    subject = Subject(Kind.CLUSTER, identifier)
    description = found(hook, subject)
    done = usable(hook, subject, Source=None)
    instances = [Wait(Kind.INSTANCE, member) for member in facts.members(description)]
    if facts.source(description) is None:
        return done + [wait for wait in instances if not look(hook, wait).done]
    blocked = usable(hook, subject)
    if blocked:
        return blocked
    return make(hook, calls.promote_cluster(identifier=identifier), done + instances)


def modify_instance(
    hook: RdsHook, identifier: str, changes: Mapping[str, Any], *, apply_immediately: bool = True
) -> Waits:
    """Change an instance: only what is not so already.

    :param changes: parameters of ModifyDBInstance.
    :param apply_immediately: now; otherwise it is enough that the change waits for the maintenance window.
    """
    subject = Subject(Kind.INSTANCE, identifier)
    return _modify(hook, subject, changes, calls.modify_instance, apply_immediately)


def modify_cluster(
    hook: RdsHook, identifier: str, changes: Mapping[str, Any], *, apply_immediately: bool = True
) -> Waits:
    """Change a cluster; as `modify_instance`."""
    subject = Subject(Kind.CLUSTER, identifier)
    return _modify(hook, subject, changes, calls.modify_cluster, apply_immediately)


def _modify(
    hook: RdsHook, subject: Subject, changes: Mapping[str, Any], build: Callable[..., Call], now: bool
) -> Waits:
    description = found(hook, subject)
    checkable = {name: wanted for name, wanted in changes.items() if name not in facts.HOW}
    hidden = [name for name in checkable if not facts.shows(description, name)]
    if hidden:
        raise NeedsPerson(
            f"{subject}: its description does not show {', '.join(hidden)}, so whether that is so already cannot be "
            "seen. Check the name (those of the API's Modify call), or make this change by hand."
        )
    pending = {} if now else description.get("PendingModifiedValues") or {}
    open_ = {
        name: wanted
        for name, wanted in checkable.items()
        if not facts.is_set(facts.value(description, name), wanted)
        and not (name in pending and facts.is_set(pending[name], wanted))
    }
    if not open_:
        return usable(hook, subject)
    blocked = usable(hook, subject)
    if blocked:
        return blocked
    call = build(
        identifier=subject.identifier,
        changes={**open_, **{name: changes[name] for name in changes if name in facts.HOW}},
        apply_immediately=now,
    )
    return make(hook, call, [Wait(subject.kind, subject.identifier, open_ if now else {})])


def make_multi_az(hook: RdsHook, identifier: str) -> Waits:
    """Give an instance a standby. While it applies another server's binlog it would lag: do that before or after."""
    return modify_instance(hook, identifier, {"MultiAZ": True})


def plan_parameter_group(hook: RdsHook, group: str, wanted: Mapping[str, Any], *, cluster: bool) -> ParameterPlan:
    """Say what would have to change in a parameter group. Changes nothing."""
    return plan_parameters(group, hook.parameters(group, cluster=cluster), wanted, cluster=cluster)


def set_parameters(
    hook: RdsHook, group: str, wanted: Mapping[str, Any], *, cluster: bool, family: str | None = None
) -> ParameterPlan:
    """Set parameters of a group: only those that differ. Says which of them need a reboot; does not reboot.

    :param family: make the group, of this family, if it is missing.
    """
    if family and hook.parameter_group(group, cluster=cluster) is None:
        try:
            hook.run(calls.create_parameter_group(name=group, family=family, cluster=cluster))
        except AlreadyThere:
            log.info("Parameter group %s was made meanwhile.", group)
    plan = plan_parameter_group(hook, group, wanted, cluster=cluster)
    for call in plan.calls:
        hook.run(call)
    log.info("Parameter group %s: %s", group, plan.text())
    if plan.reboot:
        log.info("A reboot of the instances that use %s applies %s.", group, ", ".join(plan.reboot))
    return plan


def reboot(hook: RdsHook, identifier: str, *, since: datetime | None = None) -> Waits:
    """Reboot an instance, if it has not been done.

    :param since: reboot unless RDS reported a restart since then (with a time zone); the default reboots only if
        parameters of the instance's group, or of its cluster's, wait for it. RDS shows that some time after the group
        was changed.
    """
    subject = Subject(Kind.INSTANCE, identifier)
    description = found(hook, subject)
    expect: dict[str, Any]
    if since is None:
        statuses = parameter_statuses(hook, description)
        if "applying" in statuses:
            return [Wait(Kind.INSTANCE, identifier, {"Applying": False})]
        due, expect = "pending-reboot" in statuses, {"PendingReboot": False}
    else:
        due = not restarted_since(hook, identifier, since)
        expect = {"RestartedSince": since.astimezone(UTC).isoformat()}
    blocked = usable(hook, subject)
    if blocked or not due:
        return blocked
    return make(hook, calls.reboot(identifier=identifier), [Wait(Kind.INSTANCE, identifier, expect)])


def reboot_pending(hook: RdsHook, identifier: str) -> bool:
    """Whether RDS shows that parameters of an instance, or of its cluster, wait for its reboot."""
    return "pending-reboot" in parameter_statuses(hook, found(hook, Subject(Kind.INSTANCE, identifier)))


def failover(hook: RdsHook, cluster: str, *, to: str) -> Waits:
    """Make an instance the writer of its cluster.

    :param to: the instance; without a name, a repeated step would fail back.
    """
    subject = Subject(Kind.CLUSTER, cluster)
    description = found(hook, subject)
    if to not in facts.members(description):
        raise NeedsPerson(f"{to} is no instance of {subject}, which has {', '.join(facts.members(description))}.")
    done = usable(hook, subject, Writer=to)
    if facts.writer(description) == to:
        return done
    blocked = usable(hook, subject) + usable(hook, Subject(Kind.INSTANCE, to))
    return blocked or make(hook, calls.failover(cluster=cluster, to=to), done)
