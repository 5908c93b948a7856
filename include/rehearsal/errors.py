"""What `./dev` says when it cannot go on."""

from __future__ import annotations


class RehearsalError(Exception):
    """Something that a person must know or do; its text is complete in itself and names the remedy.

    :param message: one or a few lines for the person at the terminal.
    :param exit_code: what `./dev` exits with.
    """

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code
