"""Steps that go on in the triggerer, so that hours of waiting take no worker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from livemove.rebuild.waits import made
from livemove.runbook.errors import NeedsPerson
from livemove.search.waiting import attempt

# A task that resumes before the scheduler has booked that its process ended is taken for failed, and retried.
FIRST_PAUSE_SECONDS = 3.0


class StepTrigger(BaseTrigger):
    """Calls a step until it is done, needs a person, or the time is up.

    Every step may be called twice at once, as happens when a triggerer is replaced.

    :param alias: of a folder in `include/indices`.
    :param index: the index that the step works on.
    :param step: its id.
    :param given: what else it was given.
    :param ends_at: time of `time.time()` at which it ends.
    :param poll_seconds: the longest pause between two calls; the first ones are shorter.
    """

    def __init__(
        self, alias: str, index: str, step: str, given: dict[str, Any], ends_at: float, poll_seconds: float = 10
    ) -> None:
        super().__init__()
        self.alias = alias
        self.index = index
        self.step = step
        self.given = given
        self.ends_at = ends_at
        self.poll_seconds = poll_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """What the triggerer needs to make this trigger again."""
        names = ("alias", "index", "step", "given", "ends_at", "poll_seconds")
        return f"{type(self).__module__}.{type(self).__qualname__}", {name: getattr(self, name) for name in names}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll; a fault that may pass counts as a step that is not done."""
        began, pause, text = time.monotonic(), 1.0, "not looked at yet"
        try:
            step = await asyncio.to_thread(made, self.alias, self.index, self.step, self.given)
            while time.time() < self.ends_at:
                await asyncio.sleep(pause)
                seen = await asyncio.to_thread(attempt, step)
                if seen.done:
                    await asyncio.sleep(max(0.0, FIRST_PAUSE_SECONDS - (time.monotonic() - began)))
                    yield TriggerEvent({"done": True, "text": seen.text, "result": dict(seen.result)})
                    return
                text = seen.text
                self.log.info("%s (%.0f s left)", text, self.ends_at - time.time())
                # Copies are cut into portions: a long pause would be one after each of them, so their step says itself.
                usual = min(pause * 1.2, self.poll_seconds)
                pause = usual if seen.pause_seconds is None else seen.pause_seconds
        except NeedsPerson as problem:
            yield TriggerEvent({"done": False, "text": str(problem), "problem": True})
            return
        yield TriggerEvent({"done": False, "text": text})
