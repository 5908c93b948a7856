"""Two `./dev` at the same time: one does the work, the other waits."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rehearsal.errors import RehearsalError
from rehearsal.progress import say


def _holder(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip() or "another process"
    except OSError:
        return "another process"


def _wait(handle: int, path: Path, seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    said = False
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise RehearsalError(
                    f"{what} is in use by {_holder(path)}. Wait until that has ended, or end it."
                ) from None
        # Another thread of this process says itself what it does.
        if not said and _holder(path) != f"process {os.getpid()}":
            say(f"  waiting for {what}, in use by {_holder(path)} ...")
            said = True
        time.sleep(0.2)


@contextmanager
def exclusive(path: Path, what: str, seconds: float = 1800) -> Iterator[None]:
    """Hold a lock that the kernel releases when this process ends, however it ends.

    :param path: the lock file; it stays, as removing it would let two holders in.
    :param what: what is locked, for the message.
    :param seconds: how long to wait for the other holder.
    :raises RehearsalError: it was still held after that time.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        _wait(handle, path, seconds, what)
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"process {os.getpid()}".encode(), 0)
        yield
    finally:
        os.close(handle)
