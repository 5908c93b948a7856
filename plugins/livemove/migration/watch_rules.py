"""What the dead-man's process decides, from what it hears and the clock. Pure: no I/O, no clock of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum

from livemove.migration.switch import Ending, Phase, ending


class Answer(Enum):
    """What the process does next."""

    LISTEN = "listen"
    #: Tell the task that it may go on.
    ACKNOWLEDGE = "acknowledge"
    #: End itself: nothing is to be done.
    LEAVE = "leave"
    #: Kill the task if it lives, then undo.
    UNDO = "undo"
    #: Kill the task if it lives, then complete.
    COMPLETE = "complete"

    @property
    def final(self) -> bool:
        """Whether nothing is heard after it."""
        return self not in (Answer.LISTEN, Answer.ACKNOWLEDGE)


@dataclass(frozen=True)
class Watch:
    """What is known.

    :ivar lease_ends: on the clock that `now` is read from.
    :ivar why: why it ended.
    """

    lease_seconds: float
    lease_ends: float
    phase: Phase = Phase.READY
    answer: Answer = Answer.LISTEN
    why: str = ""

    @classmethod
    def begin(cls, lease_seconds: float, now: float) -> Watch:
        """A watch that has just begun."""
        return cls(lease_seconds, now + lease_seconds)

    def renewed(self, now: float) -> Watch:
        """The task has shown that it goes on."""
        if late := self._if_late(now):
            return late
        return replace(self, lease_ends=now + self.lease_seconds, answer=Answer.LISTEN)

    def entered(self, phase: Phase, now: float) -> Watch:
        """The task asks to enter a phase, before its first action.

        A task that comes late, goes back or leaves a phase out is not to be trusted with what follows.
        """
        if late := self._if_late(now):
            return late
        if phase != self.phase + 1:
            return self._ended(f"the task asked for {phase.name} after {self.phase.name}")
        renewed = self.renewed(now)
        if phase is Phase.DONE:
            return replace(renewed, phase=phase, answer=Answer.LEAVE, why="done")
        return replace(renewed, phase=phase, answer=Answer.ACKNOWLEDGE)

    def given_up(self, why: str) -> Watch:
        """The task cannot go on and asks to be undone."""
        return self if self.answer.final else self._ended(why)

    def orphaned(self) -> Watch:
        """The task's process is gone."""
        return self if self.answer.final else self._ended("the task's process died")

    def looked_at(self, now: float) -> Watch:
        """Time has passed."""
        return self._if_late(now) or replace(self, answer=Answer.LISTEN)

    def _if_late(self, now: float) -> Watch | None:
        if self.answer.final:
            return self
        if now < self.lease_ends:
            return None
        return self._ended(f"the task gave no sign for {self.lease_seconds:g} s")

    def _ended(self, why: str) -> Watch:
        answers = {Ending.NOTHING: Answer.LEAVE, Ending.UNDO: Answer.UNDO, Ending.COMPLETE: Answer.COMPLETE}
        return replace(self, answer=answers[ending(self.phase)], why=why)
