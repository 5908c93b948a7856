"""The servers of one migration: found in the RDS API by identifier, logged in to with the connections of the file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from livemove.migration import state
from livemove.migration.settings import MigrationSettings, Role, load_migration
from livemove.mysql.hook import RdsMySqlHook
from livemove.rds.hook import RdsHook
from livemove.runbook.errors import NeedsPerson


class Servers:
    """The four databases of a migration.

    Endpoints are looked up once for each object; `forget` has them looked up again, after a connection failed
    or a database was made anew.
    """

    def __init__(self, settings: MigrationSettings) -> None:
        self.settings = settings
        self._endpoints: dict[Role, tuple[str, int]] = {}
        self._rds: dict[str, RdsHook] = {}

    @classmethod
    def named(cls, migration: str) -> Servers:
        """Return the servers of `include/migrations/<migration>.yaml`."""
        return cls(load_migration(migration))

    def rds(self, role: Role) -> RdsHook:
        """Return the RDS API of a role's account."""
        conn_id = self.settings.aws_conn(role)
        if conn_id not in self._rds:
            self._rds[conn_id] = RdsHook(aws_conn_id=conn_id)
        return self._rds[conn_id]

    def describe(self, role: Role) -> dict[str, Any] | None:
        """Return what the RDS API says of the cluster or instance; None if there is none."""
        identifier = self.settings.server(role).identifier
        return self.rds(role).cluster(identifier) if role.is_cluster else self.rds(role).instance(identifier)

    def writer_instance(self, role: Role) -> dict[str, Any] | None:
        """Return the instance that takes writes: a cluster's writer, or the instance itself."""
        found = self.describe(role)
        if found is None or not role.is_cluster:
            return found
        for member in found.get("DBClusterMembers", ()):
            if member.get("IsClusterWriter"):
                return self.rds(role).instance(member["DBInstanceIdentifier"])
        return self.rds(role).instance(self.settings.writer_instance(role))

    def endpoint(self, role: Role) -> tuple[str, int]:
        """Return host and port of a role's writer.

        :raises NeedsPerson: there is no such database.
        """
        if role not in self._endpoints:
            self._endpoints[role] = self.rds(role).endpoint(self.settings.server(role).identifier)
        return self._endpoints[role]

    def forget(self, role: Role) -> None:
        """Have the endpoint looked up again at its next use."""
        self._endpoints.pop(role, None)

    def hook(self, role: Role) -> RdsMySqlHook:
        """Return the MySQL side of a role, as the master user."""
        host, port = self.endpoint(role)
        return RdsMySqlHook(self.settings.mysql.admin_conn_id, host=host, port=port, name=self.title(role))

    def title(self, role: Role) -> str:
        """Return how a role is named to people, such as `target shop-aurora`."""
        return f"{role.value} {self.settings.server(role).identifier}"

    def existing(self) -> Iterator[Role]:
        """The roles whose database takes connections, as far as the RDS API knows, in the order of the chain."""
        for role in Role:
            instance = self.writer_instance(role)
            if instance is not None and instance.get("Endpoint", {}).get("Address"):
                yield role

    def outcome(self) -> state.Outcome:
        """What the migration has come to: the furthest outcome that any server's journal holds.

        :raises NeedsPerson: no server of the migration can be read.
        """
        return state.furthest(self._steps())

    def serving(self) -> Role:
        """The role that the application writes to, by the journals: source, target after a cutover, or fallback."""
        steps = self._steps()
        if state.furthest(steps) == "open":
            return Role.SOURCE
        # Also of a finished migration: what was fallen back to stays.
        return Role.FALLBACK if "fallen_back" in steps else Role.TARGET

    def _steps(self) -> list[str]:
        """The steps in the journals of all servers that answer: not all of them have replicated from the others."""
        steps: list[str] = []
        looked = False
        for role in self.existing():
            try:
                steps += [entry.step for entry in state.entries(self.hook(role), self.settings.name)]
                looked = True
            except NeedsPerson:
                raise
            except Exception:
                # The others have it from the one that serves; what acts on it looks at that one anyway.
                self.forget(role)
        if not looked:
            raise NeedsPerson(
                f"migration {self.settings.name}: no server of it answers ({', '.join(map(self.title, Role))}). "
                "Look at them in the RDS console, and run this again when one answers."
            )
        return steps
