"""The application's own maintenance mode: on before our fence, off after it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import TypeAdapter

from livemove.migration.access import HttpAccess, http_access
from livemove.migration.settings import HttpMaintenance, Maintenance, NoMaintenance, PersonMaintenance

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class MaintenanceMode:
    """Turns it on and off; works from plain values, as the dead-man's process uses it, too."""

    settings: Maintenance
    access: HttpAccess | None = None

    def on(self) -> None:
        """Turn it on. A person has done so before approving."""
        if isinstance(self.settings, HttpMaintenance) and self.access:
            self.access.call("POST", self.settings.on, {})

    def off(self) -> None:
        """Turn it off, or ask a person to."""
        if isinstance(self.settings, HttpMaintenance) and self.access:
            self.access.call("POST", self.settings.off, {})
        if isinstance(self.settings, PersonMaintenance):
            log.warning("Turn the application's maintenance mode off now.")

    def plan(self) -> tuple[list[str], list[str]]:
        """The plan's lines before the fence and after it."""
        if isinstance(self.settings, NoMaintenance):
            return [], []
        if isinstance(self.settings, HttpMaintenance):
            where = f"of {self.settings.conn_id}"
            return [f"POST {self.settings.on} {where}"], [f"POST {self.settings.off} {where}"]
        return (
            ["a person has turned the application's maintenance mode on (before approving)"],
            ["a person turns the application's maintenance mode off when the log asks for it"],
        )

    def packed(self) -> dict[str, Any]:
        """As JSON, secrets included: for a pipe, never for a file or a log."""
        return {
            "settings": self.settings.model_dump(),
            "access": asdict(self.access) if self.access else None,
        }

    @classmethod
    def unpacked(cls, document: Mapping[str, Any]) -> MaintenanceMode:
        """What `packed` has put into JSON."""
        settings: Maintenance = TypeAdapter(Maintenance).validate_python(document["settings"])
        return cls(settings, HttpAccess(**document["access"]) if document["access"] else None)

    @classmethod
    def of(cls, settings: Maintenance) -> MaintenanceMode:
        """With the Airflow connection that the settings name."""
        return cls(settings, http_access(settings.conn_id) if isinstance(settings, HttpMaintenance) else None)
