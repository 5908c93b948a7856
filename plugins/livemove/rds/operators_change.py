"""Operators that change databases: promotion, settings, parameters, reboot, failover, deletion."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from livemove.rds import naming, steps
from livemove.rds.base import RdsOperator
from livemove.rds.hook import RdsHook
from livemove.rds.states import Kind, Subject
from livemove.rds.waiting import Waits
from livemove.runbook.failing import no_retry_for_a_person

if TYPE_CHECKING:
    from airflow.sdk import Context


class _ChangeOperator(RdsOperator):
    """Base of the operators that change one database."""

    template_fields: Sequence[str] = ("identifier", *RdsOperator.template_fields)
    kind = Kind.INSTANCE

    def __init__(self, *, identifier: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.identifier = identifier

    def subject(self) -> Subject:
        """The database."""
        return Subject(self.kind, self.identifier)


class PromoteReadReplicaOperator(_ChangeOperator):
    """Make an RDS read replica a database of its own. It restarts. One that is none already is left alone.

    What it has not applied yet of its source is lost: let it catch up before.

    :param identifier: of the replica.
    :param backup_retention_days: the default keeps what it has, at least 1: without backups RDS keeps no binlog.

    Example::

        with DAG("split_off", schedule=None):
            PromoteReadReplicaOperator(task_id="promote", identifier="shop-reports", backup_retention_days=7)
    """

    def __init__(self, *, backup_retention_days: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.backup_retention_days = backup_retention_days

    def step(self, hook: RdsHook, context: Context) -> Waits:
        """Promote."""
        return steps.promote_instance(hook, self.identifier, backup_retention_days=self.backup_retention_days)


class PromoteAuroraReplicaOperator(_ChangeOperator):
    """Make an Aurora replica of an RDS instance a cluster of its own. One that is none already is left alone.

    What it has not applied yet of its source is lost: stop the writes and let it catch up before. It is done when the
    cluster and its instances are usable.

    :param identifier: of the cluster.

    Example::

        with DAG("to_aurora", schedule=None):
            caught_up >> PromoteAuroraReplicaOperator(task_id="promote", identifier="shop-aurora", poll_seconds=2)
    """

    kind = Kind.CLUSTER

    def step(self, hook: RdsHook, context: Context) -> Waits:
        """Promote."""
        return steps.promote_cluster(hook, self.identifier)


class ModifyInstanceOperator(_ChangeOperator):
    """Change settings of an instance: only those that are not so already.

    :param identifier: of the instance.
    :param changes: parameters of ModifyDBInstance, by their names there; no password.
    :param apply_immediately: now; otherwise in the next maintenance window, for which it does not wait.

    Example::

        with DAG("larger", schedule=None):
            ModifyInstanceOperator(
                task_id="larger", identifier="shop", changes={"DBInstanceClass": "db.r6g.xlarge"}
            )
    """

    template_fields: Sequence[str] = ("changes", *_ChangeOperator.template_fields)

    def __init__(self, *, changes: Mapping[str, Any], apply_immediately: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.changes = changes
        self.apply_immediately = apply_immediately

    def step(self, hook: RdsHook, context: Context) -> Waits:
        """Modify."""
        return steps.modify_instance(hook, self.identifier, self.changes, apply_immediately=self.apply_immediately)


class ModifyClusterOperator(ModifyInstanceOperator):
    """Change settings of a cluster: only those that are not so already.

    :param identifier: of the cluster.
    :param changes: parameters of ModifyDBCluster, by their names there; no password.
    :param apply_immediately: now; otherwise in the next maintenance window, for which it does not wait.

    Example::

        with DAG("longer_backups", schedule=None):
            ModifyClusterOperator(
                task_id="backups", identifier="shop-aurora", changes={"BackupRetentionPeriod": 14}
            )
    """

    kind = Kind.CLUSTER

    def step(self, hook: RdsHook, context: Context) -> Waits:
        """Modify."""
        return steps.modify_cluster(hook, self.identifier, self.changes, apply_immediately=self.apply_immediately)


class MakeMultiAzOperator(_ChangeOperator):
    """Give an RDS instance a standby in another Availability Zone. No outage, but writes are slower from then on.

    An instance that applies another server's binlog lags as a Multi-AZ one: convert it once it serves.

    :param identifier: of the instance.

    Example::

        with DAG("after_fall_back", schedule=None):
            MakeMultiAzOperator(task_id="standby", identifier="shop-fallback", timeout_seconds=7200)
    """

    def step(self, hook: RdsHook, context: Context) -> Waits:
        """Convert."""
        return steps.make_multi_az(hook, self.identifier)


class ModifyParameterGroupOperator(RdsOperator):
    """Set parameters of a parameter group: only those that differ, 20 in a call.

    Dynamic parameters apply at once, static ones after a reboot of each instance that uses the group
    (`RebootInstanceOperator`); it says which.

    :param group: name of the parameter group.
    :param parameters: name → value; true and false are 1 and 0.
    :param cluster: whether it is a cluster parameter group.
    :param family: make the group, of this family (`mysql8.0`, `aurora-mysql8.0`), if it is missing.
    :returns: what changed, and which changes wait for a reboot.

    Example::

        with DAG("binlog_on", schedule=None):
            parameters = ModifyParameterGroupOperator(
                task_id="parameters", group="shop-cdc", cluster=True, parameters={"binlog_format": "ROW"}
            )
            parameters >> RebootInstanceOperator(task_id="reboot", identifier="shop-cdc-1")
    """

    template_fields: Sequence[str] = ("group", "parameters", "family", *RdsOperator.template_fields)

    def __init__(
        self,
        *,
        group: str,
        parameters: Mapping[str, Any],
        cluster: bool = False,
        family: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.group = group
        self.parameters = parameters
        self.cluster = cluster
        self.family = family

    def execute(self, context: Context) -> dict[str, Any]:
        """Set the parameters; there is nothing to wait for."""
        hook = RdsHook(self.aws_conn_id, self.region_name)
        with no_retry_for_a_person():
            plan = steps.set_parameters(hook, self.group, self.parameters, cluster=self.cluster, family=self.family)
        return {
            "changed": {name: after for name, (_, after) in plan.changed.items()},
            "reboot_needed": list(plan.reboot),
        }


class RebootInstanceOperator(_ChangeOperator):
    """Reboot an instance, once.

    :param identifier: of the instance; for a cluster's parameters, each of its instances.
    :param only_if_pending: reboot only if parameters of its group, or of its cluster's, wait for it. Otherwise it is
        rebooted unless RDS reported a restart since this DAG run started.
    :param settle_seconds: how long RDS may take to show that a parameter group which was just changed wants a reboot.

    Example::

        with DAG("apply_parameters", schedule=None):
            RebootInstanceOperator(task_id="reboot", identifier="shop-aurora-1")
    """

    def __init__(self, *, only_if_pending: bool = True, settle_seconds: float = 30, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.only_if_pending = only_if_pending
        self.settle_seconds = settle_seconds

    def execute(self, context: Context) -> Any:
        """Let RDS show what waits for a reboot, then reboot if it is due."""
        if self.only_if_pending:
            hook, ends = RdsHook(self.aws_conn_id, self.region_name), time.monotonic() + self.settle_seconds
            with no_retry_for_a_person():
                while not steps.reboot_pending(hook, self.identifier) and time.monotonic() < ends:
                    time.sleep(min(self.poll_seconds, 5, max(0.0, ends - time.monotonic())))
        return super().execute(context)

    def step(self, hook: RdsHook, context: Context) -> Waits:
        """Reboot."""
        since = None if self.only_if_pending else context["dag_run"].start_date
        return steps.reboot(hook, self.identifier, since=since)


class FailoverClusterOperator(_ChangeOperator):
    """Make another instance the writer of an Aurora cluster. If it is the writer already, nothing happens.

    :param identifier: of the cluster.
    :param to: the instance that becomes the writer.

    Example::

        with DAG("other_zone", schedule=None):
            FailoverClusterOperator(task_id="failover", identifier="shop-aurora", to="shop-aurora-2")
    """

    template_fields: Sequence[str] = ("to", *_ChangeOperator.template_fields)
    kind = Kind.CLUSTER

    def __init__(self, *, to: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.to = to

    def step(self, hook: RdsHook, context: Context) -> Waits:
        """Fail over."""
        return steps.failover(hook, self.identifier, to=self.to)


class DeleteInstanceOperator(_ChangeOperator):
    """Delete an RDS instance, and leave its final snapshot. One that is gone already is done if the snapshot is there.

    It refuses while something replicates from it as RDS knows it, or while its tag `livemove:serves` says yes.
    Replication that MySQL was told of by hand is unknown to RDS: look there first.

    :param identifier: of the instance.
    :param final_snapshot: name of the snapshot; the default is `<identifier>-final`.
    :param skip_final_snapshot: leave none.
    :param lift_protection: switch deletion protection off first.

    Example::

        with DAG("retire", schedule=None):
            DeleteInstanceOperator(task_id="delete", identifier="shop", final_snapshot="shop-before-aurora")
    """

    template_fields: Sequence[str] = ("final_snapshot", *_ChangeOperator.template_fields)

    def __init__(
        self,
        *,
        final_snapshot: str | None = None,
        skip_final_snapshot: bool = False,
        lift_protection: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.final_snapshot = final_snapshot
        self.skip_final_snapshot = skip_final_snapshot
        self.lift_protection = lift_protection

    def step(self, hook: RdsHook, context: Context) -> Waits:
        """Delete."""
        return steps.delete_instance(
            hook, self.identifier, final_snapshot=self._snapshot(), lift_protection=self.lift_protection
        )

    def _snapshot(self) -> str | None:
        if self.skip_final_snapshot:
            return None
        return self.final_snapshot or naming.final_snapshot(self.identifier)


class DeleteClusterOperator(DeleteInstanceOperator):
    """Delete an Aurora cluster with its instances, and leave its final snapshot; as `DeleteInstanceOperator`.

    :param identifier: of the cluster.
    :param final_snapshot: name of the cluster's snapshot; the default is `<identifier>-final`.

    Example::

        with DAG("retire_clone", schedule=None):
            DeleteClusterOperator(task_id="delete", identifier="shop-clone", skip_final_snapshot=True)
    """

    kind = Kind.CLUSTER

    def step(self, hook: RdsHook, context: Context) -> Waits:
        """Delete."""
        return steps.delete_cluster(
            hook, self.identifier, final_snapshot=self._snapshot(), lift_protection=self.lift_protection
        )
