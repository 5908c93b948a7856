"""The folder of what users edit is found, or it is said where it was looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from livemove.runbook import include
from livemove.runbook.errors import NeedsPerson


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A deployment's `plugins` folder, as if this package lay in it; nothing is set."""
    monkeypatch.delenv(include.SETTING, raising=False)
    monkeypatch.setattr(include, "__file__", str(tmp_path / "plugins" / "livemove" / "runbook" / "include.py"))
    return tmp_path / "plugins"


def test_the_setting_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(include.SETTING, str(tmp_path))
    assert include.include_folder() == tmp_path


def test_a_setting_that_is_no_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(include.SETTING, str(tmp_path / "none"))
    with pytest.raises(NeedsPerson, match=r"LIVEMOVE_INCLUDE=.*none is not a folder"):
        include.include_folder()


@pytest.mark.parametrize("place", ["include", "plugins/include", "dags/include"])
def test_without_a_setting_it_is_found_where_services_ship_it(plugins: Path, place: str) -> None:
    folder = plugins.parent / place
    (folder / "sync").mkdir(parents=True)
    assert include.include_folder() == folder


def test_a_clone_s_folder_goes_before_one_inside_plugins(plugins: Path) -> None:
    for place in ("include", "plugins/include"):
        (plugins.parent / place / "sync").mkdir(parents=True)
    assert include.include_folder() == plugins.parent / "include"


def test_a_folder_without_syncs_is_not_it(plugins: Path) -> None:
    (plugins.parent / "include").mkdir()
    with pytest.raises(NeedsPerson, match="No include folder found") as refused:
        include.include_folder()
    assert str(plugins.parent / "dags" / "include") in str(refused.value)
    assert include.SETTING in str(refused.value)
