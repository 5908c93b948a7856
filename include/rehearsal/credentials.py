"""Random passwords of one stack, in a file that only its owner can read."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

from rehearsal.files import read_json, write_private


def password(path: Path, name: str, size: int = 18, suffix: str = "") -> str:
    """The password called `name`, made at its first use.

    :param path: the stack's file of passwords, of mode 0600.
    :param size: random bytes in a new one.
    :param suffix: what a new one ends with.
    """
    known: dict[str, str] = read_json(path) or {}
    if name not in known:
        known[name] = secrets.token_urlsafe(size) + suffix
        write_private(path, json.dumps(known, indent=1) + "\n")
    return known[name]
