"""Start servers that refuse to run as root (PostgreSQL, Elasticsearch) from a root shell as well.

An ordinary user starts them directly. For root the command is wrapped into `setpriv` of util-linux, which
gives the server the identity of an unprivileged user but leaves it the two capabilities to pass through
folders that only root may enter, since a clone often lies below a private home folder.
"""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_PASSING_FOLDERS = "+dac_override,+dac_read_search"
# Otherwise access(2), with which Java looks for files, disregards the capabilities of an ordinary user.
_ASKING_WITH_THEM = "+no_setuid_fixup"


class CannotDropPrivilegesError(RuntimeError):
    """Raised when root starts a server that refuses root and `setpriv` is not installed."""


@dataclass(frozen=True)
class Identity:
    """The user that a server runs as."""

    uid: int
    gid: int


def server_identity() -> Identity | None:
    """Return the user that servers run as, or None if they run as the present, ordinary user."""
    if os.geteuid() != 0:
        return None
    nobody = pwd.getpwnam("nobody")
    return Identity(nobody.pw_uid, nobody.pw_gid)


def unprivileged(argv: Sequence[str], *, parent_death_signal: str | None = None) -> list[str]:
    """Return the command that runs `argv` without root's identity.

    :param argv: the server's command.
    :param parent_death_signal: name of the signal (such as `SIGQUIT`) that the kernel sends to the server
        when the thread that started it ends; needs `setpriv`, without which it is left out for ordinary
        users.
    :raises CannotDropPrivilegesError: for root, if `setpriv` is missing.
    """
    identity = server_identity()
    setpriv = shutil.which("setpriv")
    if identity is None:
        if setpriv is None or parent_death_signal is None:
            return list(argv)
        return [setpriv, "--pdeathsig", parent_death_signal, *argv]
    if setpriv is None:
        raise CannotDropPrivilegesError(
            f"{Path(argv[0]).name} does not run as root, and `setpriv` is missing: "
            "install the package util-linux, or start as an ordinary user."
        )
    command = [setpriv, "--reuid", str(identity.uid), "--regid", str(identity.gid), "--clear-groups"]
    command += ["--securebits", _ASKING_WITH_THEM]
    command += ["--inh-caps", _PASSING_FOLDERS, "--ambient-caps", _PASSING_FOLDERS]
    if parent_death_signal is not None:
        command += ["--pdeathsig", parent_death_signal]
    return [*command, *argv]


def hand_over(path: Path) -> None:
    """Give `path` (not its contents) to the user that servers run as; nothing happens for ordinary users."""
    identity = server_identity()
    if identity is not None:
        os.chown(path, identity.uid, identity.gid)
