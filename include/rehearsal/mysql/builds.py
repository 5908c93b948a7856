"""The generations of MySQL that can be run here, and how each is started."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rehearsal.install import mysql80, mysql97
from rehearsal.paths import Layout

DEFAULT_VERSION = "8.0.31"
# The chain of the set-up (rehearsal.install) that brings each generation.
CHAINS = {"8.0.31": "mysql80", "9.7": "mysql97"}


@dataclass(frozen=True)
class Build:
    """One unpacked server.

    :param command: the words that run mysqld.
    :param base: its `basedir`.
    :param share: the folder of `charsets` and of the messages.
    :param native_password: whether it still has mysql_native_password, the default of Aurora MySQL 3.
    """

    version: str
    command: tuple[str, ...]
    base: Path
    share: Path
    plugins: Path
    native_password: bool
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of its processes."""
        return {**os.environ, **self.variables}

    @property
    def authentication(self) -> str:
        """The login method that the master user gets."""
        return "mysql_native_password" if self.native_password else "caching_sha2_password"


def build(version: str, layout: Layout) -> Build:
    """The build of a generation, which must be installed.

    :param version: `8.0.31` or `9.7`.
    """
    if version == "8.0.31":
        base = layout.mysql80
        return Build(
            version,
            (str(base / "bin/mysqld"),),
            base,
            base / "share",
            base / "lib/plugin",
            native_password=True,
            variables=mysql80.variables(layout),
        )
    base = layout.mysql97 / "root/usr"
    return Build(
        version,
        tuple(mysql97.command(layout)),
        base,
        base / "share/mysql",
        base / "lib/mysql/plugin",
        native_password=False,
    )
