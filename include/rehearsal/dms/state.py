"""What a task has done, in a file: which tables are loaded, and up to where the binary log is in the stream."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from rehearsal.files import read_json, write_atomically

FILE = "state.json"


@dataclass(frozen=True)
class State:
    """The state of a task.

    :ivar gtid_executed: GTID set of the transactions whose records are all in the stream.
    :ivar loaded: tables whose full load is done.
    :ivar records: how many were written in all.
    :ivar error: why the task ended by itself; None while all is well.
    """

    gtid_executed: str = ""
    loaded: tuple[str, ...] = ()
    records: int = 0
    error: str | None = None

    def save(self, folder: Path) -> None:
        """Write it to the folder's file."""
        write_atomically(folder / FILE, json.dumps(asdict(self)) + "\n")

    def failed(self, reason: str) -> State:
        """The same, ended with an error."""
        return replace(self, error=reason)


def load(folder: Path) -> State:
    """The state that a task of this folder has reached; the empty one when it never ran."""
    found = read_json(folder / FILE)
    return State(**{**found, "loaded": tuple(found["loaded"])}) if found else State()
