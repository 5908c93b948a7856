"""The variables of an Airflow of this repository."""

from __future__ import annotations

from pathlib import Path

from rehearsal.airflow.environment import client_variables


def test_plugins_of_an_unpacked_client_library_are_found(tmp_path: Path) -> None:
    plugins = tmp_path / "mariadb/usr/lib/x86_64-linux-gnu/libmariadb3/plugin"
    plugins.mkdir(parents=True)
    assert client_variables(tmp_path) == {"MARIADB_PLUGIN_DIR": str(plugins)}


def test_without_an_unpacked_library_the_host_s_own_is_left_alone(tmp_path: Path) -> None:
    assert client_variables(tmp_path) == {}
