"""A migration file is refused for what would go wrong weeks later, and says what to change."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from livemove.migration.settings import MigrationSettings, Role, load_migration, migration_names
from livemove.runbook.errors import NeedsPerson
from rehearsal.paths import REPOSITORY

EXAMPLE = yaml.safe_load((REPOSITORY / "include" / "migrations" / "example.yaml").read_text(encoding="utf-8"))


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Writes `test.yaml`: the example with other values at dotted keys; None removes a key."""
    monkeypatch.setenv("LIVEMOVE_INCLUDE", str(tmp_path))
    folder = tmp_path / "migrations"
    folder.mkdir()

    def writes(**changes: Any) -> None:
        document = yaml.safe_load(yaml.safe_dump(EXAMPLE))
        for place, value in changes.items():
            *parents, key = place.split("__")
            inner = document
            for parent in parents:
                inner = inner[parent]
            if value is None:
                del inner[key]
            else:
                inner[key] = value
        (folder / "test.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")

    return writes


def refused(**_: Any) -> str:
    with pytest.raises(NeedsPerson) as problem:
        load_migration("test")
    return str(problem.value)


def test_the_shipped_example_is_read_and_knows_its_name() -> None:
    assert "example" in migration_names()
    settings = load_migration("example")
    assert settings.name == "example"
    assert settings.new_server(Role.CDC).parameter_group == "shop-cdc"
    assert settings.writer_instance(Role.TARGET) == "shop-aurora-1"
    assert settings.writer_instance(Role.FALLBACK) == "shop-fallback"


def test_the_chain_runs_from_source_to_fallback() -> None:
    assert [role.upstream for role in Role] == [None, Role.SOURCE, Role.TARGET, Role.CDC]


@pytest.mark.parametrize(
    ("changes", "key", "remedy"),
    [
        ({"target__identifer": "x"}, "target.identifer", "did you mean 'identifier'?"),
        ({"source": None}, "source", "this key is required"),
        ({"source__identifier": "Shop"}, "source.identifier", "expected an RDS identifier"),
        ({"source__identifier": "shop--1"}, "source.identifier", "expected an RDS identifier"),
        ({"target__engine_version": "5.7.mysql_aurora.2.11.0"}, "target.engine_version", "8.0.mysql_aurora.3.04.0"),
        ({"fallback__identifier": "shop"}, "test.yaml", "source and fallback would both use the identifier 'shop'"),
        ({"source__identifier": "shop-aurora-1"}, "test.yaml", "both use the identifier 'shop-aurora-1'"),
        ({"cdc__parameter_group": "shop-aurora"}, "test.yaml", "each needs its own"),
        ({"binlog_retention_hours": 48}, "test.yaml", "binary logs that the way back needs would be purged"),
        ({"fallback_window_hours": 169, "binlog_retention_hours": 200}, "test.yaml", "exceeds the 168 hours"),
        ({"binlog_retention_hours": 2161}, "test.yaml", "2160 at most"),
        ({"schemas": ["shop", "MySQL"]}, "schemas", "the server's or the runbooks' own"),
        ({"writers__users": []}, "writers.users", "at least 1"),
        ({"endpoint": {"kind": "carrier_pigeon"}}, "endpoint", "ssm_parameter"),
        ({"endpoint__value": "{hots}:{port}"}, "endpoint", "expected a text with {host}"),
        ({"dms_task_arn": "task-1"}, "dms_task_arn", "arn:aws:dms"),
        ({"name": "other"}, "name", "is not the file's"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_key_and_remedy(
    write: Callable[..., None], changes: dict[str, Any], key: str, remedy: str
) -> None:
    write(**changes)
    said = refused()
    assert key in said
    assert remedy in said
    assert "test.yaml" in said


def test_the_retention_of_an_instance_is_no_longer_than_its_engine_allows(write: Callable[..., None]) -> None:
    write(binlog_retention_hours=500)
    settings = load_migration("test")
    assert [settings.retention_hours(role) for role in Role] == [168, 500, 500, 168]


def test_a_role_may_stand_in_another_account(write: Callable[..., None]) -> None:
    write(cdc__aws_conn_id="aws_pipelines")
    settings = load_migration("test")
    assert [settings.aws_conn(role) for role in Role] == ["aws_default", "aws_default", "aws_pipelines", "aws_default"]


def test_a_name_cannot_leave_the_folder() -> None:
    with pytest.raises(NeedsPerson, match="no name of a file"):
        load_migration("../sync/nycflights13")


@pytest.mark.parametrize(
    "endpoint",
    [
        {"kind": "route53", "zone_id": "Z1", "record": "db.example.internal"},
        {"kind": "secret", "name": "shop/database"},
        {"kind": "http", "conn_id": "app", "path": "/database"},
        {"kind": "person"},
    ],
)
def test_the_endpoint_can_be_any_of_the_kinds(write: Callable[..., None], endpoint: dict[str, Any]) -> None:
    write(endpoint=endpoint)
    settings: MigrationSettings = load_migration("test")
    assert settings.endpoint.kind == endpoint["kind"]
