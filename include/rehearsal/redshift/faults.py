"""Faults on demand: what a test wants to go wrong, read anew at each statement from `faults.json`."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from rehearsal.files import read_json, write_atomically

from .errors import INTERNAL, RedshiftError

Action = Literal["error", "close", "die", "sleep"]
When = Literal["before", "after"]


class ConnectionFaultError(Exception):
    """Raised to close the client's connection without a word."""


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    :param match: regular expression, searched for in the client's SQL without regard to case.
    :param action: `error` answers with an error, `close` closes the connection, `die` kills the whole
        stand-in, `sleep` waits.
    :param when: before the statement runs, or after it has run but before the client hears of it.
    :param message: the error's message.
    :param code: the error's SQLSTATE.
    :param seconds: how long to sleep.
    :param count: how many times it happens; None for always.
    """

    match: str
    action: Action
    when: When = "before"
    message: str = "injected fault"
    code: str = INTERNAL
    seconds: float = 0.0
    count: int | None = 1


class Faults:
    """The faults of one stand-in.

    :param path: the file that holds them; there need not be one.
    :param die: kills the stand-in.
    """

    def __init__(self, path: Path, die: Callable[[], None]) -> None:
        self._path = path
        self._die = die
        self._lock = threading.Lock()

    def strike(self, sql: str, when: When) -> None:
        """Do what the faults say about this statement at this moment.

        :raises RedshiftError: an `error` fault.
        :raises ConnectionFaultError: a `close` fault.
        """
        if not self._path.exists():
            return
        for fault in self._due(sql, when):
            if fault.action == "sleep":
                time.sleep(fault.seconds)
            elif fault.action == "error":
                raise RedshiftError(fault.message, code=fault.code)
            elif fault.action == "close":
                raise ConnectionFaultError
            else:
                self._die()

    def _due(self, sql: str, when: When) -> list[Fault]:
        with self._lock:
            faults = read_faults(self._path)
            due = [fault for fault in faults if fault.when == when and re.search(fault.match, sql, re.I | re.S)]
            if due:
                write_faults(self._path, [left for fault in faults if (left := _used(fault, fault in due))])
            return due


def _used(fault: Fault, struck: bool) -> Fault | None:
    if not struck or fault.count is None:
        return fault
    return Fault(**(asdict(fault) | {"count": fault.count - 1})) if fault.count > 1 else None


def read_faults(path: Path) -> list[Fault]:
    """Read the faults of a file, none if it does not exist.

    :raises TypeError: the file holds a key that no fault has.
    """
    return [Fault(**entry) for entry in read_json(path) or []]


def write_faults(path: Path, faults: Sequence[Fault]) -> None:
    """Replace the faults of a stand-in, in one step.

    :param path: `faults.json` in its data folder.
    :param faults: what goes wrong from now on; empty for nothing.
    """
    write_atomically(path, json.dumps([asdict(fault) for fault in faults], indent=1) + "\n")
