"""The model of `include/migrations/<name>.yaml`: four databases, who writes, and what moves with them."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, field_validator, model_validator

from livemove.runbook.config import Settings, file_names, load_named
from livemove.runbook.errors import NeedsPerson
from livemove.runbook.include import include_folder

# Retention of binary logs, in hours (RDS and Aurora User Guides, mysql.rds_set_configuration).
RDS_MAX_RETENTION_HOURS = 168
AURORA_MAX_RETENTION_HOURS = 2160

# What belongs to the servers or to the runbooks, and is never migrated.
OWN_SCHEMAS = frozenset({"mysql", "information_schema", "performance_schema", "sys", "livemove"})


class Role(StrEnum):
    """What a database is to the migration; changes run along the chain source, target, cdc, fallback."""

    SOURCE = "source"
    TARGET = "target"
    CDC = "cdc"
    FALLBACK = "fallback"

    @property
    def upstream(self) -> Role | None:
        """The role that this one replicates from, until the cutover; None for the source."""
        place = list(Role).index(self)
        return list(Role)[place - 1] if place else None

    @property
    def is_cluster(self) -> bool:
        """Whether it is an Aurora cluster; the others are RDS instances."""
        return self in (Role.TARGET, Role.CDC)


def _identifier(text: str) -> str:
    if not re.fullmatch(r"[a-z](-?[a-z0-9])*", text):
        raise ValueError(
            "expected an RDS identifier: lower-case letters, digits and single hyphens, a letter first, no hyphen last"
        )
    return text


Identifier = Annotated[str, StringConstraints(min_length=1, max_length=60), AfterValidator(_identifier)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Text = Annotated[str, StringConstraints(min_length=1)]
User = Annotated[str, StringConstraints(min_length=1, max_length=32)]


class MySqlSettings(Settings):
    """How the servers are logged in to. Hosts come from the RDS API, never from a connection."""

    admin_conn_id: str = Field("mysql_admin", description="The master user that all four share.")
    replication_conn_id: str = Field("mysql_replication", description="The user that replicas log in as.")
    port: int = Field(3306, ge=1, le=65535)
    replication_host: str = Field("%", min_length=1, description="Where replicas come from: a host or network pattern.")


class ServerSettings(Settings):
    """A database that exists already."""

    identifier: Identifier
    aws_conn_id: str | None = Field(None, description="Its own AWS connection, if it stands in another account.")


class NewServerSettings(ServerSettings):
    """A database that `migration_prepare` makes, unless it is there."""

    instance_class: Text = Field(description="Such as db.r6g.large.")
    parameter_group: Text = Field(description="Made if it is missing. No other database may use it.")
    subnet_group: Text | None = None
    security_groups: list[Text] = Field(default_factory=list, description="Ids, such as sg-0123.")


class ClusterSettings(NewServerSettings):
    """An Aurora cluster; its writer instance is `<identifier>-1` unless a person has named it."""

    engine_version: Text = Field(description="Such as 8.0.mysql_aurora.3.04.0; not older than the source.")

    @field_validator("engine_version")
    @classmethod
    def _is_aurora_version(cls, version: str) -> str:
        if not re.fullmatch(r"8\.[04]\.mysql_aurora\.\d+\.\d+\.\d+", version):
            raise ValueError("expected an Aurora MySQL version such as 8.0.mysql_aurora.3.04.0")
        return version


class InstanceSettings(NewServerSettings):
    """An RDS instance."""

    multi_az_after_fall_back: bool = Field(True, description="Until then it is single-AZ, as Multi-AZ lags.")


class Writers(Settings):
    """The accounts that the application writes with. The fence locks them, at all of their hosts."""

    users: list[User] = Field(min_length=1)


class SsmParameterEndpoint(Settings):
    """The application reads its database's address from an SSM parameter."""

    kind: Literal["ssm_parameter"]
    name: Text
    value: str = "{host}:{port}"
    aws_conn_id: str | None = None

    @field_validator("value")
    @classmethod
    def _names_the_host(cls, value: str) -> str:
        if "{host}" not in value or re.search(r"\{(?!host\}|port\})", value):
            raise ValueError("expected a text with {host}, and {port} if it is wanted")
        return value


