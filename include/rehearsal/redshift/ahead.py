"""Let an iterator run ahead of the one who reads it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")

_LOOK_SECONDS = 0.1


class _End:
    """Stands at the end of the items."""


class Ahead(Generic[Item]):
    """An iterator that runs in a thread of its own, a few items ahead.

    :param items: what to read; an error in it is raised to the reader.
    :param count: how many items may wait.
    """

    def __init__(self, items: Iterator[Item], count: int) -> None:
        self._items = items
        self._ready: queue.Queue[Item | BaseException | _End] = queue.Queue(count)
        self._stopped = threading.Event()

    def __iter__(self) -> Iterator[Item]:
        threading.Thread(target=self._run, daemon=True).start()
        try:
            while not isinstance(item := self._ready.get(), _End):
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            self._stopped.set()

    def _run(self) -> None:
        try:
            for item in self._items:
                if not self._put(item):
                    return
        except BaseException as error:
            self._put(error)
        else:
            self._put(_End())

    def _put(self, item: Item | BaseException | _End) -> bool:
        """Wait for room, and tell whether there is still a reader."""
        while not self._stopped.is_set():
            try:
                self._ready.put(item, timeout=_LOOK_SECONDS)
            except queue.Full:
                continue
            return True
        return False
