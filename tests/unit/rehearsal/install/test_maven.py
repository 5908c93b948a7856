"""What was downloaded from Maven Central is proven by its content."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from rehearsal.errors import RehearsalError
from rehearsal.install import maven
from rehearsal.install.maven import Artifact, fetch

GOOD = hashlib.sha256(b"good").hexdigest()


@pytest.fixture
def downloads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Maven without a network: what it downloads is always `good`; the list says what was asked for."""
    asked: list[str] = []

    def copy(artifacts: list[Artifact], folder: Path) -> None:
        for artifact in artifacts:
            asked.append(artifact.file)
            (folder / artifact.file).write_bytes(b"good")

    monkeypatch.setattr(maven, "_copy", copy)
    return asked


def test_what_is_there_is_not_downloaded_again(tmp_path: Path, downloads: list[str]) -> None:
    wanted = {"org.example:server:1.0:zip": GOOD, "org.example:library:2.0": GOOD}
    (tmp_path / "server-1.0.zip").write_bytes(b"good")
    assert fetch(wanted, tmp_path) == [tmp_path / "server-1.0.zip", tmp_path / "library-2.0.jar"]
    assert downloads == ["library-2.0.jar"]


def test_half_a_file_is_downloaded_again(tmp_path: Path, downloads: list[str]) -> None:
    (tmp_path / "library-2.0.jar").write_bytes(b"goo")
    fetch({"org.example:library:2.0": GOOD}, tmp_path)
    assert downloads == ["library-2.0.jar"]
    assert (tmp_path / "library-2.0.jar").read_bytes() == b"good"


def test_other_content_than_expected_is_refused_and_removed(tmp_path: Path, downloads: list[str]) -> None:
    with pytest.raises(RehearsalError, match=r"library-2\.0\.jar came with another content"):
        fetch({"org.example:library:2.0": "0" * 64}, tmp_path)
    assert not (tmp_path / "library-2.0.jar").exists()
