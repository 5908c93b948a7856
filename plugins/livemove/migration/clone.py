"""Make an Aurora cluster replicate from the one that it is a clone of: by position, as GTIDs may be off."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeAlias

from livemove.migration import binlog_position
from livemove.migration.binlog_position import Position
from livemove.migration.clone_settings import CloneSettings, load_clone
from livemove.migration.settings import Role
from livemove.migration.steps import Pending, Step, pending
from livemove.migration.storage import written
from livemove.migration.wanted import Known
from livemove.mysql import accounts, heartbeat, replicate
from livemove.mysql.credentials import Credentials, Secret
from livemove.mysql.hook import RdsMySqlHook
from livemove.mysql.replication import describe
from livemove.rds import calls, facts, steps
from livemove.rds.hook import RdsHook
from livemove.rds.naming import tags
from livemove.rds.states import Kind, Subject
from livemove.runbook.errors import NeedsPerson

log = logging.getLogger(__name__)

StepMaker: TypeAlias = Callable[["CloneServers"], "CloneStep"]
RETENTION = "binlog retention hours"
# The roles of a migration stand for the two: `source`, and `target` for the clone.
CLONE = Role.TARGET


class CloneServers:
    """The two clusters of one file, found in the RDS API by identifier."""

    def __init__(self, settings: CloneSettings) -> None:
        self.settings = settings
        self._rds: dict[str, RdsHook] = {}

    @classmethod
    def named(cls, name: str) -> CloneServers:
        """Return the servers of `include/clones/<name>.yaml`."""
        return cls(load_clone(name))

    def rds(self, role: Role) -> RdsHook:
        """Return the RDS API of a role's account."""
        conn_id = self.settings.aws_conn(role)
        if conn_id not in self._rds:
            self._rds[conn_id] = RdsHook(aws_conn_id=conn_id)
        return self._rds[conn_id]

    def describe(self, role: Role) -> dict[str, Any]:
        """Return what the RDS API says of a cluster.

        :raises NeedsPerson: there is none.
        """
        identifier = self.settings.server(role).identifier
        found = self.rds(role).cluster(identifier)
        if found is None:
            raise NeedsPerson(
                f"{self.title(role).split()[0]}.identifier: there is no Aurora cluster {identifier!r}. Check the name, "
                f"and the Region of the AWS connection {self.settings.aws_conn(role)}."
            )
        return found

    def writer(self, role: Role) -> str:
        """Return the identifier of a cluster's writer."""
        writer = facts.writer(self.describe(role))
        if writer is None:
            raise NeedsPerson(f"{self.title(role)} has no writer instance; look at it in the RDS console.")
        return writer

    def endpoint(self, role: Role) -> tuple[str, int]:
        """Return host and port of a cluster's writer endpoint."""
        return self.rds(role).endpoint(self.settings.server(role).identifier)

    def hook(self, role: Role) -> RdsMySqlHook:
        """Return the MySQL side, as the master user."""
        host, port = self.endpoint(role)
        return RdsMySqlHook(self.settings.mysql.admin_conn_id, host=host, port=port, name=self.title(role))

    def title(self, role: Role) -> str:
        """Return how a cluster is named to people."""
        return f"{'source' if role is Role.SOURCE else 'clone'} {self.settings.server(role).identifier}"


class CloneStep(Step):
    """Base of the steps."""

    servers: CloneServers  # type: ignore[assignment]
    settings: CloneSettings  # type: ignore[assignment]

    def __init__(self, servers: CloneServers) -> None:
        self.servers = servers
        self.settings = servers.settings

    def plan(self, known: Known | None = None) -> list[str]:
        """The statements and calls that are missing."""
        raise NotImplementedError


class BinlogStep(CloneStep):
    """The source writes a binary log. That needs a reboot, so it is done before anything else."""

    title = "binary log of the source"

    def plan(self, known: Known | None = None) -> list[str]:
        """The calls, if it is off."""
        hook = self.servers.hook(Role.SOURCE)
        if _binlog_on(hook):
            return [f"is on, with binlog_format={hook.value('SELECT @@GLOBAL.binlog_format')}"]
        return [
            calls.modify_parameter_group(name=self._group(), parameters=[self._row()], cluster=True).text(),
            calls.reboot(identifier=self.servers.writer(Role.SOURCE)).text(),
        ]

    def _row(self) -> dict[str, str]:
        value = self.settings.binlog_format
        return {"ParameterName": "binlog_format", "ParameterValue": value, "ApplyMethod": "pending-reboot"}

    def _group(self) -> str:
        return str(facts.value(self.servers.describe(Role.SOURCE), "DBClusterParameterGroupName"))

    def advance(self) -> Pending | None:
        """Switch it on, and reboot the writer."""
        writer, rds = self.servers.writer(Role.SOURCE), self.servers.rds(Role.SOURCE)
        found = pending(Role.SOURCE, steps.usable(rds, Subject(Kind.INSTANCE, writer)))
        if found or _binlog_on(self.servers.hook(Role.SOURCE)):
            return found
        steps.set_parameters(rds, self._group(), {"binlog_format": self.settings.binlog_format}, cluster=True)
        found = pending(Role.SOURCE, steps.reboot(rds, writer))
        if found is None and not _binlog_on(self.servers.hook(Role.SOURCE)):
            name, group = self.servers.title(Role.SOURCE), self._group()
            raise NeedsPerson(f"{name}: the binary log is still off. Look at binlog_format in {group}.")
        return found

    def done(self) -> str:
        """What is true."""
        logs = written(self.servers.hook(Role.SOURCE))
        return f"{self.servers.title(Role.SOURCE)} writes a binary log, now {max(logs)}"


