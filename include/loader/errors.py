"""What goes wrong, by what is to be done about it."""

from __future__ import annotations


class LoaderError(RuntimeError):
    """Raised when a processor cannot go on; one message that names the value and the remedy."""


class StoppedError(Exception):
    """Raised inside a worker that was told to stop while it waited; its position stays where it was."""


class PoisonError(ValueError):
    """Raised for one change or document that will never be accepted: it is set aside, the others go on.

    :param reason: why, for the person who finds it.
    :param kind: a short name for counting, such as `incomplete`.
    """

    def __init__(self, reason: str, kind: str = "rejected") -> None:
        super().__init__(reason)
        self.kind = kind
