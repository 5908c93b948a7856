"""Steps of prepare that give a server what replication does not bring: accounts, retention, and our own tables."""

from __future__ import annotations

import logging

from livemove.migration import account_copies, state
from livemove.migration.databases import RoleStep
from livemove.migration.replicas import expected_catalog, set_read_only
from livemove.migration.settings import Role
from livemove.migration.steps import Pending, Step
from livemove.migration.wanted import Known
from livemove.mysql import accounts, checksum, gtid_ledger, heartbeat, replicate
from livemove.mysql.credentials import Credentials, Secret
from livemove.mysql.procedures import choose
from livemove.runbook.errors import NeedsPerson

log = logging.getLogger(__name__)
RETENTION = "binlog retention hours"


class SourceStep(Step):
    """The source can be replicated from: the replication user, the retention, and our tables."""

    title = "source"

    def plan(self, known: Known) -> list[str]:
        """The statements."""
        account = f"<login of {self.settings.mysql.replication_conn_id}>'@'{self.settings.mysql.replication_host}"
        hours = self.settings.retention_hours(Role.SOURCE)
        catalog = expected_catalog(Role.SOURCE, known.source_version)
        retention = choose(catalog, "set_configuration", name=RETENTION, value=hours)
        return [
            f"CREATE USER IF NOT EXISTS '{account}' IDENTIFIED BY '***' REQUIRE SSL  -- unless it is there",
            f"GRANT REPLICATION CLIENT, REPLICATION SLAVE ON *.* TO '{account}'",
            retention.text(),
            "-- in schema livemove, made if missing: migration_heartbeat, migration_journal, gtid_ledger, checksum",
        ]

    def advance(self) -> Pending | None:
        """Make what is missing."""
        hook = self.servers.hook(Role.SOURCE)
        self._replication_user()
        replicate.set_configuration(hook, RETENTION, self.settings.retention_hours(Role.SOURCE))
        heartbeat.install(hook)
        state.install(hook)
        gtid_ledger.install(hook)
        checksum.install(hook)
        if state.last(hook, self.settings.name, "preparing") is None:
            state.record(hook, self.settings.name, "preparing", {"server_uuid": hook.server_uuid()})
        return None

    def _replication_user(self) -> None:
        """Make the replication user, unless it is there with what it needs.

        :raises NeedsPerson: it is there and may not replicate.
        """
        hook, credentials = self.servers.hook(Role.SOURCE), Credentials.of(self.settings.mysql.replication_conn_id)
        found = accounts.read(hook, [credentials.login])
        if found:
            granted = " ".join(statement for each in found.values() for statement in each)
            if "REPLICATION SLAVE" not in granted and "ALL PRIVILEGES ON *.*" not in granted:
                raise NeedsPerson(
                    f"{hook.name}: user {credentials.login!r} exists and may not replicate. GRANT REPLICATION CLIENT, "
                    f"REPLICATION SLAVE ON *.* to it, or name another in {self.settings.mysql.replication_conn_id}."
                )
            return
        name = (credentials.login, self.settings.mysql.replication_host)
        hook.execute(
            "CREATE USER IF NOT EXISTS %s@%s IDENTIFIED BY %s REQUIRE SSL", (*name, Secret(credentials.password))
        )
        hook.execute("GRANT REPLICATION CLIENT, REPLICATION SLAVE ON *.* TO %s@%s", name)

    def done(self) -> str:
        """What is true."""
        return f"{self.servers.title(Role.SOURCE)} can be replicated from"


class SettleStep(RoleStep):
    """The server has the source's accounts, and keeps its binary logs long enough."""

    title = "accounts and retention"

    @property
    def _users(self) -> list[str] | None:
        """Whose accounts are compared: all, but on 3, which nobody but DMS and 4 reads, only replication's."""
        return [Credentials.of(self.settings.mysql.replication_conn_id).login] if self.role is Role.CDC else None

    def plan(self, known: Known) -> list[str]:
        """The statements."""
        catalog = expected_catalog(self.role, known.source_version)
        hours = self.settings.retention_hours(self.role)
        whose = "the replication user" if self.role is Role.CDC else "every account of the source"
        return [
            f"-- {whose}, where it differs from the source's: CREATE USER or ALTER USER with its hash, and its GRANTs",
            choose(catalog, "set_configuration", name=RETENTION, value=hours).text(),
        ]

    def advance(self) -> Pending | None:
        """Make what is missing."""
        hook, source = self.servers.hook(self.role), self.servers.hook(Role.SOURCE)
        replicate.set_configuration(hook, RETENTION, self.settings.retention_hours(self.role))
        if not account_copies.unlike(source, hook, self._users):
            return None
        if not self.role.is_cluster and hook.read_only():
            # The master user of RDS is bound by read_only. The step `rest` sets it again.
            found = set_read_only(self, on=False)
            if found:
                return found
        account_copies.copy(source, hook, self._users)
        return None

    def done(self) -> str:
        """What is true."""
        return (
            f"{self.name}: accounts as on the source, binary logs kept for {self.settings.retention_hours(self.role)} h"
        )


class ArriveStep(RoleStep):
    """A heartbeat row that was written on the source after this step began is read on the database."""

    title = "heartbeat"

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self._beat: int | None = None

    def plan(self, known: Known) -> list[str]:
        """What is proven."""
        return [f"-- a row written into livemove.migration_heartbeat on the source is read on {self.name}"]

    def advance(self) -> Pending | None:
        """Write a beat, or look for the one that was written."""
        name = self.settings.name
        if self._beat is None:
            self._beat = heartbeat.beat(self.servers.hook(Role.SOURCE), name)
        # An idle chain takes less than a second; a task that is put off for it takes longer.
        if heartbeat.wait_seen(self.servers.hook(self.role), name, self._beat, 10):
            return None
        status = self.servers.hook(self.role).status()
        if status is not None and status.broken:
            from livemove.mysql.replication import ReplicationBroken

            raise ReplicationBroken(self.name, status)
        seen = heartbeat.seen(self.servers.hook(self.role), name)
        return Pending(f"{self.name} shows heartbeat {seen}, and {self._beat} is needed")

    def done(self) -> str:
        """What is true."""
        return f"{self.name} shows heartbeat {self._beat}"
