"""The removal of markers of deleted documents, once no stream can bring those documents back."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from livemove.search import indices
from livemove.search.waiting import Progress

if TYPE_CHECKING:
    from livemove.search.hook import SearchHook


class Purge:
    """A step that deletes the markers that are older than a time.

    :param before: older than what the streams keep; ISO 8601 with a time zone.
    """

    def __init__(self, hook: SearchHook, index: str, before: str) -> None:
        self._hook = hook
        self._index = index
        self._before = datetime.fromisoformat(before)
        self._task = ""

    def __call__(self) -> Progress:
        """Delete on."""
        seen = indices.purge_markers(self._hook, self._index, self._before, self._task)
        self._task = str(seen.result.get("task", ""))
        return seen
