"""What `./dev` is doing, said on standard error, so that standard output holds results alone."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


def say(text: str) -> None:
    """Print one line of progress at once."""
    print(text, file=sys.stderr, flush=True)


def megabytes(size: int) -> str:
    """A number of bytes for people to read."""
    return f"{size / 1_000_000:.0f} MB" if size >= 1_000_000 else f"{size / 1_000:.0f} kB"


class Clock:
    """Seconds since it was made."""

    def __init__(self) -> None:
        self._start = time.monotonic()

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s"

    @property
    def seconds(self) -> float:
        """Elapsed seconds."""
        return time.monotonic() - self._start


@contextmanager
def doing(what: str) -> Iterator[list[str]]:
    """Say what begins, and how long it took when it has succeeded.

    The list that is yielded takes remarks (a size, a version) for the closing line.
    """
    say(f"  {what} ...")
    clock = Clock()
    remarks: list[str] = []
    yield remarks
    say(f"  {what}: done in {clock}" + "".join(f", {remark}" for remark in remarks))
