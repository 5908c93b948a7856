"""What the steps of the migration's runbooks share: look, do what is missing, say what is waited for."""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from livemove.migration.settings import Role
from livemove.migration.topology import Servers
from livemove.migration.wanted import Known
from livemove.rds.hook import RdsHook
from livemove.rds.waiting import Waits, look_at_all
from livemove.rds.waits import Wait
from livemove.runbook.errors import TryAgain

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Pending:
    """A step has done what it can do now; it is run again after a wait.

    :ivar reason: what is waited for, with figures.
    :ivar waits: resources of the RDS API; without them, the step looks again after a pause.
    :ivar role: whose RDS API they are looked at with.
    """

    reason: str
    waits: tuple[Wait, ...] = ()
    role: Role = Role.SOURCE


class Step(ABC):
    """One step of a runbook. It can be run any number of times, and be killed anywhere.

    :cvar title: what it does, for the plan.
    """

    title: str

    def __init__(self, servers: Servers) -> None:
        self.servers = servers
        self.settings = servers.settings

    @abstractmethod
    def plan(self, known: Known) -> list[str]:
        """The statements and calls that are missing, exactly; what is there already is said. Pure."""

    @abstractmethod
    def advance(self) -> Pending | None:
        """Do what is missing and can be done now; None when all of it is true.

        :raises NeedsPerson: only a person can go on.
        :raises TryAgain: the same step may work later.
        """

    def done(self) -> str:
        """What is true now, in one line, for log and report."""
        return self.title


def pending(role: Role, waits: Waits, reason: str = "") -> Pending | None:
    """Turn waits into what a step returns; None if there are none."""
    return Pending(reason or f"{waits[0].subject}", tuple(waits), role) if waits else None


class Apis(Protocol):
    """What can look at resources."""

    def rds(self, role: Role) -> RdsHook:
        """Return the RDS API of a role's account."""


def look(servers: Apis, found: Pending) -> tuple[str, bool]:
    """Look once at what a step waits for; without resources to look at, it is the step's turn again."""
    if not found.waits:
        return found.reason, True
    return look_at_all(servers.rds(found.role), found.waits)


def complete(steps: Sequence[Step], *, timeout_seconds: float = 3600, poll_seconds: float = 1) -> None:
    """Run steps one after the other in this process, for tests and for people.

    :raises TryAgain: time is up.
    """
    ends = time.monotonic() + timeout_seconds
    for step in steps:
        while (found := step.advance()) is not None:
            ready = False
            while not ready:
                if time.monotonic() > ends:
                    raise TryAgain(f"{step.title}: waited {timeout_seconds:.0f} s for {found.reason}.")
                time.sleep(poll_seconds)
                seen, ready = look(step.servers, found)
                log.info("%s: %s", step.title, seen)
        log.info("%s", step.done())
