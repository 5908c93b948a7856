"""Only one task, and one dead-man's process, works on a migration at a time: named locks of the serving server.

A named lock is held by a session and goes with it, however that ends (manual, "Locking Functions").
"""

from __future__ import annotations

import time

from livemove.migration.line import Line
from livemove.mysql.errors import ServerError

_WAIT_SECONDS = 2


class Lock:
    """One named lock.

    :param line: a connection for this alone: whoever holds a lock keeps it open.
    :param what: `task` or `deadman`.
    """

    def __init__(self, line: Line, migration: str, what: str) -> None:
        self._line = line
        # A name has at most 64 characters.
        self._name = f"livemove.{migration}"[: 64 - len(what) - 1] + f".{what}"

    def take(self, seconds: float) -> bool:
        """Wait for the lock; whether it is held."""
        ends = time.monotonic() + seconds
        while True:
            try:
                # The server ends sessions that have been silent for so long.
                self._line.execute("SET SESSION wait_timeout = 86400")
                wait = max(0, min(_WAIT_SECONDS, ends - time.monotonic()))
                if self._line.value("SELECT GET_LOCK(%s, %s)", (self._name, wait)) == 1:
                    return True
            except ServerError:
                if time.monotonic() > ends:
                    raise
                time.sleep(0.2)
            if time.monotonic() > ends:
                self._line.close()
                return False

    def leave(self) -> None:
        """Give the lock back."""
        self._line.close()
