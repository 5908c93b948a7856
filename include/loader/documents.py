"""Changes of a window become documents: the newest of each row, whatever the order they came in. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from loader.changes import Change
from loader.contract import action_line, marker, source_line
from loader.errors import PoisonError
from loader.fields import convert
from loader.settings import DocumentSettings


@dataclass(frozen=True, slots=True)
class Document:
    """One document as it goes to Elasticsearch."""

    id: str
    version: int
    at: datetime
    source: bytes

    @property
    def action(self) -> bytes:
        """Its bulk action line."""
        return action_line(self.id, self.version)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A change that cannot become a document."""

    id: str
    version: int
    source: object
    reason: str
    kind: str


@dataclass
class Window:
    """Collects changes and keeps what is newest of each row.

    Changes may come twice and in any order: what `close` gives depends on which changes came, on nothing else.
    """

    settings: DocumentSettings
    _newest: dict[str, Change] = field(default_factory=dict)
    _partial: dict[str, Change] = field(default_factory=dict)
    changes: int = 0
    """How many were added."""

    def add(self, changes: Iterable[Change]) -> None:
        """Take changes in."""
        for change in changes:
            kept = self._partial if change.missing else self._newest
            present = kept.get(change.id)
            if present is None or _order(change) > _order(present):
                kept[change.id] = change
            self.changes += 1

    def close(self) -> tuple[list[Document], list[Rejected]]:
        """The documents by id, and what has to be set aside; the window is empty afterwards.

        A row whose newest change lacks a LOB is set aside: its document would lose the value. What was newest
        before is written all the same, as it is complete and true for its version.
        """
        documents, rejected = [], []
        for change in sorted(self._newest.values(), key=lambda each: each.id):
            try:
                documents.append(self._document(change))
            except PoisonError as error:
                rejected.append(Rejected(change.id, change.version, change.row, str(error), error.kind))
        for change in sorted(self._partial.values(), key=lambda each: each.id):
            present = self._newest.get(change.id)
            if present is None or present.version < change.version:
                rejected.append(_incomplete(change))
        self._newest, self._partial, self.changes = {}, {}, 0
        return documents, rejected

    def _document(self, change: Change) -> Document:
        if change.row is None:
            return Document(change.id, change.version, change.at, source_line(marker(change.at)))
        try:
            source = source_line(convert(change.row, self.settings.fields))
        except PoisonError:
            raise
        except ValueError as error:
            raise PoisonError(f"the row cannot be written as JSON: {error}", "conversion") from error
        return Document(change.id, change.version, change.at, source)


def _order(change: Change) -> tuple[int, bool, str]:
    # Equal versions with unequal rows come from two full loads only; any rule does that does not depend on order.
    return change.version, change.row is not None, repr(sorted(change.row.items())) if change.row else ""


def _incomplete(change: Change) -> Rejected:
    columns = ", ".join(change.missing)
    reason = (
        f"the change does not hold the value of {columns}, so its document would lose it: let DMS send LOBs inline "
        "(limited LOB mode with a limit above the longest value), then touch the row"
    )
    return Rejected(change.id, change.version, change.row, reason, "incomplete")
