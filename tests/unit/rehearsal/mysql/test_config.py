"""The option file keeps a server to this machine and to its folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal.mysql.builds import Build
from rehearsal.mysql.config import option_file


def options(folder: Path, read_only: bool = False) -> dict[str, str]:
    program = Build("8.0.31", ("mysqld",), Path("/b"), Path("/b/share"), Path("/b/plugins"), native_password=True)
    lines = option_file(program, folder, port=3307, server_id=2, read_only=read_only).splitlines()
    assert lines[0] == "[mysqld]"
    return dict(line.split("=", 1) for line in lines[1:])


def test_a_server_listens_on_loopback_only() -> None:
    assert options(Path("/x"))["bind_address"] == "127.0.0.1"
    assert options(Path("/x"))["mysqlx"] == "OFF"


def test_the_path_of_the_socket_does_not_grow_with_the_folder() -> None:
    assert options(Path("/" + "deep/" * 60))["socket"] == "mysql.sock"


def test_a_folder_with_a_space_is_quoted() -> None:
    assert options(Path("/my files"))["datadir"] == '"/my files/data"'


@pytest.mark.parametrize(("read_only", "expected"), [(True, "ON"), (False, "OFF")])
def test_a_reader_refuses_even_administrators(read_only: bool, expected: str) -> None:
    assert options(Path("/x"), read_only)["super_read_only"] == expected


@pytest.mark.parametrize(("uid", "expected"), [(0, "root"), (1000, None)])
def test_root_says_that_it_means_it(uid: int, expected: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: uid)
    assert options(Path("/x")).get("user") == expected
