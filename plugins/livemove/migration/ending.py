"""Ends a switch that its task does not go on with: undoes it, or completes it. Every step looks first.

The task itself, the dead-man's process and the next attempt all end a switch by these same steps.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from livemove.migration import fence, state
from livemove.migration.endpoint import Mover
from livemove.migration.line import Line
from livemove.migration.maintenance import MaintenanceMode
from livemove.migration.switch import SERVED, UNDONE, Ending, Phase, Switch
from livemove.runbook.errors import NeedsPerson

log = logging.getLogger(__name__)

RETRY_SECONDS = 0.2


@dataclass
class Means:
    """What a switch is ended with.

    :ivar report: what was done, in order.
    """

    leaving: Line
    entering: Line
    mover: Mover
    maintenance: MaintenanceMode
    report: list[str] = field(default_factory=list)


class NotEnded(NeedsPerson):
    """A step of ending a switch did not work; it stands in the journal as not ended, and may be ended again."""


def undo(switch: Switch, phase: Phase, why: str, means: Means, *, until: float) -> list[str]:
    """Let the application write again on the server that it was to leave.

    The server that was to be entered stays locked once it has stopped replicating: it must not be written to.

    :param until: `time.monotonic()` after which a step that fails is not tried again.
    :returns: what was done.
    :raises NotEnded: a step did not work.
    """
    do = _Doer(means.report, until)
    do("writes are back", lambda: fence.open_again(means.leaving, switch.opening))
    if phase >= Phase.MOVING:
        do("the endpoint is put back", lambda: _put_back(means, switch.endpoint_held))
    if phase < Phase.TURNING:
        # It may be down: nobody writes there.
        do.once("the other server's accounts are as before", lambda: _open_other(means.entering, switch))
    do("maintenance mode is off", means.maintenance.off)
    do.raise_problems()
    detail = {"attempt": switch.attempt, "why": why, "phase": phase.name, "rebuild": phase >= Phase.TURNING}
    do("it is recorded", lambda: _record_once(means.leaving, switch, UNDONE, detail))
    do.raise_problems()
    return means.report


def complete(switch: Switch, means: Means, *, until: float) -> list[str]:
    """Open the server that is entered to the application. The outcome is recorded before the first account opens.

    :returns: what was done.
    :raises NotEnded: a step did not work.
    """
    do = _Doer(means.report, until)
    attempt = {"attempt": switch.attempt}
    do("the outcome is recorded", lambda: _record_once(means.entering, switch, switch.outcome, attempt))
    # Unrecorded, another attempt would take the way back.
    do.raise_problems()
    do("writes are on", lambda: fence.open_again(means.entering, switch.opening))
    do("maintenance mode is off", means.maintenance.off)
    do.raise_problems()
    do("it is recorded", lambda: _record_once(means.entering, switch, SERVED, attempt))
    do.raise_problems()
    return means.report


def end(switch: Switch, phase: Phase, how: Ending, why: str, means: Means, *, until: float) -> list[str]:
    """Do what `switch.ending` says.

    :raises NotEnded: a step did not work.
    """
    if how is Ending.UNDO:
        return undo(switch, phase, why, means, until=until)
    return complete(switch, means, until=until) if how is Ending.COMPLETE else []


def _open_other(server: Line, switch: Switch) -> list[str]:
    if not switch.entering_opening.accounts:
        return []
    return fence.open_again(server, switch.entering_opening)


def _put_back(means: Means, held: str) -> None:
    if means.mover.held() != held:
        means.mover.put_back(held)


def _record_once(server: Line, switch: Switch, step: str, detail: Mapping[str, object]) -> None:
    known = [e.detail.get("attempt") for e in state.entries(server, switch.migration) if e.step == step]
    if switch.attempt not in known:
        state.record(server, switch.migration, step, detail)


class _Doer:
    """Does steps one after the other, each again and again until it works, needs a person, or the time is up."""

    def __init__(self, report: list[str], until: float) -> None:
        self._report = report
        self._until = until
        self._problems: list[str] = []

    def __call__(self, what: str, action: Callable[[], object]) -> None:
        while (problem := self._tried(what, action)) is not None:
            if isinstance(problem, NeedsPerson) or time.monotonic() > self._until:
                # What follows must not wait for a person.
                self._problems.append(f"{what}: not so: {problem}")
                return
            time.sleep(RETRY_SECONDS)

    def once(self, what: str, action: Callable[[], object]) -> None:
        """Do a step that may fail."""
        self._tried(what, action)

    def raise_problems(self) -> None:
        """Stop here if a step did not work."""
        if self._problems:
            raise NotEnded("\n".join(self._problems))

    def _tried(self, what: str, action: Callable[[], object]) -> Exception | None:
        try:
            found = action()
        except Exception as error:
            self._tell(f"{what}: not yet: {type(error).__name__}: {error}", logging.WARNING)
            return error
        for line in found if isinstance(found, list) else ():
            self._tell(line, logging.INFO)
        self._tell(what, logging.INFO)
        return None

    def _tell(self, line: str, level: int) -> None:
        if not self._report or self._report[-1] != line:
            log.log(level, "%s", line)
            self._report.append(line)
