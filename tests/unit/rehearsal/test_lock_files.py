"""Lock files name versions and hashes, never an address: users have mirrors of their own."""

from __future__ import annotations

import json

from rehearsal.paths import REPOSITORY

NPM = REPOSITORY / "include" / "rehearsal" / "kinesis" / "package-lock.json"
PYTHON = ("requirements.txt", "requirements-dev.txt", "include/loader/requirements.txt")


def test_no_lock_file_holds_an_address() -> None:
    for file in (NPM, *(REPOSITORY / name for name in PYTHON)):
        lines = [line for line in file.read_text(encoding="utf-8").splitlines() if "://" in line.partition("#")[0]]
        assert lines == [], file.name


def test_every_npm_package_has_a_version_and_a_hash() -> None:
    packages = json.loads(NPM.read_text(encoding="utf-8"))["packages"]
    locked = {name: each for name, each in packages.items() if name}
    assert len(locked) > 20
    assert [name for name, each in locked.items() if not each.get("version") or not each.get("integrity")] == []
