"""Running other programs during the set-up, with errors that say what to do."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from rehearsal.errors import RehearsalError

ERROR_LINES = 20


def run(
    argv: Sequence[str | Path],
    what: str,
    remedy: str = "",
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
) -> str:
    """Run a program to its end and return its standard output.

    :param what: what it does, for the error message.
    :param remedy: what a person can do when it fails.
    :param environment: variables beside this process's own.
    :raises RehearsalError: the program is missing or failed; with the end of its output.
    """
    try:
        done = subprocess.run(
            [str(word) for word in argv],
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except FileNotFoundError:
        raise RehearsalError(f"{what} needs the program {argv[0]}, which is missing. {remedy}".strip()) from None
    if done.returncode != 0:
        output = (done.stdout + done.stderr).strip().splitlines()[-ERROR_LINES:]
        lines = "\n".join(f"    {line}" for line in output)
        raise RehearsalError(f"{what} failed ({argv[0]} exited with {done.returncode}). {remedy}\n{lines}")
    return done.stdout
