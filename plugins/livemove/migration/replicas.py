"""Steps of prepare on the MySQL side of a replica: it replicates, it has what its source had, it rests."""

from __future__ import annotations

import logging

from livemove.migration.databases import RoleStep
from livemove.migration.settings import MigrationSettings, Role
from livemove.migration.steps import Pending
from livemove.migration.wanted import READ_ONLY, Known
from livemove.mysql import replicate
from livemove.mysql.credentials import Credentials, Secret
from livemove.mysql.gtid import GtidSet
from livemove.mysql.procedures import Catalog, choose, has
from livemove.mysql.replication import ReplicationBroken, describe
from livemove.rds import steps
from livemove.rds.calls import modify_parameter_group
from livemove.runbook.errors import NeedsPerson

log = logging.getLogger(__name__)

# Procedures of servers that do not exist yet, for plans; the server itself is asked before a call.
AURORA: Catalog = {
    "rds_set_external_source_with_auto_position": 5,
    "rds_start_replication": 0,
    "rds_set_read_only": 1,
    "rds_set_configuration": 2,
}
RDS_80: Catalog = {
    "rds_set_external_master_with_auto_position": 6,
    "rds_start_replication": 0,
    "rds_set_configuration": 2,
}
RDS_84: Catalog = {**RDS_80, "rds_set_external_source_with_auto_position": 6}


def expected_catalog(role: Role, source_version: str) -> Catalog:
    """The procedures that a server of a role is expected to have."""
    if role.is_cluster:
        return AURORA
    return RDS_80 if source_version.startswith("8.0") else RDS_84


def address_text(settings: MigrationSettings, role: Role, known: Known) -> tuple[str, int]:
    """Host and port of a role for a plan; a database that does not exist yet has none."""
    return known.endpoints.get(role, (f"<endpoint of {settings.server(role).identifier}>", settings.mysql.port))


class ReplicateStep(RoleStep):
    """The database replicates from the one upstream, by GTID, with TLS, and lacks nothing of it."""

    title = "replication"

    @property
    def upstream(self) -> Role:
        """The role that it replicates from."""
        found = self.role.upstream
        assert found is not None  # noqa: S101 - the source has no such step
        return found

    def plan(self, known: Known) -> list[str]:
        """The calls."""
        host, port = address_text(self.settings, self.upstream, known)
        catalog = expected_catalog(self.role, known.source_version)
        login = f"<login of {self.settings.mysql.replication_conn_id}>"
        source = choose(
            catalog,
            "set_source_auto_position",
            host=host,
            port=port,
            user=login,
            password=Secret("***"),
            ssl=1,
        )
        return [source.text(), choose(catalog, "start").text()]

    def advance(self) -> Pending | None:
        """Set the source and start, unless it replicates already."""
        hook = self.servers.hook(self.role)
        host, port = self.servers.endpoint(self.upstream)
        status = hook.status()
        if status is not None and not status.follows(host, port):
            self._end_inherited()
            status = hook.status()
        if status is None or not status.running:
            self._level()
            credentials = Credentials.of(self.settings.mysql.replication_conn_id)
            replicate.set_source(hook, host=host, port=port, replication=credentials)
            status = replicate.start(hook)
        log.info("%s: %s.", self.name, describe(status))
        return None

    def _end_inherited(self) -> None:
        """A snapshot of a replica carries its channel, which goes on in the copy; it is ended.

        :raises NeedsPerson: it replicates from a server that is not upstream in the chain.
        """
        hook = self.servers.hook(self.role)
        status = hook.status()
        assert status is not None  # noqa: S101 - looked at by the caller
        known = {role: self.servers.endpoint(role) for role in self.servers.existing()}
        origin = [role for role, (host, port) in known.items() if status.follows(host, port)]
        # Only what came with the snapshot: 3 is made from 2, which replicates from 1.
        if self.role is not Role.CDC or origin != [Role.SOURCE] or self.servers.outcome() != "open":
            raise NeedsPerson(
                f"{self.name} replicates from {status.source_host}:{status.source_port}, and should replicate from "
                f"{self.servers.title(self.upstream)}. If that is not meant, stop and reset it "
                "(mysql.rds_stop_replication, then reset), and run this again."
            )
        log.info("%s: ends the channel that came with the snapshot: %s.", self.name, describe(status))
        replicate.stop(hook)
        replicate.reset(hook)

    def _level(self) -> None:
        """Let transactions count as executed that only the servers above have made, and have purged.

        The account statements of prepare on 2, for one, are part of the snapshot that 3 was made of, and of no binary
        log of 3; 4 would ask for them in vain.

        :raises NeedsPerson: transactions of the application are missing: the snapshot is too old.
        """
        hook, upstream = self.servers.hook(self.role), self.servers.hook(self.upstream)
        missing = upstream.purged() - hook.executed()
        if not missing:
            return
        above = {self.servers.hook(role).server_uuid() for role in (Role.TARGET, Role.CDC) if role != self.role}
        own = GtidSet.parse("")
        for uuid in above:
            own |= missing.only(uuid)
        if lost := missing - own:
            raise NeedsPerson(
                f"{self.name} lacks {lost.count()} transactions that {self.servers.title(self.upstream)} has purged "
                f"from its binary logs: {lost}. The snapshot that it was made of is too old: delete the database and "
                "the snapshot, and run this again."
            )
        log.warning("%s: %s were made above it before the chain was complete; they count as executed.", self.name, own)
        replicate.purge_gtids(hook, own)

    def done(self) -> str:
        """What it does."""
        status = self.servers.hook(self.role).status()
        if status is None or not status.running:
            raise ReplicationBroken(self.name, status)
        return f"{self.name}: {describe(status)}"