def _binlog_on(hook: RdsMySqlHook) -> bool:
    return bool(int(hook.value("SELECT @@GLOBAL.log_bin"))) and hook.value("SELECT @@GLOBAL.binlog_format") != "OFF"


class SourceStep(CloneStep):
    """The source can be replicated from: user, retention, heartbeat table."""

    title = "source"

    def plan(self, known: Known | None = None) -> list[str]:
        """The statements."""
        name = f"'<login of {self.settings.mysql.replication_conn_id}>'@'{self.settings.mysql.replication_host}'"
        return [
            f"CREATE USER IF NOT EXISTS {name} IDENTIFIED BY '***' REQUIRE SSL  -- unless it is there",
            f"GRANT REPLICATION CLIENT, REPLICATION SLAVE ON *.* TO {name}",
            f"CALL mysql.rds_set_configuration('{RETENTION}', {self.settings.binlog_retention_hours})",
        ]

    def advance(self) -> Pending | None:
        """Make what is missing."""
        hook, credentials = self.servers.hook(Role.SOURCE), Credentials.of(self.settings.mysql.replication_conn_id)
        if not accounts.accounts(hook, [credentials.login]):
            name = (credentials.login, self.settings.mysql.replication_host)
            password = Secret(credentials.password)
            hook.execute("CREATE USER IF NOT EXISTS %s@%s IDENTIFIED BY %s REQUIRE SSL", (*name, password))
            hook.execute("GRANT REPLICATION CLIENT, REPLICATION SLAVE ON *.* TO %s@%s", name)
        replicate.set_configuration(hook, RETENTION, self.settings.binlog_retention_hours)
        if hook.status() is None:
            heartbeat.install(hook)
        return None

    def done(self) -> str:
        """What is true."""
        kept = self.settings.binlog_retention_hours
        return f"{self.servers.title(Role.SOURCE)} can be replicated from, and keeps binary logs for {kept} h"


class CreateStep(CloneStep):
    """The clone is there, with a parameter group that needs no reboot later: that would lose the position."""

    title = "clone"

    def _wanted(self) -> dict[str, str]:
        hook = self.servers.hook(Role.SOURCE)
        return {
            "binlog_format": self.settings.binlog_format,
            "enforce_gtid_consistency": str(hook.value("SELECT @@GLOBAL.enforce_gtid_consistency")),
            # Events of the source are part of the clone, and would write there as well.
            "event_scheduler": "OFF",
            "gtid-mode": str(hook.value("SELECT @@GLOBAL.gtid_mode")),
        }

    def _calls(self) -> list[calls.Call]:
        settings, labels = self.settings.clone, tags(self.settings.name, "clone")
        clone = calls.clone_cluster(
            identifier=settings.identifier,
            source=self.settings.source.identifier,
            parameter_group=settings.parameter_group,
            subnet_group=settings.subnet_group,
            security_groups=settings.security_groups,
            tags=labels,
        )
        instance = calls.create_cluster_instance(
            cluster=settings.identifier, instance_class=settings.instance_class, tags=labels
        )
        return [clone, instance]

    def plan(self, known: Known | None = None) -> list[str]:
        """The calls."""
        if self.servers.rds(CLONE).cluster(self.settings.clone.identifier) is not None:
            return [f"{self.settings.clone.identifier} exists and is adopted."]
        values = ", ".join(f"{name}={value}" for name, value in self._wanted().items())
        head = f"-- cluster parameter group {self.settings.clone.parameter_group}: {values}"
        return [head, *(call.text() for call in self._calls())]

    def advance(self) -> Pending | None:
        """Fill the group, clone, add the writer."""
        rds = self.servers.rds(CLONE)
        if rds.cluster(self.settings.clone.identifier) is None:
            group = self.settings.clone.parameter_group
            family = f"aurora-mysql{'.'.join(self.servers.describe(Role.SOURCE)['EngineVersion'].split('.')[:2])}"
            steps.set_parameters(rds, group, self._wanted(), cluster=True, family=family)
        return pending(CLONE, steps.ensure(rds, *self._calls()))

    def done(self) -> str:
        """What is there."""
        return f"{self.servers.title(CLONE)} exists"


