"""MySQL 9.7, the second server generation of the tests: Debian's newest build with its own C library."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from rehearsal.errors import RehearsalError
from rehearsal.files import folder_size
from rehearsal.install.apt import Apt, unpack
from rehearsal.install.commands import run
from rehearsal.paths import Layout
from rehearsal.progress import doing, megabytes

SUITE = "sid"
PACKAGES = ("mysql-server-core",)


def install(layout: Layout) -> None:
    """Unpack the server with all its libraries; the host's own C library may be older than it needs.

    :raises RehearsalError: no Debian mirror is configured, or the packages do not run here.
    """
    with doing(f"MySQL 9.7 of Debian {SUITE} (54 MB)") as remarks:
        debs = layout.downloads / "mysql-9.7"
        shutil.rmtree(debs, ignore_errors=True)
        packages = Apt(layout.downloads / "apt").download_newer(SUITE, PACKAGES, debs)
        scratch = layout.tools / "mysql-9.7.new"
        shutil.rmtree(scratch, ignore_errors=True)
        unpack(packages, scratch / "root")
        shutil.rmtree(layout.mysql97, ignore_errors=True)
        scratch.rename(layout.mysql97)
        run([*command(layout), "--no-defaults", "--version"], "MySQL 9.7")
        remarks.append(megabytes(folder_size(layout.mysql97)) + " unpacked")


def command(layout: Layout) -> list[str]:
    """The words that run this server: its own loader, its own libraries, then the server."""
    root = layout.mysql97 / "root"
    server = _first(root, "usr/sbin/mysqld", "usr/bin/mysqld")
    loader = _first(root, "usr/lib64/ld-linux-x86-64.so.2", "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2")
    libraries = root / "usr/lib/x86_64-linux-gnu"
    return [str(loader), "--argv0", str(server), "--library-path", str(libraries), str(server)]


def _first(root: Path, *names: str) -> Path:
    for name in names:
        if os.path.lexists(root / name):
            return root / name
    raise RehearsalError(f"None of {', '.join(names)} is below {root}: remove that folder and run this again.")
