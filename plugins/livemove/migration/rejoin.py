"""After a fall back: Aurora (2), and with it 3, replicates from RDS MySQL (4), so that change capture goes on.

What 2 and 3 can no longer get from 4's binary logs is listed by `find`, signed by a person, and skipped by `Rejoin`
from the far end of the chain: a skipped GTID is not in the binary log of the server that skipped it, so the next
server would ask that one in vain.
"""

from __future__ import annotations

import logging
import time
from typing import Any

from livemove.migration.settings import Role
from livemove.migration.topology import Servers
from livemove.migration.triage import Triage, sort_out
from livemove.mysql import gtid_ledger, heartbeat, replicate
from livemove.mysql.credentials import Credentials
from livemove.mysql.gtid import GtidSet
from livemove.mysql.replication import ReplicationBroken, describe
from livemove.rds import steps
from livemove.runbook.errors import NeedsPerson, TryAgain

log = logging.getLogger(__name__)

ARRIVE_SECONDS, POLL_SECONDS = 300.0, 0.5
# From the far end of the chain 4 → 2 → 3.
REJOINING = (Role.CDC, Role.TARGET)


def missing(servers: Servers, role: Role) -> GtidSet:
    """What 4 has purged from its binary logs and a server does not have."""
    return servers.hook(Role.FALLBACK).purged() - servers.hook(role).executed()


def find(servers: Servers) -> Triage:
    """All transactions that 2 or 3 would have to skip, with their origin and class."""
    total = GtidSet.parse("")
    for role in REJOINING:
        total |= missing(servers, role)
    if not total:
        return Triage(())
    origins = {}
    for role in servers.existing():
        try:
            origins[servers.hook(role).server_uuid()] = servers.title(role)
        except TryAgain:
            # Retired or down: its transactions are shown by their UUID.
            servers.forget(role)
    return sort_out(total, gtid_ledger.read(servers.hook(Role.FALLBACK)), origins)


class Rejoin:
    """Lets 2 replicate from 4. Every step looks first."""

    def __init__(self, servers: Servers) -> None:
        self.servers = servers
        self.settings = servers.settings

    def plan(self) -> list[str]:
        """What is done, in order."""
        target, cdc, fallback = (self.servers.title(role) for role in (Role.TARGET, Role.CDC, Role.FALLBACK))
        return [
            f"{target}: event_scheduler off in its parameter group, read_only on",
            f"list what {fallback} has purged and {target} or {cdc} lacks; refuse what the ledger does not know as "
            "harmless; a person signs the rest",
            f"skip it on {cdc} first, then on {target}",
            f"{target}: replicate from {fallback} by GTID, with TLS; start",
            f"a heartbeat written on {fallback} is read on {target} and {cdc}, and all channels run",
        ]

    def run(self, signed: str = "") -> dict[str, Any]:
        """Join 2 and 3 to 4.

        :param signed: the GTIDs that a person has signed to be skipped.
        :returns: what was skipped, and how the channels run.
        :raises NeedsPerson: something would have to be skipped that is not harmless or was not signed.
        """
        self._rest()
        self._require_no_more_on_target()
        found = find(self.servers)
        found.raise_if_refused()
        found.require_signed(signed)
        skipped = {self.servers.title(role): str(self._skip(role)) for role in REJOINING}
        self._replicate()
        channels = self._await_arrival()
        return {"skipped": {name: gtids for name, gtids in skipped.items() if gtids}, "channels": channels}

    def _rest(self) -> None:
        """No event runs on 2 and, but for its master user, nobody writes there."""
        rds, group = self.servers.rds(Role.TARGET), self.settings.target.parameter_group
        steps.set_parameters(rds, group, {"event_scheduler": "OFF"}, cluster=True)
        replicate.set_read_only(self.servers.hook(Role.TARGET), True)

    def _require_no_more_on_target(self) -> None:
        target, fallback = self.servers.hook(Role.TARGET), self.servers.hook(Role.FALLBACK)
        if more := target.executed() - fallback.executed():
            raise NeedsPerson(
                f"{target.name} has {more.count()} transactions that {fallback.name} lacks: {more}. Something has "
                f"written there after the fall back. Look at them in its binary log; then build {target.name} and "
                f"{self.servers.title(Role.CDC)} anew from {fallback.name}."
            )

    def _skip(self, role: Role) -> GtidSet:
        hook, gtids = self.servers.hook(role), missing(self.servers, role)
        if not gtids:
            return gtids
        log.info("%s skips %d transactions: %s", hook.name, gtids.count(), gtids)
        was = hook.status()
        if was is not None:
            replicate.stop(hook)
        try:
            replicate.purge_gtids(hook, gtids)
        finally:
            if was is not None and was.running:
                replicate.start(hook)
        return gtids

    def _replicate(self) -> None:
        hook = self.servers.hook(Role.TARGET)
        host, port = self.servers.endpoint(Role.FALLBACK)
        status = hook.status()
        if status is None or not status.follows(host, port) or not status.running:
            credentials = Credentials.of(self.settings.mysql.replication_conn_id)
            replicate.set_source(hook, host=host, port=port, replication=credentials)
        log.info("%s: %s", hook.name, describe(replicate.start(hook)))
        cdc = self.servers.hook(Role.CDC)
        status = cdc.status()
        if status is not None and not status.running:
            replicate.start(cdc)

    def _await_arrival(self) -> list[str]:
        """Prove by a heartbeat that changes of 4 reach 2 and 3."""
        return arrived(self.servers, Role.FALLBACK, (Role.TARGET, Role.CDC))


def arrived(servers: Servers, serving: Role, followers: tuple[Role, ...]) -> list[str]:
    """Write a heartbeat and wait until the others show it; say how they replicate.

    :raises ReplicationBroken: a channel has stopped with an error.
    :raises TryAgain: it takes too long.
    """
    name, ends = servers.settings.name, time.monotonic() + ARRIVE_SECONDS
    beat = heartbeat.beat(servers.hook(serving), name)
    told = []
    for role in followers:
        hook = servers.hook(role)
        while heartbeat.seen(hook, name) < beat:
            status = hook.status()
            if status is None or status.broken:
                raise ReplicationBroken(hook.name, status)
            log.info("Waiting for heartbeat %d on %s: %s", beat, hook.name, describe(status))
            if time.monotonic() > ends:
                raise TryAgain(f"{hook.name} does not show heartbeat {beat} after {ARRIVE_SECONDS:.0f} s.")
            time.sleep(POLL_SECONDS)
        status = hook.status()
        told.append(f"{hook.name}: {describe(status) if status else 'replicates from nothing'}")
        log.info("Heartbeat %d has arrived on %s.", beat, hook.name)
    return told
