"""What mysqlclient, which has no wheels, is compiled with: a compiler, Python's headers, libmariadb's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from rehearsal.errors import RehearsalError
from rehearsal.install.apt import Apt, install_on_host, unpack
from rehearsal.progress import doing

# The names that mysqlclient's own set-up asks pkg-config for.
CLIENT_LIBRARIES = ("mysqlclient", "mariadb", "libmariadb", "perconaserverclient")
PACKAGES = ("libmariadb-dev", "libmariadb3")
HEADER = Path("usr/include/mariadb/mysql.h")


def require_compiler() -> None:
    """Make sure that a C compiler and Python's headers are there.

    :raises RehearsalError: they are missing and this is not root; it names the packages.
    """
    if not (shutil.which("cc") or shutil.which("gcc")):
        install_on_host(["gcc", "libc6-dev"], "a C compiler (mysqlclient is compiled here)")
    header = Path(sysconfig.get_paths()["include"]) / "Python.h"
    if not header.exists():
        install_on_host(["python3-dev"], "Python's C headers (mysqlclient is compiled here)")
    if not header.exists():
        raise RehearsalError(
            f"{header} is missing, and python3-dev does not bring it for this Python. Install the headers of "
            "this Python, or put another Python 3.11 or later first on PATH."
        )


def _host_has_client_library() -> bool:
    if not shutil.which("pkg-config"):
        return False
    return any(
        subprocess.run(["pkg-config", "--exists", name], check=False).returncode == 0 for name in CLIENT_LIBRARIES
    )


def client_library(tools: Path, downloads: Path) -> Path | None:
    """The folder that holds Debian's client library, unpacked; None when the host has one of its own.

    :param tools: where the library is unpacked.
    :param downloads: where packages are kept.
    """
    if _host_has_client_library():
        return None
    root = tools / "mariadb"
    if not (root / HEADER).exists():
        with doing("libmariadb, headers and library for mysqlclient"):
            debs = Apt(downloads / "apt").download(PACKAGES, downloads / "mariadb")
            scratch = tools / "mariadb.new"
            shutil.rmtree(scratch, ignore_errors=True)
            unpack(debs, scratch)
            shutil.rmtree(root, ignore_errors=True)
            scratch.rename(root)
    return root


@contextmanager
def build_variables(library: Path | None, site_packages: Path) -> Iterator[dict[str, str]]:
    """Variables that make mysqlclient's set-up find an unpacked client library.

    Its set-up splits them at every space, so they reach the library through a link that has none, and the
    compiled module finds it by a path relative to itself: the state folder may hold spaces, and a wheel
    that pip or uv has cached works in every clone.

    :param library: what `client_library` gave.
    :param site_packages: where the compiled module will stand.
    """
    if library is None:
        yield {}
        return
    shared = next(iter(sorted(library.glob("usr/lib/*/libmariadb.so.3"))), None)
    if shared is None:
        raise RehearsalError(f"No libmariadb.so.3 below {library}: remove that folder and run this again.")
    relative = os.path.relpath(shared.parent, site_packages / "MySQLdb")
    with TemporaryDirectory(prefix="livemove-") as scratch:
        link = Path(scratch) / "mariadb"
        link.symlink_to(library)
        folder = link / shared.parent.relative_to(library)
        yield {
            "MYSQLCLIENT_CFLAGS": f"-I{link / HEADER.parent}",
            "MYSQLCLIENT_LDFLAGS": f"-L{folder} -lmariadb -Wl,-rpath,$ORIGIN/{relative}",
        }


def run_variables(tools: Path) -> dict[str, str]:
    """Variables for programs that use mysqlclient: where an unpacked library finds its login plugins.

    Debian's library looks for caching_sha2_password in a folder of the host that may not be there.
    """
    plugins = next(iter(sorted((tools / "mariadb").glob("usr/lib/*/libmariadb3/plugin"))), None)
    return {"MARIADB_PLUGIN_DIR": str(plugins)} if plugins else {}
