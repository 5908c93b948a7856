"""The stretch in which writes are stopped: its time, its phase, its polls."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from livemove.migration.guard import Guard, GuardLost
from livemove.migration.switch import Phase
from livemove.mysql.errors import ServerError
from livemove.mysql.gtid import GtidSet
from livemove.runbook.errors import NeedsPerson, TryAgain

log = logging.getLogger(__name__)

POLL_SECONDS = 0.1


@dataclass
class Stretch:
    """What is known while writes are stopped.

    :ivar until: `time.monotonic()` at which waiting is given up.
    :ivar gtids: all that the server that is left has committed.
    """

    guard: Guard
    until: float
    phase: Phase = Phase.READY
    gtids: GtidSet = field(default_factory=lambda: GtidSet.parse(""))
    began: float = field(default_factory=time.monotonic)
    steps: list[tuple[str, float]] = field(default_factory=list)

    def enter(self, phase: Phase) -> None:
        """Enter a phase, before its first action."""
        self.guard.enter(phase)
        self.phase = phase

    def passing(self, what: str) -> None:
        """Show that the task goes on, or stop it when the time is up."""
        self.guard.renew()
        if time.monotonic() > self.until:
            raise TryAgain(f"The time to have writes stopped is up (limits.fence_timeout_seconds): {what}.")

    def note(self, what: str) -> None:
        """Log a step that is done, with the seconds since writes were stopped."""
        seconds = round(time.monotonic() - self.began, 3)
        self.steps.append((what, seconds))
        log.info("%6.3f s  %s", seconds, what)

    def poll(self, what: str, look: Callable[[], str | None]) -> None:
        """Look until nothing is missing.

        :param look: returns what is missing, with figures; None when nothing is.
        :raises TryAgain: the time is up.
        """
        told = ""
        while (missing := self._looked(look)) is not None:
            if missing != told:
                log.info("%6.3f s  %s: %s", time.monotonic() - self.began, what, missing)
                told = missing
            self.passing(f"{what}: {missing}")
            time.sleep(POLL_SECONDS)
        self.note(what)

    @staticmethod
    def _looked(look: Callable[[], str | None]) -> str | None:
        try:
            return look()
        except (TryAgain, ServerError) as error:
            if isinstance(error, NeedsPerson | GuardLost):
                raise
            return str(error)
