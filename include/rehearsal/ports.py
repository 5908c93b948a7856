"""Free ports on the loopback interface, remembered by each stack."""

from __future__ import annotations

import json
import random
import socket
from collections.abc import Iterable
from pathlib import Path

from rehearsal.errors import RehearsalError
from rehearsal.files import read_json, write_atomically

LOOPBACK = "127.0.0.1"
# Below Linux's ephemeral range (32768 and up), so that no outgoing connection takes one meanwhile.
FIRST, LAST = 21000, 31999


def is_free(port: int) -> bool:
    """Whether a server could listen on this port of the loopback interface now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: a port in TIME_WAIT is free, one that is listened on is not.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def is_open(port: int) -> bool:
    """Whether a server accepts connections on this port of the loopback interface."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((LOOPBACK, port)) == 0


class Ports:
    """The ports of one stack, by the name of their use.

    :param path: the file that remembers them.
    :param others: files of other stacks, whose ports are left to them even while they are down.
    """

    def __init__(self, path: Path, others: Iterable[Path] = ()) -> None:
        self._path = path
        self._others = tuple(others)

    def remembered(self) -> dict[str, int]:
        """All ports that were given out before."""
        found = read_json(self._path)
        return dict(found) if found else {}

    def take(self, name: str) -> int:
        """The port for a use: the remembered one when it is free, else a new one.

        To be called only while the server that uses it does not run.

        :raises RehearsalError: no free port was found.
        """
        known = self.remembered()
        if name in known and is_free(known[name]):
            return known[name]
        known[name] = self._find(taken=set(known.values()))
        write_atomically(self._path, json.dumps(known, indent=1) + "\n")
        return known[name]

    def _find(self, taken: set[int]) -> int:
        for path in self._others:
            taken |= set((read_json(path) or {}).values())
        candidates = random.sample(range(FIRST, LAST + 1), 400)
        for port in candidates:
            if port not in taken and is_free(port):
                return port
        raise RehearsalError(
            f"No free port between {FIRST} and {LAST} on {LOOPBACK}: end some of the servers that run there."
        )
