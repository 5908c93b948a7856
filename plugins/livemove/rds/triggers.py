"""Waiting for the RDS API, in the triggerer. It only looks; what there is to do, the operator does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from livemove.rds.hook import RdsHook
from livemove.rds.waiting import look_at_all, progress
from livemove.rds.waits import Wait
from livemove.runbook.errors import NeedsPerson


class WaitTrigger(BaseTrigger):
    """Fires when all that a step waits for is there, cannot come any more, or time is up.

    It sleeps before its first look, so that a step that is repeated at once cannot spin. Without waits it is a pause.

    :param waits: as `Wait.as_json` gives them.
    :param ends_at: time of `time.time()` at which waiting ends.
    :param limit_seconds: how long that is in all, for the log.
    """

    def __init__(
        self,
        *,
        waits: Sequence[dict[str, Any]],
        ends_at: float,
        limit_seconds: float,
        poll_seconds: float = 30,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
    ) -> None:
        super().__init__()
        self.waits = list(waits)
        self.ends_at = ends_at
        self.limit_seconds = limit_seconds
        self.poll_seconds = poll_seconds
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """What the triggerer needs to make this trigger again."""
        names = ("waits", "ends_at", "limit_seconds", "poll_seconds", "aws_conn_id", "region_name")
        return f"{type(self).__module__}.{type(self).__qualname__}", {name: getattr(self, name) for name in names}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll; a poll that fails is a poll that says wait."""
        hook = RdsHook(self.aws_conn_id, self.region_name)
        waits = [Wait.from_json(values) for values in self.waits]
        while True:
            await asyncio.sleep(max(0.0, min(self.poll_seconds, self.ends_at - time.time())))
            try:
                seen, done = await asyncio.to_thread(look_at_all, hook, waits)
            except NeedsPerson as problem:
                yield TriggerEvent({"problem": str(problem)})
                return
            except Exception as error:
                seen, done = f"{type(error).__name__}: {error}", False
            if done:
                yield TriggerEvent({"seen": seen})
                return
            if time.time() >= self.ends_at:
                yield TriggerEvent({"late": seen})
                return
            elapsed = self.limit_seconds - (self.ends_at - time.time())
            self.log.info("%s", progress(seen, elapsed, self.limit_seconds))
