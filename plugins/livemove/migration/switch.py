"""The record of one switch of the application from one server to another, and what ends it. Pure.

A switch has five phases, each entered *before* its first action, by the task as well as by the dead-man's process:
what has been entered may have happened in part. Until SERVING the way is back; from SERVING on it is forward.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Literal

from livemove.migration.fence import Opening

Direction = Literal["cutover", "fall_back"]


class Phase(IntEnum):
    """How far a switch has come."""

    READY = 0
    #: Writes are stopped on the server that is left.
    FENCED = 1
    #: The server that is entered stops replicating. It has to be rebuilt or joined again if the way is back.
    TURNING = 2
    #: The endpoint moves.
    MOVING = 3
    #: The server that is entered is opened to the application: there is no way back.
    SERVING = 4
    DONE = 5


class Ending(IntEnum):
    """What is to be done with a switch that its task does not go on with."""

    #: Nothing has been changed, or all is done.
    NOTHING = 0
    UNDO = 1
    COMPLETE = 2


def ending(phase: Phase) -> Ending:
    """What a switch needs that has come so far."""
    if phase in (Phase.READY, Phase.DONE):
        return Ending.NOTHING
    return Ending.COMPLETE if phase is Phase.SERVING else Ending.UNDO


@dataclass(frozen=True)
class Switch:
    """What has to be known to end a switch either way. Holds no secret.

    :ivar leaving: role of the server that serves now.
    :ivar entering: role of the server that shall serve.
    :ivar opening: what was open on the server that is left.
    :ivar entering_opening: what was open on the server that is entered.
    :ivar endpoint_held: what the endpoint held.
    """

    migration: str
    direction: Direction
    attempt: str
    leaving: str
    entering: str
    opening: Opening = field(default_factory=Opening)
    entering_opening: Opening = field(default_factory=Opening)
    endpoint_held: str = ""

    @property
    def outcome(self) -> str:
        """The journal's step that says that it is done for good."""
        return "cut_over" if self.direction == "cutover" else "fallen_back"

    def as_json(self) -> dict[str, Any]:
        """For the journal and the pipe."""
        return {
            "migration": self.migration,
            "direction": self.direction,
            "attempt": self.attempt,
            "leaving": self.leaving,
            "entering": self.entering,
            "opening": self.opening.as_json(),
            "entering_opening": self.entering_opening.as_json(),
            "endpoint_held": self.endpoint_held,
        }

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Switch:
        """What `as_json` made."""
        openings = {key: Opening.from_json(given[key]) for key in ("opening", "entering_opening")}
        return cls(**{**given, **openings})


# The journal's steps. The first two stand on the server that is left, the outcome on the one that is entered.
FENCE, TURN, UNDONE, SERVED = "fence", "turn", "undone", "served"


def phase_of(steps_left: list[tuple[str, str]], steps_entered: list[tuple[str, str]], switch: Switch) -> Phase:
    """How far an attempt has come, by the journals of both servers.

    :param steps_left: step and attempt of each entry, oldest first, on the server that was to be left.
    :param steps_entered: the same, on the server that was to be entered; empty if it does not answer.
    """
    mine = {step for step, attempt in [*steps_left, *steps_entered] if attempt == switch.attempt}
    if UNDONE in mine or SERVED in mine:
        return Phase.DONE
    if switch.outcome in mine:
        return Phase.SERVING
    if TURN in mine:
        return Phase.MOVING
    return Phase.FENCED if FENCE in mine else Phase.READY
