"""Moves the application from one server to another while it writes: what cutover and fall back share.

The stretch in which writes are stopped is one function in one process, with polls of 200 ms or less and a dead-man's
process beside it. Whatever goes wrong in it, the application gets its database back.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any, cast

from livemove.migration import ending, endpoint, fence, state
from livemove.migration.access import Access
from livemove.migration.endpoint import Address
from livemove.migration.guard import Guard, GuardLost
from livemove.migration.line import Line
from livemove.migration.locks import Lock
from livemove.migration.maintenance import MaintenanceMode
from livemove.migration.settings import Role
from livemove.migration.stretch import POLL_SECONDS, Stretch
from livemove.migration.switch import FENCE, TURN, UNDONE, Direction, Ending, Phase, Switch, phase_of
from livemove.migration.switch import ending as ending_of
from livemove.migration.topology import Servers
from livemove.mysql import heartbeat
from livemove.rds import steps
from livemove.runbook.errors import NeedsPerson, TryAgain
from livemove.runbook.evidence import Evidence

log = logging.getLogger(__name__)

LOCK_SECONDS = 60.0
SETTLE_SECONDS = 120.0
EVENTS_SECONDS = 60.0


class Undone(NeedsPerson):
    """The switch was undone: the application writes where it did before."""


class Switching:
    """Base of `Cutover` and `FallBack`.

    :param servers: of the migration.
    :param evidence: measures the evidence anew.
    """

    direction: Direction
    leaving: Role
    entering: Role
    #: Roles that must have all that the server that is left has committed.
    followers: tuple[Role, ...]
    #: The migration's outcome that allows this switch.
    allowed: state.Outcome

    def __init__(self, servers: Servers, evidence: Callable[[], Evidence] | None = None) -> None:
        self.servers = servers
        self.settings = servers.settings
        self._evidence = evidence
        self._lines: dict[Role, Line] = {}
        self._access: Access = None

    # -- what differs --------------------------------------------------------------------------

    def turn(self, stretch: Stretch) -> None:
        """End the replication of the server that is entered, and make it writable for the master user."""
        raise NotImplementedError

    def turn_texts(self) -> list[str]:
        """How the plan says `turn`."""
        raise NotImplementedError

    def shut_entering_first(self) -> bool:
        """Whether accounts of the server that is entered can be locked before it is turned."""
        raise NotImplementedError

    def group(self) -> tuple[str, bool]:
        """The parameter group of the server that is entered, and whether it is a cluster's."""
        return self.settings.new_server(self.entering).parameter_group, self.entering.is_cluster

    def mend(self) -> None:
        """Bring the server that was to be entered back into the chain, after an undone switch, where that is safe."""

    # -- the plan ------------------------------------------------------------------------------

    def plan(self) -> list[str]:
        """The exact statements and calls, in order. Changes nothing."""
        from livemove.migration.switch_plan import lines

        self._access = endpoint.access(self.settings)
        mover = endpoint.mover(self.settings.endpoint, self._access, self.settings.mysql.port)
        users = self.settings.writers.users
        return lines(
            self.settings,
            self.direction,
            opening=fence.look(self.line(self.leaving), users),
            entering_opening=fence.look(self.line(self.entering), users),
            turn=self.turn_texts(),
            shut_entering_first=self.shut_entering_first(),
            move=mover.text,
            maintenance=MaintenanceMode(self.settings.maintenance).plan(),
        )

    # -- the run -------------------------------------------------------------------------------

    def run(self, approved: Evidence | None = None) -> dict[str, Any]:
        """Switch, and return what was done with its times.

        :param approved: the evidence that a person saw.
        :raises Undone: it was undone; writes go on where they did.
        :raises NeedsPerson: it is not allowed now; nothing has been changed.
        """
        lock = Lock(self._new_line(self.leaving), self.settings.name, "task")
        if not lock.take(LOCK_SECONDS):
            raise TryAgain(f"Another task moves migration {self.settings.name} now; look for its run.")
        try:
            report = self.settle()
            if report is None:
                self._require_allowed()
                if self._evidence:
                    self._evidence().raise_if_worse(approved)
                report = self._switch()
            self._let_events_run()
            return report
        finally:
            lock.leave()
            for line in self._lines.values():
                line.close()

    def _require_allowed(self) -> None:
        outcome = self.servers.outcome()
        if outcome != self.allowed:
            raise NeedsPerson(
                f"Migration {self.settings.name} is {outcome}, so there is nothing to do for this runbook, which "
                f"starts from {self.allowed}."
            )

    def _let_events_run(self) -> None:
        """Prepare has switched the scheduler off by the parameter group; the events themselves are enabled by now."""
        group, cluster = self.group()
        steps.set_parameters(self.servers.rds(self.entering), group, {"event_scheduler": "ON"}, cluster=cluster)
        line, ends = self.line(self.entering), time.monotonic() + EVENTS_SECONDS
        while str(line.value("SELECT @@GLOBAL.event_scheduler")).upper() != "ON":
            if time.monotonic() > ends:
                # Writes are on, so this must not fail the run.
                log.warning("%s: event_scheduler is still off; a reboot may be needed to apply %s.", line.name, group)
                return
            time.sleep(POLL_SECONDS)

    def line(self, role: Role) -> Line:
        """The connection to a role's server that is kept open."""
        if role not in self._lines:
            self._lines[role] = self._new_line(role)
        return self._lines[role]

    def _new_line(self, role: Role) -> Line:
        return Line(self.servers.hook(role).options(), self.servers.title(role))

    def _means(self) -> ending.Means:
        self._access = self._access or endpoint.access(self.settings)
        return ending.Means(
            leaving=self.line(self.leaving),
            entering=self.line(self.entering),
            mover=endpoint.mover(self.settings.endpoint, self._access, self.settings.mysql.port),
            maintenance=MaintenanceMode.of(self.settings.maintenance),
        )

    # -- what an earlier attempt has left --------------------------------------------------------

    def settle(self) -> dict[str, Any] | None:
        """End what an earlier attempt has left open, by the journals of both servers.

        :returns: the report of an attempt that has to be completed; None if this one may begin.
        :raises Undone: an earlier attempt had to be undone here: whether to try again is a person's choice.
        """
        deadman = Lock(self._new_line(self.leaving), self.settings.name, "deadman")
        if not deadman.take(SETTLE_SECONDS):
            raise TryAgain("The dead-man's process of an earlier attempt is still at work; it is waited for.")
        try:
            left = self._entries(self.leaving) or []
            entered = self._entries(self.entering, may_be_down=True)
            fences = [e for e in left if e.step == FENCE and e.detail.get("direction") == self.direction]
            if not fences:
                return None
            switch = Switch.from_json(fences[-1].detail)
            phase = phase_of(_attempts(left), _attempts(entered or ()), switch)
            if entered is None and phase is Phase.MOVING:
                raise self._unknown(switch)
            how = ending_of(phase)
            if how is Ending.NOTHING:
                self._mend_after(left, switch)
                done = any(e.step == switch.outcome for e in entered or ())
                return {"outcome": switch.outcome, "steps": [], "resumed": True} if done else None
            why = "an earlier attempt was left open; its task and its dead-man's process are gone"
            report = ending.end(
                switch, phase, how, why, self._means(), until=time.monotonic() + self.settings.limits.lease_seconds
            )
        finally:
            deadman.leave()
        if how is Ending.COMPLETE:
            return {"outcome": switch.outcome, "steps": report, "resumed": True}
        self.mend()
        raise Undone(f"{why}. It was undone: " + "; ".join(report) + ". Run it again when you want to.")

    def _mend_after(self, entries: Sequence[state.Entry], switch: Switch) -> None:
        undone = [e for e in entries if e.step == UNDONE and e.detail.get("attempt") == switch.attempt]
        if undone and undone[-1].detail.get("rebuild"):
            self.mend()

    def _unknown(self, switch: Switch) -> TryAgain:
        """The server that is entered may have taken the application's writes already: only its journal tells."""
        left, entered = self.servers.title(self.leaving), self.servers.title(self.entering)
        return TryAgain(
            f"{entered} does not answer, and an earlier attempt may have opened it to the application, which it alone "
            f"can tell; it is waited for. If it is lost for good, open {left} by hand: "
            + "; ".join(switch.opening.open_statements())
        )

    def _entries(self, role: Role, may_be_down: bool = False) -> list[state.Entry] | None:
        try:
            return state.entries(self.line(role), self.settings.name)
        except TryAgain:
            if not may_be_down:
                raise
            return None

    # -- the switch ------------------------------------------------------------------------------

    def _switch(self) -> dict[str, Any]:
        means = self._means()
        # Whatever can fail before writes are stopped fails here.
        means.mover.prove_writable()
        address = Address(*self.servers.endpoint(self.entering))
        users = self.settings.writers.users
        switch = Switch(
            migration=self.settings.name,
            direction=self.direction,
            attempt=uuid.uuid4().hex,
            leaving=self.leaving.value,
            entering=self.entering.value,
            opening=fence.look(means.leaving, users),
            entering_opening=fence.look(means.entering, users),
            endpoint_held=means.mover.held(),
        )
        guard = Guard()
        guard.start(
            switch,
            self.settings,
            leaving=means.leaving,
            entering=means.entering,
            access=self._access,
            maintenance=means.maintenance,
        )
        stretch = Stretch(guard, time.monotonic() + self.settings.limits.fence_timeout_seconds)
        try:
            self._stretch(switch, stretch, means, address)
        except BaseException as error:
            how = self._give_up(switch, stretch, means, error)
            if how is not Ending.COMPLETE or not isinstance(error, Exception):
                raise
        else:
            guard.done()
        return self._report(switch, stretch)

    def _stretch(self, switch: Switch, stretch: Stretch, means: ending.Means, address: Address) -> None:
        """Writes are stopped from its first lines to its last."""
        users = self.settings.writers.users
        stretch.enter(Phase.FENCED)
        state.record(means.leaving, switch.migration, FENCE, switch.as_json())
        means.maintenance.on()
        if self.shut_entering_first():
            fence.shut(means.entering, switch.entering_opening, users, until=stretch.until, passing=stretch.passing)
        stretch.began = time.monotonic()
        fence.shut(means.leaving, switch.opening, users, until=stretch.until, passing=stretch.passing)
        stretch.note(f"no application writes on {means.leaving.name}")
        state.record(means.leaving, switch.migration, TURN, {"attempt": switch.attempt})
        self._await_followers(stretch, means.leaving)
        # From here on the time runs anew: undoing would now cost the way back.
        stretch.until = time.monotonic() + self.settings.limits.fence_timeout_seconds
        stretch.enter(Phase.TURNING)
        self.turn(stretch)
        stretch.enter(Phase.MOVING)
        means.mover.move(address)
        stretch.note(f"the endpoint leads to {means.entering.name}")
        stretch.enter(Phase.SERVING)
        ending.complete(switch, means, until=time.monotonic() + self.settings.limits.lease_seconds / 2)
        stretch.note(f"writes are on at {means.entering.name}")

    def _await_followers(self, stretch: Stretch, leaving: Line) -> None:
        """Wait until every follower has all that was committed, by GTIDs and by a heartbeat written after the fence."""
        beat = heartbeat.beat(cast("Any", leaving), self.settings.name)

        def missing() -> str | None:
            stretch.gtids = leaving.executed()
            behind = []
            for role in self.followers:
                line = self.line(role)
                if not line.has(stretch.gtids, POLL_SECONDS):
                    behind.append(f"{line.name} lacks {(stretch.gtids - line.executed()).count()} GTIDs")
                elif heartbeat.seen(cast("Any", line), self.settings.name) < beat:
                    behind.append(f"{line.name} does not show heartbeat {beat}")
            if not behind and (more := leaving.executed() - stretch.gtids):
                # Such as RDS's own heartbeat.
                behind.append(f"{leaving.name} has committed {more.count()} more")
            return ", ".join(behind) or None

        names = ", ".join(self.line(role).name for role in self.followers)
        stretch.poll(f"{names} have all of it", missing)

    def _give_up(self, switch: Switch, stretch: Stretch, means: ending.Means, error: BaseException) -> Ending:
        """Have the switch ended by the dead-man's process; without it, end it here.

        :returns: how it was ended, if it was not undone.
        :raises Undone: it was undone.
        """
        why = f"{type(error).__name__}: {error}"
        log.error("In phase %s: %s", stretch.phase.name, why)
        how, report = self._ended_by_guard(stretch, why) or self._ended_here(switch, stretch, means, why)
        for line in report:
            log.info("%s", line)
        if how is Ending.UNDO:
            self.mend()
            where = means.leaving.name
            raise Undone(
                f"The {self.direction.replace('_', ' ')} was undone, and the application writes on {where} as before. "
                f"Reason: {why}" + self._after_undo(stretch.phase)
            ) from error
        return how

    def _ended_here(self, switch: Switch, stretch: Stretch, means: ending.Means, why: str) -> tuple[Ending, list[str]]:
        # Nobody else may be at it: one that only was slow would do its part later.
        stretch.guard.kill()
        phase = stretch.phase
        if switch.outcome in {e.step for e in self._entries(self.entering, may_be_down=True) or ()}:
            phase = Phase.SERVING
        how = ending_of(phase)
        return how, ending.end(switch, phase, how, why, means, until=time.monotonic() + SETTLE_SECONDS)

    def _after_undo(self, phase: Phase) -> str:
        return "" if phase < Phase.TURNING else f" {self.servers.title(self.entering)} no longer replicates."

    def _ended_by_guard(self, stretch: Stretch, why: str) -> tuple[Ending, list[str]] | None:
        try:
            answer = stretch.guard.give_up(why)
        except GuardLost as lost:
            log.error("%s The switch is ended here.", lost)
            return None
        if answer.get("told") == "left":
            return Ending.NOTHING, []
        if answer.get("told") != "ended":
            log.error("The dead-man's process could not end the switch: %s", answer.get("why"))
            return None
        # What it has acknowledged counts, even where the acknowledgement was lost.
        return Ending[answer["how"]], list(answer["report"])

    def _report(self, switch: Switch, stretch: Stretch) -> dict[str, Any]:
        seconds = stretch.steps[-1][1] if stretch.steps else 0.0
        log.info("Writes were stopped for %.3f s, as the server saw it.", seconds)
        return {
            "outcome": switch.outcome,
            "steps": [f"{at:.3f} s: {what}" for what, at in stretch.steps],
            "stopped_seconds": seconds,
            "resumed": False,
        }


def _attempts(entries: Sequence[state.Entry]) -> list[tuple[str, str]]:
    return [(entry.step, str(entry.detail.get("attempt", ""))) for entry in entries]