class RestStep(RoleStep):
    """The database is read_only and runs no events, until it serves."""

    title = "rest"

    def plan(self, known: Known) -> list[str]:
        """The calls."""
        if self.role.is_cluster:
            catalog = expected_catalog(self.role, known.source_version)
            return [choose(catalog, "set_read_only", mode=1).text(), "event_scheduler is OFF by the parameter group."]
        call = modify_parameter_group(
            name=self.settings.new_server(self.role).parameter_group, parameters=[_read_only(True)], cluster=False
        )
        return [call.text(), "event_scheduler is OFF by the parameter group."]

    def advance(self) -> Pending | None:
        """Make it rest."""
        hook = self.servers.hook(self.role)
        if str(hook.value("SELECT @@GLOBAL.event_scheduler")).upper() not in ("OFF", "DISABLED", "0"):
            return Pending(f"{self.name}: event_scheduler is still ON")
        if self.role.is_cluster and not has(hook.catalog(), "set_read_only"):
            log.warning(
                "%s: this version of Aurora cannot be made read_only; nobody may be given its address.", self.name
            )
            return None
        return set_read_only(self, on=True)

    def done(self) -> str:
        """What is true."""
        return f"{self.name} is {'read_only' if self.servers.hook(self.role).read_only() else 'NOT read_only'}"


def _read_only(on: bool) -> dict[str, str]:
    return {"ParameterName": READ_ONLY, "ParameterValue": str(int(on)), "ApplyMethod": "immediate"}


def set_read_only(step: RoleStep, *, on: bool) -> Pending | None:
    """Set read_only: on Aurora by its procedure, on RDS by the parameter group, where it takes a moment."""
    hook = step.servers.hook(step.role)
    if step.role.is_cluster:
        replicate.set_read_only(hook, on)
        return None
    group = step.settings.new_server(step.role).parameter_group
    steps.set_parameters(step.rds, group, {READ_ONLY: int(on)}, cluster=False)
    if hook.read_only() == on:
        return None
    return Pending(f"{step.name}: read_only is still {'OFF' if on else 'ON'}; the parameter group's value arrives soon")
