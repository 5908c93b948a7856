"""Files are replaced whole, and private ones are private from the first byte."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from rehearsal.credentials import password
from rehearsal.files import write_atomically, write_private


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "file"
    write_atomically(target, "old")
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        write_atomically(target, "new")
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_private_file_can_be_read_by_its_owner_alone(tmp_path: Path) -> None:
    write_private(tmp_path / "file", "secret")
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600


def test_a_password_stays_the_same_and_differs_from_others(tmp_path: Path) -> None:
    store = tmp_path / "credentials.json"
    admin = password(store, "admin")
    assert password(store, "admin") == admin
    assert password(store, "other") != admin
    assert stat.S_IMODE(store.stat().st_mode) == 0o600
