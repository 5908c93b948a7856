"""Waiting for a replica, in the triggerer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from livemove.mysql.catching_up import Mark, Seen, look
from livemove.mysql.hook import RdsMySqlHook
from livemove.runbook.errors import NeedsPerson


class ReplicaCaughtUpTrigger(BaseTrigger):
    """Fires when a replica has all that its source had, has stopped with an error, or time is up.

    It logs at each poll what the replica lacks. A poll that fails, as while the replica restarts, says wait.

    :param mysql_conn_id: connection to the replica.
    :param wanted: as `Mark.as_json` gives it.
    :param ends_at: time of `time.time()` at which waiting ends.
    :param host: of the replica, in the place of the connection's.

    Example, in an operator's `execute`::

        trigger = ReplicaCaughtUpTrigger(
            mysql_conn_id="replica", wanted=mark(source).as_json(), ends_at=time.time() + 3600
        )
        self.defer(trigger=trigger, method_name="resume")  # the event: {"seen"}, {"problem"} or {"late"}, a text
    """

    def __init__(
        self,
        *,
        mysql_conn_id: str,
        wanted: dict[str, Any],
        ends_at: float,
        host: str | None = None,
        port: int | None = None,
        poll_seconds: float = 5,
    ) -> None:
        super().__init__()
        self.mysql_conn_id = mysql_conn_id
        self.wanted = wanted
        self.ends_at = ends_at
        self.host = host
        self.port = port
        self.poll_seconds = poll_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """What the triggerer needs to make this trigger again."""
        names = ("mysql_conn_id", "wanted", "ends_at", "host", "port", "poll_seconds")
        return f"{type(self).__module__}.{type(self).__qualname__}", {name: getattr(self, name) for name in names}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Poll."""
        while True:
            try:
                seen = await asyncio.to_thread(self._look)
            except NeedsPerson as problem:
                yield TriggerEvent({"problem": str(problem)})
                return
            except Exception as error:
                seen = Seen(False, f"{type(error).__name__}: {error}")
            if seen.done:
                yield TriggerEvent({"seen": seen.text})
                return
            if time.time() >= self.ends_at:
                yield TriggerEvent({"late": seen.text})
                return
            self.log.info("Waiting, %.0f s left: %s.", self.ends_at - time.time(), seen.text)
            await asyncio.sleep(max(0.0, min(self.poll_seconds, self.ends_at - time.time())))

    def _look(self) -> Seen:
        hook = RdsMySqlHook(self.mysql_conn_id, host=self.host, port=self.port)
        return look(hook, Mark(**self.wanted))
