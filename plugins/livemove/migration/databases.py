"""Steps of prepare on the RDS side: parameter groups, databases, and the restart that applies what is static."""

from __future__ import annotations

import logging

from livemove.migration import wanted
from livemove.migration.known import find
from livemove.migration.settings import Role
from livemove.migration.steps import Pending, Step, pending
from livemove.migration.topology import Servers
from livemove.migration.wanted import Known
from livemove.rds import calls, facts, steps
from livemove.rds.faults import AlreadyThere
from livemove.rds.hook import RdsHook
from livemove.rds.states import Kind, Subject
from livemove.runbook.errors import NeedsPerson

log = logging.getLogger(__name__)


class RoleStep(Step):
    """A step on the database of one role."""

    def __init__(self, servers: Servers, role: Role) -> None:
        super().__init__(servers)
        self.role = role

    @property
    def rds(self) -> RdsHook:
        """The RDS API."""
        return self.servers.rds(self.role)

    @property
    def name(self) -> str:
        """How people call the database."""
        return self.servers.title(self.role)


class ParametersStep(RoleStep):
    """The parameter group is there and right before any database uses it."""

    title = "parameter group"

    def plan(self, known: Known) -> list[str]:
        """The calls."""
        group = self.settings.new_server(self.role).parameter_group
        made = wanted.parameter_calls(self.settings, self.role, known)
        return [call.text() for call in made] or [f"{group} is right already."]

    def advance(self) -> Pending | None:
        """Make and fill it, unless it is right."""
        for call in wanted.parameter_calls(self.settings, self.role, find(self.servers)):
            try:
                self.rds.run(call)
            except AlreadyThere as found:
                log.info("Made meanwhile: %s", found)
                return Pending(str(found))
        return None

    def done(self) -> str:
        """What it holds."""
        values = ", ".join(f"{name}={value}" for name, value in sorted(wanted.parameters(self.role).items()))
        return f"{self.settings.new_server(self.role).parameter_group}: {values}"


class CreateStep(RoleStep):
    """The database is there: made, or adopted."""

    title = "database"

    def plan(self, known: Known) -> list[str]:
        """The calls, or that it is adopted."""
        if self.role in known.there:
            return [f"{self.settings.server(self.role).identifier} exists and is adopted."]
        made = [call.text() for call in wanted.creation_calls(self.settings, self.role, known)]
        upstream = wanted.stamped_by(self.role)
        if upstream is not None and upstream not in known.there:
            named_by = self.settings.server(upstream).identifier
            made.insert(0, f"-- the name of the snapshot ends with the time at which {named_by} is made")
        return made

    def advance(self) -> Pending | None:
        """Make what is missing, one after the other; adopt what is there."""
        found = find(self.servers)
        made = wanted.creation_calls(self.settings, self.role, found)
        if self.role in found.there:
            # What it was restored from may be gone by now, and is needed no more.
            made = [call for call in made if call.subject and "snapshot" not in call.subject.kind.value]
            made = self._with_its_own_writer(made)
        ready = pending(self.role, steps.ensure(self.rds, *made))
        if ready is None:
            self.servers.forget(self.role)
            self._check()
        return ready

    def _with_its_own_writer(self, made: list[calls.Call]) -> list[calls.Call]:
        """A cluster that a person made has a writer of any name; only one without any is given ours."""
        description = self.servers.describe(self.role) or {}
        if self.role.is_cluster and facts.writer(description):
            return made[:-1]
        return made

    def _check(self) -> None:
        """Refuse an adopted database that could not serve.

        :raises NeedsPerson: its parameter group is another one, or it keeps no backups.
        """
        description = self.servers.describe(self.role) or {}
        server = self.settings.new_server(self.role)
        key = "DBClusterParameterGroupName" if self.role.is_cluster else "DBParameterGroupName"
        group = facts.value(description, key)
        if group != server.parameter_group:
            operation = "ModifyDBCluster" if self.role.is_cluster else "ModifyDBInstance"
            raise NeedsPerson(
                f"{self.name} uses parameter group {group}, and {self.role}.parameter_group says "
                f"{server.parameter_group}. Give it that group ({operation}), or name its own in the file."
            )
        if self.role is Role.FALLBACK and not description.get("BackupRetentionPeriod"):
            raise NeedsPerson(
                f"{self.name} keeps no automated backups, so it has no binlog. Set its BackupRetentionPeriod to 1 or "
                "more (that restarts it), and run this again."
            )
        if self.role is Role.FALLBACK and description.get("MultiAZ"):
            log.warning(
                "%s is Multi-AZ, so it lags while it replicates. Make it single-AZ until a fall back.", self.name
            )

    def done(self) -> str:
        """What is there."""
        return f"{self.name} exists"


class RestartStep(RoleStep):
    """Static parameters are applied, before replication starts."""

    title = "restart, if parameters wait for one"

    def plan(self, known: Known) -> list[str]:
        """The call, if it may be needed."""
        instance = self.settings.writer_instance(self.role)
        return ["-- only if parameters wait for it:", calls.reboot(identifier=instance).text()]

    def advance(self) -> Pending | None:
        """Reboot if parameters wait for it."""
        instance = self.servers.writer_instance(self.role)
        if instance is None:
            raise NeedsPerson(f"{self.name} has no writer instance; look at it in the RDS console.")
        name = instance["DBInstanceIdentifier"]
        found = pending(self.role, steps.usable(self.rds, Subject(Kind.INSTANCE, name)))
        return found or pending(self.role, steps.reboot(self.rds, name)) or self._applied()

    def _applied(self) -> Pending | None:
        """Prove by the server's own variables that the parameters apply.

        :raises NeedsPerson: one of them does not.
        """
        hook = self.servers.hook(self.role)
        rows = hook.rows("SHOW GLOBAL VARIABLES")
        values = {str(row["Variable_name"]).lower(): str(row["Value"]) for row in rows}
        asked = {**wanted.parameters(self.role), "log_bin": "ON"}
        wrong = [
            f"{name} is {values[variable]}, not {value}"
            for name, value in sorted(asked.items())
            if (variable := name.lower().replace("-", "_")) in values and not wanted.same(value, values[variable])
        ]
        if not wrong:
            return None
        if all(each.startswith(("event_scheduler", "binlog_row_image")) for each in wrong):
            # Dynamic parameters arrive within minutes, without a restart.
            return Pending(f"{self.name}: {'; '.join(wrong)}")
        raise NeedsPerson(
            f"{self.name}: parameters do not apply after a restart: {'; '.join(wrong)}. Look at its parameter group."
        )

    def done(self) -> str:
        """What applies."""
        return f"{self.name}: all parameters of its group apply"
