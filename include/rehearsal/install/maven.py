"""Fetching artifacts from Maven Central, through whatever mirror the host's settings name."""

from __future__ import annotations

import hashlib
import shutil
import threading
from pathlib import Path

from rehearsal.errors import RehearsalError
from rehearsal.install.apt import install_on_host
from rehearsal.install.commands import run

# Chains of the set-up run side by side, and neither apt-get nor Maven's local repository bears two at a time.
_MAVEN = threading.Lock()


def fetch(artifact: str, sha256: str, folder: Path) -> Path:
    """The file of an artifact, downloaded unless it is there already.

    :param artifact: `group:name:version`, or `group:name:version:type` for what is no jar.
    :param sha256: of its content.
    :param folder: where downloads are kept.
    :raises RehearsalError: Maven is missing and this is not root, or what came is not what was expected.
    """
    _, name, version, *kind = artifact.split(":")
    target = folder / f"{name}-{version}.{kind[0] if kind else 'jar'}"
    if target.exists() and _sha256(target) == sha256:
        return target
    folder.mkdir(parents=True, exist_ok=True)
    with _MAVEN:
        if not shutil.which("mvn"):
            install_on_host(["maven", "default-jre-headless"], "Maven, which fetches servers from Maven Central")
        run(
            ["mvn", "-q", "-B", "dependency:copy", f"-Dartifact={artifact}", f"-DoutputDirectory={folder}"],
            f"Fetching {name} {version} with Maven",
            remedy="Check the network and Maven's settings.xml, then run this again.",
        )
    if _sha256(target) != sha256:
        target.unlink()
        raise RehearsalError(f"{artifact} came with another content than expected; run this again.")
    return target


def _sha256(path: Path) -> str:
    total = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            total.update(block)
    return total.hexdigest()
