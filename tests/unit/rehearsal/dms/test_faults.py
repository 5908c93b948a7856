"""Faults come from a file that says what is wrong with it."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from rehearsal.dms.faults import FILE, Faults, read, write
from rehearsal.errors import RehearsalError


def test_without_a_file_there_are_none(tmp_path: Path) -> None:
    assert read(tmp_path / FILE) == Faults()


def test_what_was_written_is_read(tmp_path: Path) -> None:
    wanted = Faults(duplicate=0.1, delay=1.0, delay_seconds=30, pause=True, lob_marker="<LOB>")
    write(tmp_path, wanted)
    assert read(tmp_path / FILE) == wanted


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"duplicates": 1}, "duplicates is unknown; there are: duplicate,"),
        ({"duplicate": 2}, "duplicate is 2 and must be a share from 0 to 1"),
        ({"delay": True}, "delay is True and must be a share from 0 to 1"),
        ({"delay_seconds": "1"}, "delay_seconds is '1' and must be a number of seconds"),
        ({"pause": 1}, "pause is 1 and must be true or false"),
        ({"lob_marker": 1}, "lob_marker is 1 and must be a text or null"),
    ],
)
def test_a_wrong_value_is_named(tmp_path: Path, content: dict[str, Any], message: str) -> None:
    (tmp_path / FILE).write_text(json.dumps(content))
    with pytest.raises(RehearsalError, match=message):
        read(tmp_path / FILE)


def test_a_file_that_is_no_json_is_named(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("{")
    with pytest.raises(RehearsalError, match="is no JSON"):
        read(tmp_path / FILE)


def test_shares_are_kept() -> None:
    source = random.Random(1)
    found = [Faults(duplicate=0.25, delay=0.5, delay_seconds=2.0).due(100.0, source) for _ in range(4000)]
    assert 900 < sum(len(due) == 2 for due in found) < 1100
    late = [due[0] for due in found if due[0] > 100.0]
    assert 1900 < len(late) < 2100
    assert max(late) <= 102.0
    assert Faults().due(100.0, source) == [100.0]
