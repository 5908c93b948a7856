"""The model of `include/clones/<name>.yaml`: an Aurora cluster, and the clone that is to replicate from it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from livemove.migration.settings import (
    AURORA_MAX_RETENTION_HOURS,
    MySqlSettings,
    NewServerSettings,
    Role,
    ServerSettings,
)
from livemove.runbook.config import Settings, file_names, load_named
from livemove.runbook.include import include_folder


class CloneLimits(Settings):
    """How long things may take."""

    prepare_hours: float = Field(24, gt=0, le=240, description="How long each step may take.")


class CloneSettings(Settings):
    """One file: one Aurora cluster, and one clone of it."""

    name: str = Field("", description="The file's name; it need not be written.")
    aws_conn_id: str = "aws_default"
    mysql: MySqlSettings = Field(default_factory=lambda: MySqlSettings.model_validate({}))
    source: ServerSettings
    clone: NewServerSettings
    binlog_format: Literal["ROW", "MIXED"] = Field("ROW", description="Of the source, if its binary log is off.")
    binlog_retention_hours: int = Field(168, ge=1, le=AURORA_MAX_RETENTION_HOURS)
    limits: CloneLimits = Field(default_factory=lambda: CloneLimits.model_validate({}))

    @model_validator(mode="after")
    def _differ(self) -> CloneSettings:
        if self.source.identifier == self.clone.identifier:
            raise ValueError(f"source and clone would both use the identifier {self.clone.identifier!r}")
        return self

    def server(self, role: Role) -> ServerSettings:
        """Return the settings of the source, or of the clone, which is the `target`."""
        return self.source if role is Role.SOURCE else self.clone

    def aws_conn(self, role: Role) -> str:
        """Return the AWS connection of a role."""
        return self.server(role).aws_conn_id or self.aws_conn_id


def clones_folder() -> Path:
    """The folder of the files."""
    return include_folder() / "clones"


def clone_names() -> list[str]:
    """Names of all files, without reading them."""
    return file_names(clones_folder())


def load_clone(name: str) -> CloneSettings:
    """Read `include/clones/<name>.yaml`.

    :raises NeedsPerson: the file is missing or does not fit; the message names file, key and remedy.
    """
    return load_named(clones_folder(), name, CloneSettings, "clone").model_copy(update={"name": name})
