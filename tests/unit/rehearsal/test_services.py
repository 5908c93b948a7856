"""The status of a stack tells only what runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal.processes import Server
from rehearsal.services import Folder, describe, missing, stop_all


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    found = Folder(tmp_path)
    names = ("mysql-writer", "mysql-reader", "redshift", "s3", "airflow", "rds", "elasticsearch", "kinesis", "dms")
    found.ports.write_text(json.dumps({name: number for number, name in enumerate(names, start=1)}))
    found.credentials.write_text(json.dumps({"mysql-admin": "m", "redshift-admin": "r"}))
    yield found
    stop_all(found)


def start(folder: Folder, *names: str) -> None:
    for name in names:
        folder.server(name).spawn(["sleep", "300"])


def test_a_stack_that_never_ran_has_no_services(tmp_path: Path) -> None:
    assert describe(Folder(tmp_path / "none")) == {}
    assert "mysql-writer" in missing(Folder(tmp_path / "none"))


def test_a_full_stack_is_described_key_by_key(folder: Folder) -> None:
    start(folder, "mysql-writer", "mysql-reader", "redshift", "s3", "rds", "elasticsearch", "kinesis")
    start(folder, "dms", "stream-transform")
    start(folder, "airflow-api-server", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer")
    mysql = {"host": "127.0.0.1", "user": "admin", "password": "m", "database": "flights"}
    assert describe(folder) == {
        "mysql": {"writer": {**mysql, "port": 1}, "reader": {**mysql, "port": 2}},
        "redshift": {"host": "127.0.0.1", "port": 3, "user": "admin", "password": "r", "database": "dev"},
        "s3": {"endpoint_url": "http://127.0.0.1:4", "bucket": "livemove-rehearsal"},
        "rds": {"endpoint_url": "http://127.0.0.1:6"},
        "elasticsearch": {"url": "http://127.0.0.1:7"},
        "kinesis": {
            "endpoint_url": "http://127.0.0.1:8",
            "streams": {"changes": "livemove-changes", "documents": "livemove-documents"},
        },
        "airflow": {"url": "http://127.0.0.1:5"},
    }
    assert missing(folder) == []


def test_servers_behind_the_rds_api_are_described_by_their_identifier(folder: Folder) -> None:
    (folder.path / "rds").mkdir()
    (folder.path / "rds" / "ports.json").write_text(json.dumps({"shop": 7, "shop-aurora": 8}))
    start(folder, "rds", "rds-shop")
    shop = {"host": "127.0.0.1", "port": 7, "user": "admin", "password": "m", "database": "shop"}
    assert describe(folder)["mysql"] == {"shop": shop}


def test_the_rds_stand_in_ends_before_its_servers_as_it_would_start_them_again(folder: Folder) -> None:
    start(folder, "rds-shop", "rds", "mysql-writer")
    assert stop_all(folder) == ["rds", "rds-shop", "mysql-writer"]


def test_loaders_end_before_what_they_read_and_write(folder: Folder) -> None:
    start(folder, "kinesis", "elasticsearch", "s3", "airflow-scheduler")
    loader = Server("products-20260101000000", folder.loaders / "products-20260101000000.json", folder.loaders / "log")
    loader.spawn(["sleep", "300"])
    assert stop_all(folder) == ["airflow-scheduler", "products-20260101000000", "s3", "elasticsearch", "kinesis"]
    assert loader.pid is None


def test_an_airflow_without_its_scheduler_does_not_count_as_running(folder: Folder) -> None:
    start(folder, "airflow-api-server", "airflow-dag-processor", "airflow-triggerer")
    assert "airflow" not in describe(folder)
    assert "airflow-scheduler" in missing(folder)


def test_stopping_ends_all_and_tells_only_what_ran(folder: Folder) -> None:
    start(folder, "s3", "mysql-writer", "something-else")
    folder.server("redshift").run_file.write_text('{"pid": 4194304, "started": 1, "boot": "x"}')
    assert sorted(stop_all(folder)) == ["mysql-writer", "s3", "something-else"]
    assert list(folder.runs.iterdir()) == []
    assert stop_all(folder) == []


def test_purging_leaves_no_data(folder: Folder) -> None:
    start(folder, "s3")
    (folder.path / "mysql").mkdir()
    (folder.path / "mysql" / "data").touch()
    stop_all(folder, purge=True)
    assert [path.name for path in folder.path.iterdir()] == ["lock"]
