"""The fall back: the application leaves Aurora (2) and enters RDS MySQL (4); 2 and 3 then replicate from there."""

from __future__ import annotations

import logging
import time
from typing import Any, cast

from livemove.migration import fence
from livemove.migration.line import Line
from livemove.migration.settings import Role
from livemove.migration.stretch import POLL_SECONDS, Stretch
from livemove.migration.switching import Switching
from livemove.mysql import heartbeat, replicate
from livemove.mysql.credentials import Credentials
from livemove.mysql.errors import ServerError
from livemove.rds import steps
from livemove.rds.calls import modify_parameter_group
from livemove.runbook.errors import TryAgain

log = logging.getLogger(__name__)

READ_ONLY_SECONDS = 60.0


class FallBack(Switching):
    """Moves the application from `target` to `fallback`."""

    direction = "fall_back"
    leaving = Role.TARGET
    entering = Role.FALLBACK
    followers = (Role.CDC, Role.FALLBACK)
    allowed = "cut_over"

    def shut_entering_first(self) -> bool:
        """RDS's master user lacks CONNECTION_ADMIN: while the server is `read_only` it cannot lock accounts."""
        return False

    def turn_texts(self) -> list[str]:
        """Reset, `read_only`, write test."""
        group, cluster = self.group()
        row = {"ParameterName": "read_only", "ParameterValue": "0", "ApplyMethod": "immediate"}
        call = modify_parameter_group(name=group, parameters=[row], cluster=cluster)
        return [
            "CALL mysql.rds_reset_external_master (or _source, as the server has it); SHOW REPLICA STATUS is empty",
            *call.text().splitlines(),
            "poll every 0.2 s or sooner until read_only is off",
            "write a heartbeat as a test",
        ]

    def turn(self, stretch: Stretch) -> None:
        """End replication, lift `read_only`, lock the writers' accounts until the endpoint has moved."""
        line = self.line(Role.FALLBACK)
        replicate.reset(self.servers.hook(Role.FALLBACK))
        stretch.note(f"{line.name} replicates from nothing")
        group, cluster = self.group()
        steps.set_parameters(self.servers.rds(Role.FALLBACK), group, {"read_only": "0"}, cluster=cluster)

        def missing() -> str | None:
            return "read_only is still on" if int(line.value("SELECT @@GLOBAL.read_only")) else None

        stretch.poll(f"{line.name} is no longer read_only", missing)
        users = self.settings.writers.users
        fence.shut(line, fence.look(line, users), users, until=stretch.until, passing=stretch.passing)
        heartbeat.beat(cast("Any", line), self.settings.name)
        stretch.note(f"{line.name} takes writes")

    def mend(self) -> None:
        """Let 4 replicate from 3 again: nothing but the runbook has written on it.

        It is `read_only` first. Then the source's own statements unlock its accounts, as they locked them.
        """
        hook, line = self.servers.hook(Role.FALLBACK), self.line(Role.FALLBACK)
        try:
            self._make_read_only(line)
            if hook.status() is None:
                host, port = self.servers.endpoint(Role.CDC)
                credentials = Credentials.of(self.settings.mysql.replication_conn_id)
                replicate.set_source(hook, host=host, port=port, replication=credentials)
            replicate.start(hook)
        except (ServerError, TryAgain) as error:
            log.warning("%s is not yet back in the chain; the next run tries again: %s", line.name, error)
        else:
            log.info("%s replicates from %s again.", line.name, self.servers.title(Role.CDC))

    def _make_read_only(self, line: Line) -> None:
        group, cluster = self.group()
        steps.set_parameters(self.servers.rds(Role.FALLBACK), group, {"read_only": "1"}, cluster=cluster)
        ends = time.monotonic() + READ_ONLY_SECONDS
        while not int(line.value("SELECT @@GLOBAL.read_only")):
            if time.monotonic() > ends:
                raise TryAgain(f"read_only of {group} has not been applied for {READ_ONLY_SECONDS:g} s.")
            time.sleep(POLL_SECONDS)
