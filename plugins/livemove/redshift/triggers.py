"""Waiting, in the triggerer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from livemove.redshift.preflight import not_ready
from livemove.redshift.sync import Sync
from livemove.redshift.window import Bounds, Look


class BoundsReadyTrigger(BaseTrigger):
    """Fires when rows up to the bounds may be read: the reader has them, and older transactions have ended.

    :param sync: name of the sync.
    :param bounds: as `Bounds.as_json` gives them.
    :param looked_at: the writer's clock at the look, UTC, ISO 8601.
    :param ends_at: time of `time.time()` at which waiting ends.
    """

    def __init__(
        self, sync: str, bounds: dict[str, Any], looked_at: str, ends_at: float, poll_seconds: float = 2
    ) -> None:
        super().__init__()
        self.sync = sync
        self.bounds = bounds
        self.looked_at = looked_at
        self.ends_at = ends_at
        self.poll_seconds = poll_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """What the triggerer needs to make this trigger again."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "sync": self.sync,
                "bounds": self.bounds,
                "looked_at": self.looked_at,
                "ends_at": self.ends_at,
                "poll_seconds": self.poll_seconds,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll until ready or out of time; a poll that fails is a poll that says wait."""
        look = Look(datetime.fromisoformat(self.looked_at))
        reason: str | None = "not looked at yet"
        while reason is not None:
            try:
                reason = await asyncio.to_thread(self._reason, look)
            except Exception as error:
                reason = f"{type(error).__name__}: {error}"
            if reason is None:
                break
            if time.time() > self.ends_at:
                yield TriggerEvent({"ready": False, "reason": reason})
                return
            self.log.info("Waiting, %.0f s left: %s.", self.ends_at - time.time(), reason)
            await asyncio.sleep(self.poll_seconds)
        yield TriggerEvent({"ready": True})

    def _reason(self, look: Look) -> str | None:
        return not_ready(Sync.named(self.sync), Bounds.from_json(self.bounds), look)
