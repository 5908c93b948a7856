"""Steps that go on in the triggerer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from livemove.runbook.errors import NeedsPerson
from livemove.search.hook import SearchHook
from livemove.search.steps import made
from livemove.search.waiting import attempt

# A task that resumes before the scheduler has booked that its process ended is taken for failed, and retried.
FIRST_SECONDS = 3.0


class SearchStepTrigger(BaseTrigger):
    """Calls a step until it is done, needs a person, or time is up; a fault that may pass says wait.

    Every step may be called twice at once, as happens when a triggerer is replaced.

    :param search_conn_id: connection to the cluster.
    :param step: its name in `livemove.search.steps.STEPS`.
    :param values: what it is given.
    :param ends_at: time of `time.time()` at which waiting ends.
    :param poll_seconds: time between two calls, where the step does not say.

    Example, in an operator's `execute`::

        trigger = SearchStepTrigger(
            search_conn_id="elasticsearch_default", step="copy", values={"index": "products-20260131120000"},
            ends_at=time.time() + 3600,
        )
        self.defer(trigger=trigger, method_name="resume")  # the event: {"text", "result"}, {"problem"} or {"late"}
    """

    def __init__(
        self, *, search_conn_id: str, step: str, values: dict[str, Any], ends_at: float, poll_seconds: float = 5
    ) -> None:
        super().__init__()
        self.search_conn_id = search_conn_id
        self.step = step
        self.values = values
        self.ends_at = ends_at
        self.poll_seconds = poll_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """What the triggerer needs to make this trigger again."""
        names = ("search_conn_id", "step", "values", "ends_at", "poll_seconds")
        return f"{type(self).__module__}.{type(self).__qualname__}", {name: getattr(self, name) for name in names}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll."""
        began = time.monotonic()
        step = made(SearchHook(self.search_conn_id), self.step, self.values)
        while True:
            try:
                seen = await asyncio.to_thread(attempt, step)
            except NeedsPerson as problem:
                yield await self._event(began, {"problem": str(problem)})
                return
            if seen.done:
                yield await self._event(began, {"text": seen.text, "result": dict(seen.result)})
                return
            left = self.ends_at - time.time()
            if left <= 0:
                yield await self._event(began, {"late": seen.text})
                return
            self.log.info("%s (%.0f s left)", seen.text, left)
            pause = self.poll_seconds if seen.pause_seconds is None else seen.pause_seconds
            await asyncio.sleep(max(0.0, min(pause, left)))

    @staticmethod
    async def _event(began: float, payload: dict[str, Any]) -> TriggerEvent:
        await asyncio.sleep(max(0.0, FIRST_SECONDS - (time.monotonic() - began)))
        return TriggerEvent(payload)