class Route53Endpoint(Settings):
    """The application connects to a CNAME record."""

    kind: Literal["route53"]
    zone_id: Text
    record: Text
    ttl: int = Field(5, ge=1, le=300, description="Seconds.")
    aws_conn_id: str | None = None


def _same_names() -> dict[Literal["host", "port"], str]:
    return {"host": "host", "port": "port"}


class SecretEndpoint(Settings):
    """The application reads host and port from keys of a secret, a JSON object."""

    kind: Literal["secret"]
    name: Text
    keys: dict[Literal["host", "port"], Text] = Field(default_factory=_same_names)
    aws_conn_id: str | None = None


class HttpEndpoint(Settings):
    """A service of the user's own is told the address, and tells it."""

    kind: Literal["http"]
    conn_id: str
    path: Text


class PersonEndpoint(Settings):
    """A person moves the application."""

    kind: Literal["person"]


Endpoint = Annotated[
    SsmParameterEndpoint | Route53Endpoint | SecretEndpoint | HttpEndpoint | PersonEndpoint,
    Field(discriminator="kind"),
]


class NoMaintenance(Settings):
    """The application has no maintenance mode; the fence alone stops writes."""

    kind: Literal["none"]


class HttpMaintenance(Settings):
    """A service of the user's own turns the maintenance mode on and off."""

    kind: Literal["http"]
    conn_id: str
    on: Text
    off: Text


class PersonMaintenance(Settings):
    """A person turns the maintenance mode on and off."""

    kind: Literal["person"]


Maintenance = Annotated[NoMaintenance | HttpMaintenance | PersonMaintenance, Field(discriminator="kind")]


class Limits(Settings):
    """What a cutover may meet, and how long its parts may take."""

    lag_seconds: float = Field(5, gt=0, le=300, description="Heartbeat lag along the whole chain.")
    checksum_age_hours: float = Field(24, gt=0, le=168)
    fence_timeout_seconds: float = Field(60, ge=5, le=600, description="Writes come back after that at the latest.")
    lease_seconds: float = Field(20, ge=5, le=28, description="How long the dead-man's process waits for a sign.")
    idle_transaction_seconds: float = Field(60, ge=1, description="An open transaction older than this stops it.")
    prepare_hours: float = Field(48, gt=0, le=240, description="How long each database may take to be made.")


