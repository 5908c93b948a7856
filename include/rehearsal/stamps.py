"""Which steps of the set-up are done: a stamp holds the hash of a step's inputs and is written last."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from rehearsal.files import write_atomically


def digest(inputs: Iterable[str | Path]) -> str:
    """A hash of texts and of the contents of files.

    :param inputs: a text counts as itself, a path as the content of its file.
    """
    total = hashlib.sha256()
    for item in inputs:
        data = item.read_bytes() if isinstance(item, Path) else item.encode()
        total.update(len(data).to_bytes(8, "big"))
        total.update(data)
    return total.hexdigest()


class Stamp:
    """The mark of one step.

    :param folder: where stamps are kept.
    :param name: the step.
    :param inputs: all that, when it changes, makes the step necessary again.
    :param results: files that the step makes; a missing one makes it necessary again, too.
    """

    def __init__(self, folder: Path, name: str, inputs: Iterable[str | Path], results: Iterable[Path] = ()) -> None:
        self._path = folder / name
        self._digest = digest(inputs)
        self._results = tuple(results)

    @property
    def valid(self) -> bool:
        """Whether the step was finished with these inputs and its results still stand."""
        try:
            stamped = self._path.read_text(encoding="utf-8").strip() == self._digest
        except FileNotFoundError:
            return False
        return stamped and all(result.exists() for result in self._results)

    def clear(self) -> None:
        """Forget the step, before its work begins."""
        self._path.unlink(missing_ok=True)

    def set(self) -> None:
        """Mark the step as done, after all its work."""
        write_atomically(self._path, self._digest + "\n")
