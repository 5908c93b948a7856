"""Waiting for what a step of a migration needs, in the triggerer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from livemove.migration.clone import CloneServers
from livemove.migration.settings import Role
from livemove.migration.steps import Pending, look
from livemove.migration.topology import Servers
from livemove.rds.waits import Wait
from livemove.runbook.errors import NeedsPerson

# A task that resumes before the scheduler has booked that its process ended is taken for failed, and retried.
FIRST_PAUSE_SECONDS = 3.0


class StepTrigger(BaseTrigger):
    """Fires when a step can go on, when waiting cannot help, or when the time is up.

    :param migration: name of the file, in `include/migrations` or, for the kind `clone`, in `include/clones`.
    :param reason: what is waited for.
    :param role: whose RDS API is looked at.
    :param waits: as `Wait.as_json` gives them; without any it fires after one pause.
    :param ends_at: time of `time.time()` at which waiting ends.
    :param poll_seconds: the longest pause between two looks; the first ones are shorter.
    """

    def __init__(
        self,
        migration: str,
        reason: str,
        role: str,
        waits: Sequence[dict[str, Any]],
        ends_at: float,
        poll_seconds: float = 15,
        kind: str = "migration",
    ) -> None:
        super().__init__()
        self.migration = migration
        self.reason = reason
        self.role = role
        self.waits = list(waits)
        self.ends_at = ends_at
        self.poll_seconds = poll_seconds
        self.kind = kind

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """What the triggerer needs to make this trigger again."""
        return (
            f"{type(self).__module__}.{type(self).__qualname__}",
            {
                "migration": self.migration,
                "reason": self.reason,
                "role": self.role,
                "waits": self.waits,
                "ends_at": self.ends_at,
                "poll_seconds": self.poll_seconds,
                "kind": self.kind,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll; a look that fails counts as one that says wait, unless a person is needed."""
        pending = Pending(self.reason, tuple(Wait.from_json(wait) for wait in self.waits), Role(self.role))
        seen, ready, pause = self.reason, False, min(FIRST_PAUSE_SECONDS, self.poll_seconds)
        while not ready:
            if time.time() > self.ends_at:
                yield TriggerEvent({"ready": False, "seen": seen, "ends_at": self.ends_at})
                return
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, self.poll_seconds)
            try:
                seen, ready = await asyncio.to_thread(self._look, pending)
            except NeedsPerson:
                break  # The step itself meets it again, and says it.
            except Exception as error:
                seen = f"{type(error).__name__}: {error}"
            if not ready:
                self.log.info("Waiting, %.0f s left: %s.", self.ends_at - time.time(), seen)
        yield TriggerEvent({"ready": True, "seen": seen, "ends_at": self.ends_at})

    def _look(self, pending: Pending) -> tuple[str, bool]:
        named = CloneServers.named if self.kind == "clone" else Servers.named
        return look(named(self.migration), pending)
