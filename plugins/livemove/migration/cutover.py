"""The cutover: the application leaves RDS MySQL (1) and enters Aurora (2); 3 and 4 go on replicating from there."""

from __future__ import annotations

import logging
from typing import Any, cast

from livemove.migration.settings import Role
from livemove.migration.stretch import Stretch
from livemove.migration.switching import Switching
from livemove.mysql import heartbeat, replicate
from livemove.rds import steps
from livemove.rds.calls import promote_cluster
from livemove.rds.waiting import look_at_all
from livemove.rds.waits import Wait
from livemove.runbook.errors import NeedsPerson, TryAgain

log = logging.getLogger(__name__)


class Cutover(Switching):
    """Moves the application from `source` to `target`."""

    direction = "cutover"
    leaving = Role.SOURCE
    entering = Role.TARGET
    followers = (Role.TARGET, Role.CDC, Role.FALLBACK)
    allowed = "open"

    def shut_entering_first(self) -> bool:
        """Aurora's master user has CONNECTION_ADMIN, which `read_only` does not bind."""
        return True

    def turn_texts(self) -> list[str]:
        """Promotion, `read_only`, write test."""
        call = promote_cluster(identifier=self.settings.target.identifier)
        return [
            *call.text().splitlines(),
            "poll the RDS API and the server every 0.2 s or sooner until it answers and replicates from nothing",
            "all GTIDs are still there",
            "CALL mysql.rds_set_read_only(0), if read_only is on",
            "write a heartbeat as a test",
        ]

    def turn(self, stretch: Stretch) -> None:
        """Promote, and prove that it is a server of its own that has everything and takes writes."""
        self._promote(stretch)
        target = self.line(Role.TARGET)

        def missing() -> str | None:
            if target.rows("SHOW REPLICA STATUS"):
                return f"{target.name} still replicates"
            lacking = stretch.gtids - target.executed()
            return f"{target.name} lacks {lacking.count()} GTIDs" if lacking else None

        stretch.poll(f"{target.name} is a server of its own with all GTIDs", missing)
        self._make_writable(stretch)
        heartbeat.beat(cast("Any", target), self.settings.name)
        stretch.note(f"{target.name} takes writes")

    def _promote(self, stretch: Stretch) -> None:
        rds, identifier = self.servers.rds(Role.TARGET), self.settings.target.identifier
        waits: list[Wait] | None = None

        def missing() -> str | None:
            nonlocal waits
            seen = ""
            if waits:
                seen, done = look_at_all(rds, waits)
                if not done:
                    return seen
            # Asked for until nothing is to be waited for; a promotion that is under way is not begun again.
            waits = steps.promote_cluster(rds, identifier)
            return (seen or "asked for") if waits else None

        stretch.poll(f"cluster {identifier} is promoted", missing)

    def _make_writable(self, stretch: Stretch) -> None:
        hook, line = self.servers.hook(Role.TARGET), self.line(Role.TARGET)
        if not int(line.value("SELECT @@GLOBAL.read_only")):
            return
        try:
            replicate.set_read_only(hook, False)
        except TryAgain:
            raise
        except NeedsPerson as problem:
            # A version without the procedure: the parameter group is the other way.
            log.info("%s Using the parameter group.", problem)
            group = self.settings.target.parameter_group
            steps.set_parameters(self.servers.rds(Role.TARGET), group, {"read_only": "0"}, cluster=True)

        def missing() -> str | None:
            return "read_only is still on" if int(line.value("SELECT @@GLOBAL.read_only")) else None

        stretch.poll(f"{line.name} is no longer read_only", missing)
