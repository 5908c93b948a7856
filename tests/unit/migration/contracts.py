"""Committed texts of plans, in `plans/`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

PLANS = Path(__file__).parent / "plans"
RENEW = "LIVEMOVE_RENEW_PLANS"


def compare(name: str, text: str) -> None:
    """Compare a text with the committed one; write it instead, and fail, where that is asked for."""
    committed = PLANS / f"{name}.txt"
    if os.environ.get(RENEW):
        committed.parent.mkdir(exist_ok=True)
        committed.write_text(text, encoding="utf-8")
        pytest.fail(f"{committed.name} was written anew. Read the difference, commit it, and unset {RENEW}.")
    assert text == committed.read_text(encoding="utf-8")
