"""Operators that make databases: replicas, restores, clones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from livemove.rds import calls, steps
from livemove.rds.base import RdsOperator
from livemove.rds.call import Call
from livemove.rds.hook import RdsHook
from livemove.rds.states import Subject
from livemove.rds.waiting import Waits

if TYPE_CHECKING:
    from airflow.sdk import Context


class _MakeOperator(RdsOperator):
    """Base of the operators that make a database.

    :param identifier: of the database to make.
    :param parameter_group: its (cluster) parameter group.
    :param subnet_group: its subnet group; the default is the source's or the VPC's.
    :param security_groups: ids of VPC security groups.
    :param tags: of all that is made. `livemove:migration` and `livemove:role` protect against adopting another's.
    :param options: more parameters of the API call that makes it, by their names there.
    """

    template_fields: Sequence[str] = (
        "identifier",
        "instance_class",
        "parameter_group",
        "subnet_group",
        "security_groups",
        "tags",
        "options",
        *RdsOperator.template_fields,
    )

    def __init__(
        self,
        *,
        identifier: str,
        instance_class: str | None = None,
        parameter_group: str | None = None,
        subnet_group: str | None = None,
        security_groups: Sequence[str] = (),
        tags: Mapping[str, str] | None = None,
        options: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.identifier = identifier
        self.instance_class = instance_class
        self.parameter_group = parameter_group
        self.subnet_group = subnet_group
        self.security_groups = security_groups
        self.tags = tags
        self.options = options

    def calls(self) -> Sequence[Call]:
        """The calls that make it, in order; `Call.text` shows one as a plan does."""
        raise NotImplementedError

    def subject(self) -> Subject:
        """What the first call makes."""
        return self.calls()[0].subject

    def step(self, hook: RdsHook, context: Context) -> Waits:
        """Make what is missing."""
        return steps.ensure(hook, *self.calls())

    def _common(self) -> dict[str, Any]:
        return {
            "identifier": self.identifier,
            "parameter_group": self.parameter_group,
            "subnet_group": self.subnet_group,
            "security_groups": self.security_groups,
            "tags": self.tags,
            "options": self.options,
        }


class _MakeClusterOperator(_MakeOperator):
    """Base of the operators that make a cluster and its writer, `<identifier>-1`."""

    def __init__(self, *, instance_class: str, **kwargs: Any) -> None:
        super().__init__(instance_class=instance_class, **kwargs)

    def cluster_call(self) -> Call:
        """The call that makes the cluster."""
        raise NotImplementedError

    def calls(self) -> Sequence[Call]:
        """The cluster's call and its writer's."""
        return steps.with_writer(self.cluster_call(), str(self.instance_class))


class CreateReadReplicaOperator(_MakeOperator):
    """Make an RDS read replica of an RDS instance, which needs automated backups.

    :param identifier: of the replica.
    :param source: identifier of the source, or its ARN when it is in another Region.
    :param instance_class: the default is the source's.

    Other parameters: `tags`, `parameter_group`, `subnet_group`, `security_groups`, `options`; see `RdsOperator` for
    the connection and the wait.

    Example::

        with DAG("replica_for_reports", schedule=None):
            CreateReadReplicaOperator(task_id="replica", identifier="shop-reports", source="shop")
    """

    template_fields: Sequence[str] = ("source", *_MakeOperator.template_fields)

    def __init__(self, *, source: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.source = source

    def calls(self) -> Sequence[Call]:
        """One call."""
        call = calls.create_read_replica(source=self.source, instance_class=self.instance_class, **self._common())
        return [call]


class CreateAuroraReplicaOperator(_MakeClusterOperator):
    """Make an Aurora MySQL cluster that replicates from an RDS MySQL instance, with a writer.

    It takes hours for each TiB. The cluster is usable then, and may still lag: `ReplicaCaughtUpSensor` of the MySQL
    room tells when it does not.

    :param identifier: of the cluster; its writer is `<identifier>-1`.
    :param source: identifier or ARN of the RDS instance.
    :param instance_class: of the writer.
    :param engine_version: of Aurora; not older than the source's MySQL.

    Example::

        with DAG("aurora_beside_rds", schedule=None):
            CreateAuroraReplicaOperator(
                task_id="replica",
                identifier="shop-aurora",
                source="shop",
                instance_class="db.r6g.large",
                engine_version="8.0.mysql_aurora.3.04.0",
                parameter_group="shop-aurora",
                timeout_seconds=24 * 3600,
                deferrable=True,
            )
    """

    template_fields: Sequence[str] = ("source", "engine_version", *_MakeOperator.template_fields)

    def __init__(self, *, source: str, engine_version: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.source = source
        self.engine_version = engine_version
        self._arn = ""

    def step(self, hook: RdsHook, context: Context) -> Waits:
        """Look the source's ARN up, then make what is missing."""
        self._arn = hook.arn_of_instance(self.source)
        return super().step(hook, context)

    def subject(self) -> Subject:
        """The cluster."""
        return self.cluster_call().subject

    def cluster_call(self) -> Call:
        """CreateDBCluster."""
        arn = self._arn or self.source
        return calls.create_aurora_replica(source_arn=arn, engine_version=self.engine_version, **self._common())


