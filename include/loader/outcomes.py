"""What an answer of the bulk API means for each document. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from loader.errors import LoaderError

CONFLICT: Final = 409
_BLOCKED: Final = "cluster_block_exception"
_GONE: Final = frozenset({"index_not_found_exception", "index_closed_exception"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """A document that the index will never take."""

    index: int
    """Which document of the request."""
    status: int
    reason: str


@dataclass
class Outcome:
    """How the documents of one request fared."""

    written: int = 0
    conflicts: int = 0
    """A newer version was there already: fine."""
    retry: list[int] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    because: str = ""
    """Reason of one that has to be repeated."""


def read_outcome(answer: bytes, count: int) -> Outcome:
    """Sort the documents of a request by what has to be done with them.

    :param count: how many the request had.
    :raises LoaderError: the index is gone, or the answer is not that of the bulk API.
    """
    if answer.startswith(b'{"errors":false'):
        return Outcome(written=count)
    try:
        items = [next(iter(item.values())) for item in json.loads(answer)["items"]]
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration) as error:
        raise LoaderError("the answer to a bulk request is not Elasticsearch's: check the target's address") from error
    if len(items) != count:
        raise LoaderError(f"a bulk request of {count} documents was answered for {len(items)}")
    outcome = Outcome()
    for index, item in enumerate(items):
        _sort(outcome, index, int(item.get("status", 0)), item.get("error"))
    return outcome


def _sort(outcome: Outcome, index: int, status: int, error: Any) -> None:
    kind, reason = _described(error)
    if 200 <= status < 300:
        outcome.written += 1
    elif status == CONFLICT:
        outcome.conflicts += 1
    elif status == 429 or status >= 500 or kind == _BLOCKED:
        # A block (disk over the flood stage, index read-only) is lifted some day; no document is to blame.
        outcome.retry.append(index)
        outcome.because = reason
    elif kind in _GONE:
        raise LoaderError(f"the target index is gone or closed: {reason}")
    else:
        outcome.refused.append(Refusal(index, status, reason))


def _described(error: Any) -> tuple[str, str]:
    if not isinstance(error, Mapping):
        return "", str(error or "no reason given")
    causes = [f"{each.get('type')}: {each.get('reason')}" for each in _chain(error)]
    return str(error.get("type")), "; caused by ".join(causes)


def _chain(error: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    found: Any = error
    while isinstance(found, Mapping):
        yield found
        found = found.get("caused_by")


class Body:
    """The lines of a bulk request, action and source in turn.

    :param text: lines, each with its line break.
    :param count: how many documents these are.
    """

    __slots__ = ("_lines", "count", "text")

    def __init__(self, text: bytes, count: int) -> None:
        self.text, self.count = text, count
        self._lines: list[bytes] | None = None

    def pair(self, index: int) -> tuple[bytes, bytes]:
        """The action and the source line of a document."""
        lines = self._split()
        return lines[2 * index], lines[2 * index + 1]

    def only(self, indexes: list[int]) -> Body:
        """The same with some of its documents."""
        lines = [line for index in indexes for line in self.pair(index)]
        return Body(b"\n".join([*lines, b""]), len(indexes))

    def _split(self) -> list[bytes]:
        if self._lines is None:
            self._lines = self.text.split(b"\n")
        return self._lines
