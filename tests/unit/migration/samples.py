"""A migration and what was found of it, for tests of the pure core."""

from __future__ import annotations

from typing import Any

from livemove.migration.settings import MigrationSettings, Role
from livemove.migration.wanted import Known

DOCUMENT: dict[str, Any] = {
    "name": "shop",
    "source": {"identifier": "shop"},
    "target": {
        "identifier": "shop-aurora",
        "instance_class": "db.r6g.large",
        "engine_version": "8.0.mysql_aurora.3.04.0",
        "parameter_group": "shop-aurora",
        "subnet_group": "private",
        "security_groups": ["sg-1", "sg-2"],
    },
    "cdc": {
        "identifier": "shop-cdc",
        "instance_class": "db.r6g.large",
        "engine_version": "8.0.mysql_aurora.3.04.0",
        "parameter_group": "shop-cdc",
    },
    "fallback": {
        "identifier": "shop-fallback",
        "instance_class": "db.m6g.large",
        "parameter_group": "shop-fallback",
    },
    "schemas": ["shop"],
    "writers": {"users": ["app", "batch"]},
    "endpoint": {"kind": "ssm_parameter", "name": "/shop/database"},
}


def settings(**changes: Any) -> MigrationSettings:
    """The sample file, with other top-level values."""
    return MigrationSettings.model_validate({**DOCUMENT, **changes})


def rows(values: dict[str, str], fixed: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """Rows of a parameter group, as RDS describes them."""
    dynamic = ("event_scheduler", "binlog_row_image", "binlog_checksum", "read_only")
    return [
        {
            "ParameterName": name,
            "ParameterValue": value,
            "IsModifiable": name not in fixed,
            "ApplyType": "dynamic" if name in dynamic else "static",
        }
        for name, value in values.items()
    ]


def known(**changes: Any) -> Known:
    """What is found when nothing but the source exists."""
    found: dict[str, Any] = {
        "source_arn": "arn:aws:rds:eu-central-1:123456789012:db:shop",
        "source_version": "8.0.35",
        "there": frozenset({Role.SOURCE}),
        "made": {Role.SOURCE: "20240101000000"},
        "endpoints": {Role.SOURCE: ("shop.example", 3306)},
    }
    return Known(**{**found, **changes})