class RestoreInstanceFromSnapshotOperator(_MakeOperator):
    """Restore an RDS instance from a snapshot of an RDS instance. RDS takes none of an Aurora cluster.

    Take the snapshot with the provider's `RdsCreateDbSnapshotOperator(db_type="instance", ...)`.

    :param identifier: of the instance to make.
    :param snapshot: identifier or ARN of the snapshot.
    :param multi_az: with a standby. One that shall apply another server's binlog is faster without.
    :param backup_retention_days: the default is the snapshot's. Without backups RDS keeps no binlog.

    Example::

        with DAG("fallback", schedule=None):
            snapshot = RdsCreateDbSnapshotOperator(
                task_id="snapshot", db_type="instance", db_identifier="shop", db_snapshot_identifier="shop-for-fallback"
            )
            snapshot >> RestoreInstanceFromSnapshotOperator(
                task_id="restore",
                identifier="shop-fallback",
                snapshot="shop-for-fallback",
                instance_class="db.r6g.large",
                parameter_group="shop-fallback",
            )
    """

    template_fields: Sequence[str] = ("snapshot", *_MakeOperator.template_fields)

    def __init__(
        self, *, snapshot: str, multi_az: bool = False, backup_retention_days: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.snapshot = snapshot
        self.multi_az = multi_az
        self.backup_retention_days = backup_retention_days

    def calls(self) -> Sequence[Call]:
        """One call."""
        call = calls.restore_instance(
            snapshot=self.snapshot,
            instance_class=self.instance_class,
            multi_az=self.multi_az,
            backup_retention_days=self.backup_retention_days,
            **self._common(),
        )
        return [call]


class RestoreClusterFromSnapshotOperator(_MakeClusterOperator):
    """Restore an Aurora cluster, with a writer, from a snapshot of a cluster or of an RDS MySQL instance.

    Take the snapshot with the provider's `RdsCreateDbSnapshotOperator(db_type="cluster", ...)`.

    :param identifier: of the cluster to make; its writer is `<identifier>-1`.
    :param snapshot: identifier of a cluster's snapshot, or its ARN; of an instance's snapshot always the ARN.
    :param instance_class: of the writer.
    :param engine_version: the default is the snapshot's.

    Example::

        with DAG("source_for_dms", schedule=None):
            RestoreClusterFromSnapshotOperator(
                task_id="restore",
                identifier="shop-cdc",
                snapshot="shop-aurora-for-cdc",
                instance_class="db.r6g.large",
                parameter_group="shop-cdc",
            )
    """

    template_fields: Sequence[str] = ("snapshot", "engine_version", *_MakeOperator.template_fields)

    def __init__(self, *, snapshot: str, engine_version: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.snapshot = snapshot
        self.engine_version = engine_version

    def cluster_call(self) -> Call:
        """RestoreDBClusterFromSnapshot."""
        return calls.restore_cluster(snapshot=self.snapshot, engine_version=self.engine_version, **self._common())


class CloneClusterOperator(_MakeClusterOperator):
    """Clone an Aurora cluster (copy-on-write), with a writer. Minutes, whatever its size.

    The binlog position at which the clone begins is in an event of its writer: `events.clone_position`. After 15
    clones RDS makes full copies (Aurora User Guide, "Cloning a volume").

    :param identifier: of the clone; its writer is `<identifier>-1`.
    :param source: identifier of the cluster to clone.
    :param instance_class: of the writer.

    Example::

        with DAG("clone", schedule=None):
            CloneClusterOperator(
                task_id="clone",
                identifier="shop-clone",
                source="shop-aurora",
                instance_class="db.r6g.large",
                parameter_group="shop-aurora",
            )
    """

    template_fields: Sequence[str] = ("source", *_MakeOperator.template_fields)

    def __init__(self, *, source: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.source = source

    def cluster_call(self) -> Call:
        """RestoreDBClusterToPointInTime."""
        return calls.clone_cluster(source=self.source, **self._common())
