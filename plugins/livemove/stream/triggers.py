"""Waiting for a loader, in the triggerer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from livemove.runbook.errors import NeedsPerson
from livemove.stream.deployment import DeployerName
from livemove.stream.loaders import Loaders, make_deployer


class LoaderLevelTrigger(BaseTrigger):
    """Fires when a loader was found level with its stream several times in a row, has failed, or the time is up.

    :param limit_seconds: the greatest lag from commit to applied that counts as level.
    :param polls: so many looks in a row must find it level.
    :param ends_at: time of `time.time()` at which waiting ends.
    """

    def __init__(
        self,
        name: str,
        stream: str,
        state: str,
        deployer: DeployerName,
        aws_conn_id: str,
        limit_seconds: float,
        polls: int,
        ends_at: float,
        poll_seconds: float = 2,
    ) -> None:
        super().__init__()
        self.name = name
        self.stream = stream
        self.state = state
        self.deployer = deployer
        self.aws_conn_id = aws_conn_id
        self.limit_seconds = limit_seconds
        self.polls = polls
        self.ends_at = ends_at
        self.poll_seconds = poll_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """What the triggerer needs to make this trigger again."""
        names = ("name", "stream", "state", "deployer", "aws_conn_id", "limit_seconds", "polls", "ends_at")
        given = {name: getattr(self, name) for name in (*names, "poll_seconds")}
        return f"{type(self).__module__}.{type(self).__qualname__}", given

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll; a look that fails counts as one that says wait, unless a person is needed."""
        level, seen = 0, "not looked at yet"
        while level < self.polls:
            if time.time() > self.ends_at:
                yield TriggerEvent({"level": False, "seen": seen})
                return
            await asyncio.sleep(self.poll_seconds)
            try:
                reasons = await asyncio.to_thread(self._look)
            except NeedsPerson as problem:
                yield TriggerEvent({"level": False, "seen": str(problem), "failed": True})
                return
            except Exception as error:
                reasons = [f"{type(error).__name__}: {error}"]
            level, seen = (0, "; ".join(reasons)) if reasons else (level + 1, f"level, {level + 1} of {self.polls}")
            self.log.info("%s, %.0f s left: %s.", self.name, self.ends_at - time.time(), seen)
        yield TriggerEvent({"level": True, "seen": seen})

    def _look(self) -> list[str]:
        loaders = Loaders(self.aws_conn_id, self.state, make_deployer(self.deployer))
        return loaders.behind(self.name, self.stream, self.limit_seconds)