class MigrationSettings(Settings):
    """One file: a migration of one RDS MySQL instance to one Aurora cluster."""

    name: str = Field("", description="The file's name; it need not be written.")
    aws_conn_id: str = "aws_default"
    mysql: MySqlSettings = Field(default_factory=lambda: MySqlSettings.model_validate({}))
    source: ServerSettings
    target: ClusterSettings
    cdc: ClusterSettings
    fallback: InstanceSettings
    schemas: list[Name] = Field(min_length=1, description="What is migrated: checked and checksummed.")
    writers: Writers
    fallback_window_hours: int = Field(72, ge=1, description="How long the way back stays open, from prepare on.")
    binlog_retention_hours: int = Field(168, ge=1)
    endpoint: Endpoint
    maintenance: Maintenance = Field(default_factory=lambda: NoMaintenance(kind="none"))
    limits: Limits = Field(default_factory=lambda: Limits.model_validate({}))
    dms_task_arn: str | None = Field(None, description="The DMS task that reads from `cdc`, if there is one.")

    @field_validator("schemas")
    @classmethod
    def _are_the_users_own(cls, schemas: list[str]) -> list[str]:
        if own := sorted(OWN_SCHEMAS & {schema.lower() for schema in schemas}):
            raise ValueError(f"{', '.join(own)} is the server's or the runbooks' own; remove it")
        return schemas

    @field_validator("dms_task_arn")
    @classmethod
    def _is_arn(cls, arn: str | None) -> str | None:
        if arn is not None and not re.fullmatch(r"arn:aws[\w-]*:dms:[\w-]+:\d{12}:task:[\w-]+", arn):
            raise ValueError("expected arn:aws:dms:<region>:<account>:task:<id>")
        return arn

    @model_validator(mode="after")
    def _databases_differ(self) -> MigrationSettings:
        taken: dict[str, str] = {}
        for role in Role:
            identifier = self.server(role).identifier
            # An Aurora cluster's instance has a name of its own among the instances.
            names = [identifier, f"{identifier}-1"] if role.is_cluster else [identifier]
            for name in names:
                if name in taken:
                    raise ValueError(f"{taken[name]} and {role} would both use the identifier {name!r}")
                taken[name] = role
        groups: dict[str, str] = {}
        for role in (Role.TARGET, Role.CDC, Role.FALLBACK):
            group = self.new_server(role).parameter_group
            if group in groups:
                raise ValueError(f"{groups[group]} and {role} share parameter group {group!r}; each needs its own")
            groups[group] = role
        return self

    @model_validator(mode="after")
    def _retention_covers_the_window(self) -> MigrationSettings:
        window, retention = self.fallback_window_hours, self.binlog_retention_hours
        if retention < window:
            raise ValueError(
                f"binlog_retention_hours ({retention}) is shorter than fallback_window_hours ({window}): binary logs "
                "that the way back needs would be purged; raise the first or lower the second"
            )
        if retention > AURORA_MAX_RETENTION_HOURS:
            raise ValueError(f"binlog_retention_hours: Aurora takes {AURORA_MAX_RETENTION_HOURS} at most")
        if window > RDS_MAX_RETENTION_HOURS:
            raise ValueError(
                f"fallback_window_hours ({window}) exceeds the {RDS_MAX_RETENTION_HOURS} hours that RDS for MySQL can "
                "keep binary logs, and the fallback is one; choose a shorter window"
            )
        return self

    def server(self, role: Role) -> ServerSettings:
        """Return the settings of the database in a role."""
        found: ServerSettings = getattr(self, role.value)
        return found

    def new_server(self, role: Role) -> NewServerSettings:
        """Return the settings of a database that prepare makes: target, cdc or fallback."""
        found: NewServerSettings = getattr(self, role.value)
        return found

    def writer_instance(self, role: Role) -> str:
        """Return the identifier of the instance that is made for a role."""
        identifier = self.server(role).identifier
        return f"{identifier}-1" if role.is_cluster else identifier

    def aws_conn(self, role: Role) -> str:
        """Return the AWS connection of a role."""
        return self.server(role).aws_conn_id or self.aws_conn_id

    def retention_hours(self, role: Role) -> int:
        """Return how long a role's server keeps its binary logs: what is asked for, or the engine's maximum."""
        highest = AURORA_MAX_RETENTION_HOURS if role.is_cluster else RDS_MAX_RETENTION_HOURS
        return min(self.binlog_retention_hours, highest)


def migrations_folder() -> Path:
    """The folder of the migration files."""
    return include_folder() / "migrations"


def migration_names() -> list[str]:
    """Names of all migration files, without reading them."""
    return file_names(migrations_folder())


def load_migration(name: str) -> MigrationSettings:
    """Read `include/migrations/<name>.yaml`.

    :raises NeedsPerson: the file is missing or does not fit; the message names file, key and remedy.
    """
    settings = load_named(migrations_folder(), name, MigrationSettings, "migration")
    if settings.name not in ("", name):
        path = migrations_folder() / f"{name}.yaml"
        raise NeedsPerson(f"{path}: name: {settings.name!r} is not the file's; remove the key.")
    return settings.model_copy(update={"name": name})
