"""The log of acknowledged writes: one line each, appended at once, in a file outside of every database."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Acknowledged:
    """One acknowledged write.

    :ivar at: seconds since the epoch, when the acknowledgement was read.
    :ivar server: host and port of the server that gave it.
    """

    write_id: str
    at: float
    server: str


class AcknowledgementLog:
    """Appends whole lines; threads may share it."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def append(self, entry: Acknowledged) -> None:
        """Append one line in one write, so that lines of several threads do not mix."""
        os.write(self._file, f"{entry.write_id}\t{entry.at:.6f}\t{entry.server}\n".encode())

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def read(path: Path) -> Iterator[Acknowledged]:
    """Read a log; a last line that is not whole yet is left out."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            if not line.endswith("\n"):
                return
            write_id, at, server = line.rstrip("\n").split("\t")
            yield Acknowledged(write_id, float(at), server)
