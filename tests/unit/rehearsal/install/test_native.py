"""mysqlclient is compiled against an unpacked library, in folders with spaces, too."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rehearsal.errors import RehearsalError
from rehearsal.install.native import build_variables, run_variables


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A folder as Debian's packages unpack to, below one whose name holds a space."""
    root = tmp_path / "my state" / "tools" / "mariadb"
    (root / "usr/lib/x86_64-linux-gnu/libmariadb3/plugin").mkdir(parents=True)
    (root / "usr/lib/x86_64-linux-gnu/libmariadb.so.3").touch()
    (root / "usr/include/mariadb").mkdir(parents=True)
    (root / "usr/include/mariadb/mysql.h").touch()
    return root


def test_no_option_holds_a_space_although_the_folder_does(library: Path) -> None:
    with build_variables(library, library.parents[1] / "venv/lib/python3.11/site-packages") as variables:
        include = variables["MYSQLCLIENT_CFLAGS"].removeprefix("-I")
        assert (Path(include) / "mysql.h").exists()
        folder, name, run_path = variables["MYSQLCLIENT_LDFLAGS"].split()
        assert (Path(folder.removeprefix("-L")) / "libmariadb.so.3").exists()
        assert name == "-lmariadb"
        assert run_path.startswith("-Wl,-rpath,$ORIGIN/")


def test_the_run_path_leads_from_the_compiled_module_to_the_library(library: Path) -> None:
    site_packages = library.parents[1] / "venv/lib/python3.11/site-packages"
    with build_variables(library, site_packages) as variables:
        relative = variables["MYSQLCLIENT_LDFLAGS"].partition("$ORIGIN/")[2]
    reached = os.path.normpath(site_packages / "MySQLdb" / relative)
    assert reached == str(library / "usr/lib/x86_64-linux-gnu")


def test_the_hosts_own_library_needs_no_variables(tmp_path: Path) -> None:
    with build_variables(None, tmp_path) as variables:
        assert variables == {}
    assert run_variables(tmp_path) == {}


def test_an_unpacked_library_is_told_where_its_login_plugins_are(library: Path) -> None:
    assert run_variables(library.parent) == {
        "MARIADB_PLUGIN_DIR": str(library / "usr/lib/x86_64-linux-gnu/libmariadb3/plugin")
    }


def test_a_damaged_folder_is_named_with_the_remedy(library: Path) -> None:
    (library / "usr/lib/x86_64-linux-gnu/libmariadb.so.3").unlink()
    with pytest.raises(RehearsalError, match="remove that folder"), build_variables(library, library):
        pass