class ReplicateStep(CloneStep):
    """The clone replicates from the place at which it was made, proven to be that place."""

    title = "replication by position"

    def plan(self, known: Known | None = None) -> list[str]:
        """The calls; the position is known once the clone is there."""
        host, port = self.servers.endpoint(Role.SOURCE)
        login = f"<login of {self.settings.mysql.replication_conn_id}>"
        place = "'<file of the clone's event>', <position>"
        return [
            "-- the first event `Binlog position from crash recovery is …` of the clone's writer, before any restart",
            f"CALL mysql.rds_set_external_source('{host}', {port}, '{login}', '***', {place}, 1)",
            "CALL mysql.rds_start_replication()",
        ]

    def position(self) -> Position:
        """The place at which the clone was made.

        :raises NeedsPerson: it is not known, or the source does not have it any more.
        """
        found, writer, rds = self.servers.describe(CLONE), self.servers.writer(CLONE), self.servers.rds(CLONE)
        made = found.get("ClusterCreateTime") or datetime.min.replace(tzinfo=UTC)
        position = binlog_position.at_creation(rds.events(Subject(Kind.INSTANCE, writer)), made, writer)
        source = self.servers.hook(Role.SOURCE)
        binlog_position.prove(position, written(source), source.name)
        return position

    def advance(self) -> Pending | None:
        """Set the source once, and start."""
        hook = self.servers.hook(CLONE)
        host, port = self.servers.endpoint(Role.SOURCE)
        self._end_inherited(host, port)
        # Once it has begun, the place has moved on: the clone's own bookkeeping is right, and the event is not.
        if hook.status() is None:
            position, credentials = self.position(), Credentials.of(self.settings.mysql.replication_conn_id)
            log.info("%s was made at %s of the source.", self.servers.title(CLONE), position)
            replicate.set_source(
                hook,
                host=host,
                port=port,
                replication=credentials,
                auto_position=False,
                file=position.file,
                position=position.offset,
            )
        replicate.start(hook)
        return None

    def _end_inherited(self, host: str, port: int) -> None:
        """A clone of a replica has its channel as well, which is ended; any other source is refused."""
        hook, source = self.servers.hook(CLONE), self.servers.hook(Role.SOURCE)
        status, above = hook.status(), source.status()
        if status is None or status.follows(host, port):
            return
        if above is None or not status.follows(above.source_host, above.source_port):
            raise NeedsPerson(
                f"{hook.name} replicates from {status.source_host}:{status.source_port}, not from {source.name}. Stop "
                "and reset that, if it is not meant, and run this again."
            )
        log.info("%s: ends the channel that it has from its source.", hook.name)
        replicate.stop(hook)
        replicate.reset(hook)

    def done(self) -> str:
        """What it does."""
        status = self.servers.hook(CLONE).status()
        return f"{self.servers.title(CLONE)}: {describe(status) if status else 'replicates from no server'}"


class CaughtUpStep(CloneStep):
    """A row that was written on the source after this step began is read on the clone."""

    title = "caught up"

    def plan(self, known: Known | None = None) -> list[str]:
        """What is proven."""
        return [
            "-- a row written into livemove.migration_heartbeat on the source is read on the clone;",
            "-- of a source that is itself a replica, the clone has all GTIDs",
        ]

    def advance(self) -> Pending | None:
        """Write a beat and wait for it."""
        source, hook = self.servers.hook(Role.SOURCE), self.servers.hook(CLONE)
        if source.status() is not None:
            # A row of ours would be an errant transaction of a replica.
            return self._contained()
        name = f"clone {self.settings.name}"
        number = heartbeat.beat(source, name)
        if heartbeat.wait_seen(hook, name, number, 10):
            return None
        replicate.start(hook)  # Says what is wrong, if replication does not run.
        return Pending(f"{hook.name} shows heartbeat {heartbeat.seen(hook, name)}, and {number} is needed")

    def _contained(self) -> Pending | None:
        """Wait until the clone has all that the source has committed by now, by GTID."""
        source, hook = self.servers.hook(Role.SOURCE), self.servers.hook(CLONE)
        wanted = source.executed()
        if not wanted:
            raise NeedsPerson(
                f"{source.name} is a replica without GTIDs: whether the clone has caught up cannot be proven. Clone "
                "the cluster that takes the writes."
            )
        if hook.wait_for(wanted, 10):
            return None
        replicate.start(hook)
        return Pending(f"{hook.name} lacks {(wanted - hook.executed()).count()} transactions")

    def done(self) -> str:
        """What is true."""
        return f"{self.servers.title(CLONE)} has caught up"


def all_steps() -> dict[str, StepMaker]:
    """All steps in their order, by the ids of their tasks."""
    return {
        "binlog": BinlogStep,
        "source": SourceStep,
        "clone": CreateStep,
        "replicate": ReplicateStep,
        "caught_up": CaughtUpStep,
    }


def render(servers: CloneServers) -> str:
    """The plan as text."""
    lines = [f"# Plan of aurora_clone_replication for {servers.settings.name}", ""]
    for name, make in all_steps().items():
        step = make(servers)
        lines += [f"## {name}: {step.title}", ""]
        lines += [f"    {line}" for text in step.plan() for line in text.splitlines()] + [""]
    return "\n".join(lines).rstrip() + "\n"
