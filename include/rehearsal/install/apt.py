"""Debian packages without root: downloaded with the host's own sources and unpacked, never installed.

Only a compiler, Python's headers and Maven are installed on the host, and that by root alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from rehearsal.errors import RehearsalError
from rehearsal.install.commands import run
from rehearsal.progress import say

# Perl serves helper scripts (mysqldumpslow and the like) that nothing here calls.
NOT_NEEDED = ("perl", "libperl", "libgdbm", "libdb5", "libc-gconv-modules-extra", "openssl-provider-legacy")
# Lists older than this may name packages that the mirror has already replaced.
LISTS_FRESH_SECONDS = 1800
# Steps of the set-up run side by side, and apt-get refuses to share a folder of lists.
_READING_LISTS = threading.Lock()


def _options(lists: Path, cache: Path) -> list[str]:
    return [
        "-o", f"Dir::State::lists={lists}",
        "-o", f"Dir::Cache={cache}",
        "-o", "Acquire::Languages=none",
        "-o", "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false",
        "-o", "APT::Sandbox::User=root",
    ]  # fmt: skip


class Apt:
    """apt-get with lists of its own, so that it works without root and when the host has no lists.

    :param folder: where lists and packages are kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._private = _options(folder / "lists", folder / "cache")

    def download(self, packages: Sequence[str], target: Path) -> list[Path]:
        """Download packages of the host's own release.

        :param target: the folder that receives the .deb files.
        :raises RehearsalError: there is no apt-get, or a package could not be had.
        """
        require_apt(packages)
        target.mkdir(parents=True, exist_ok=True)
        command = ["-qq", "-o", "APT::Sandbox::User=root", "download", *packages]
        try:
            run(["apt-get", *command], "Downloading " + " ".join(packages), folder=target)
        except RehearsalError:
            # No lists on this host, or lists older than the mirror: fetch fresh ones, privately.
            with _READING_LISTS:
                self._update()
            remedy = f"Install {' '.join(packages)} by hand, then run this again."
            run(
                ["apt-get", *self._private, *command],
                "Downloading " + " ".join(packages),
                remedy=remedy,
                folder=target,
            )
        return sorted(target.glob("*.deb"))

    def _update(self) -> None:
        say("    reading the package lists of this system's mirror ...")
        for part in ("lists/partial", "cache/archives/partial"):
            (self._folder / part).mkdir(parents=True, exist_ok=True)
        run(["apt-get", *self._private, "-qq", "update"], "Reading package lists")

    def mirror(self) -> str:
        """The address of the host's own Debian mirror; it is nowhere written down here.

        :raises RehearsalError: no Debian source is configured.
        """
        ask = ["indextargets", "--format", "$(REPO_URI)", "Created-By: Packages"]
        for attempt in ([], self._private):
            if attempt:
                self._update()
            for line in run(["apt-get", *attempt, *ask], "Looking for the Debian mirror").splitlines():
                if line.rstrip("/").endswith("/debian"):
                    return line
        raise RehearsalError(
            "No Debian mirror is configured in this system's apt sources, so nothing can be taken from a "
            "newer Debian. Add one (suite 'sid' is not needed), then run this again."
        )

    def download_newer(self, suite: str, packages: Sequence[str], target: Path) -> list[Path]:
        """Download packages of another Debian release with all they need, the C library included.

        :param suite: for example `sid`.
        """
        require_apt(packages)
        with _READING_LISTS:
            options = self._newer(suite)
        simulation = run(
            ["apt-get", *options, "-s", "--no-install-recommends", "-y", "install", *packages],
            f"Looking up {' '.join(packages)} in Debian {suite}",
        )
        closure = sorted(
            {line.split()[1] for line in simulation.splitlines() if line.startswith("Inst ")}
            - {line.split()[1] for line in simulation.splitlines() if _unneeded(line)}
        )
        target.mkdir(parents=True, exist_ok=True)
        run(
            ["apt-get", *options, "-qq", "download", *closure],
            "Downloading from Debian " + suite,
            folder=target,
        )
        return sorted(target.glob("*.deb"))

    def _newer(self, suite: str) -> list[str]:
        base = self._folder / suite
        for part in ("lists/partial", "cache/archives/partial", "etc"):
            (base / part).mkdir(parents=True, exist_ok=True)
        keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
        (base / "etc/sources.list").write_text(f"deb [signed-by={keyring}] {self.mirror()} {suite} main\n")
        # An empty list of installed packages makes apt name the whole closure.
        (base / "status").write_text("")
        options = [
            *_options(base / "lists", base / "cache"),
            "-o", f"Dir::Etc::sourcelist={base}/etc/sources.list",
            "-o", "Dir::Etc::sourceparts=/dev/null",
            "-o", "Dir::Etc::preferencesparts=/dev/null",
            "-o", "Dir::Etc::preferences=/dev/null",
            "-o", f"Dir::State::status={base}/status",
        ]  # fmt: skip
        read = base / "lists-read"
        if not read.exists() or time.time() - read.stat().st_mtime > LISTS_FRESH_SECONDS:
            run(["apt-get", *options, "-qq", "update"], f"Reading the package lists of Debian {suite}")
            read.touch()
        return options


def _unneeded(line: str) -> bool:
    return line.startswith("Inst ") and line.split()[1].startswith(NOT_NEEDED)


def require_apt(packages: Sequence[str]) -> None:
    """Refuse systems without apt.

    :raises RehearsalError: naming what is needed instead.
    """
    if not shutil.which("apt-get") or not shutil.which("dpkg-deb"):
        raise RehearsalError(
            f"This system has no apt-get, so {' '.join(packages)} cannot be fetched. Debian and Ubuntu on "
            "x86_64 are what ./dev is tested on; docker-compose.yaml runs elsewhere."
        )


def unpack(packages: Sequence[Path], target: Path) -> None:
    """Unpack .deb files into a folder, without their documentation."""
    target.mkdir(parents=True, exist_ok=True)
    leave_out = [f"--exclude=./usr/share/{name}" for name in ("doc", "man", "locale", "lintian")]
    for package in packages:
        archive = target / f".{package.name}.tar"
        with archive.open("wb") as file:
            subprocess.run(["dpkg-deb", "--fsys-tarfile", package], stdout=file, check=True)
        # Links to directories (/lib -> usr/lib) are kept, as on an installed system.
        keep = "--keep-directory-symlink"
        run(["tar", "-x", "-f", archive, "-C", target, keep, *leave_out], f"Unpacking {package.name}")
        archive.unlink()


def install_on_host(packages: Sequence[str], why: str) -> None:
    """Install packages on the host when this is root; otherwise say which ones are missing.

    :param why: what they are needed for, as the end of a sentence.
    :raises RehearsalError: not root, or the installation failed.
    """
    command = f"apt-get install {' '.join(packages)}"
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise RehearsalError(f"Missing {why}. Install it as root (`{command}`), then run this again.")
    say(f"  installing {' '.join(packages)} on this system, {why} ...")
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "-qq", "-y", "--no-install-recommends", "install", *packages]
    try:
        run(install, command, environment=quiet)
    except RehearsalError:
        run(["apt-get", "-qq", "update"], "apt-get update")
        run(install, command, remedy=f"Install by hand: `{command}`.", environment=quiet)
