"""Places in a switch at which its task is killed: right after one thing has happened."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest


@dataclass(frozen=True)
class Place:
    """Right after a call.

    :ivar owner: the function's module or class, by its path.
    :ivar told: what one of the call's arguments has to begin with.
    """

    name: str
    owner: str
    function: str
    told: str

    def __str__(self) -> str:
        return self.name


_LINE = "livemove.migration.line.Line"
_STRETCH = "livemove.migration.stretch.Stretch"
_STATE = "livemove.migration.state"

# Writes go on where they did before.
BACK = (
    Place("the fence is recorded", _STATE, "record", "fence"),
    Place("events are off", _LINE, "execute", "ALTER DEFINER = 'admin'@'%' EVENT `shop`.`sum_up_sales` DISABLE"),
    Place("one account is locked", _LINE, "execute", "ALTER USER 'app'@'%' ACCOUNT LOCK"),
    Place("sessions are ended", _STRETCH, "note", "no application writes"),
    Place("the turn is recorded", _STATE, "record", "turn"),
)
# The same, but the server that was to be entered no longer replicates, or may not.
BACK_AND_REBUILD = (
    Place("the turn may begin", "livemove.migration.guard.Guard", "enter", "Phase.TURNING"),
    Place("promotion is asked for", "livemove.rds.hook.RdsHook", "run", "rds:PromoteReadReplicaDBCluster"),
    Place("the server takes writes", _STRETCH, "note", "target shop-aurora takes writes"),
    Place("the endpoint has moved", _STRETCH, "note", "the endpoint leads"),
)
# There is no way back.
FORWARD = (
    Place("the opening may begin", "livemove.migration.guard.Guard", "enter", "Phase.SERVING"),
    Place("the outcome is recorded", _STATE, "record", "cut_over"),
    Place("one account is open", _LINE, "execute", "ALTER USER 'app'@'%' ACCOUNT UNLOCK"),
    Place("the opening is recorded", _STATE, "record", "served"),
)


def after(place: Place, strike: Callable[[], None]) -> None:
    """Let something happen right after a place is passed; in a process that is used for nothing else."""
    from importlib import import_module

    path, _, last = place.owner.rpartition(".")
    owner = getattr(import_module(path), last)
    original = getattr(owner, place.function)

    def watched(*arguments: Any, **named: Any) -> Any:
        returned = original(*arguments, **named)
        if any(_text(each).startswith(place.told) for each in [*arguments, *named.values()]):
            strike()
        return returned

    setattr(owner, place.function, watched)


def _text(argument: Any) -> str:
    text = getattr(argument, "text", None)
    if callable(text):
        return str(text())
    return argument if type(argument) is str else repr(argument)[1:].partition(":")[0]


def die() -> None:
    """End this process as `kill -9` does."""
    os.kill(os.getpid(), signal.SIGKILL)


def each(places: tuple[Place, ...], seeded: str = "") -> pytest.MarkDecorator:
    """A parameter `place`; the seeded one is part of the default run."""
    values = [pytest.param(p, id=p.name, marks=[pytest.mark.seeded] if p.name == seeded else []) for p in places]
    return pytest.mark.parametrize("place", values)
