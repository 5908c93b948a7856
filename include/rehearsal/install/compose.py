"""Docker Compose 2, to check docker-compose.yaml on machines without Docker."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from rehearsal.install.apt import Apt, unpack
from rehearsal.install.commands import run
from rehearsal.paths import Layout
from rehearsal.progress import doing

SUITE = "sid"


def command(layout: Layout) -> list[str] | None:
    """The words that run Compose: the host's own plugin or the unpacked program; None without either."""
    host = ["docker", "compose"]
    if shutil.which("docker") and _works([*host, "version"]):
        return host
    unpacked = _program(layout)
    return [str(unpacked)] if unpacked.exists() else None


def install(layout: Layout) -> None:
    """Unpack Debian's `docker-compose`, a static program, unless the host has the plugin."""
    if command(layout):
        return
    with doing("Docker Compose (checks docker-compose.yaml)"):
        target = layout.tools / "compose"
        packages = Apt(layout.downloads / "apt").download_newer(SUITE, ["docker-compose"], layout.downloads / "compose")
        unpack([package for package in packages if package.name.startswith("docker-compose_")], target)
        run([_program(layout), "version"], "Docker Compose")


def _program(layout: Layout) -> Path:
    return layout.tools / "compose" / "usr/libexec/docker/cli-plugins/docker-compose"


def _works(argv: list[str]) -> bool:
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0
