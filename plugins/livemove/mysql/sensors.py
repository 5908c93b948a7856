"""Sensors that wait for a replica."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import conf

from livemove.mysql.base import MySqlOperator
from livemove.mysql.catching_up import Mark, Seen, look, mark
from livemove.mysql.hook import RdsMySqlHook
from livemove.mysql.triggers import ReplicaCaughtUpTrigger
from livemove.runbook.errors import NeedsPerson, TryAgain
from livemove.runbook.failing import no_retry_for_a_person

if TYPE_CHECKING:
    from airflow.sdk import Context


class ReplicaCaughtUpSensor(MySqlOperator):
    """Waits until a replica has all that its source had committed when the task began.

    Proven by a heartbeat row that it writes on the source (schema `livemove`, which it makes) and by GTID sets; never
    by Seconds_Behind_Source, which is 0 on a replica whose receiver is stuck. Logs what is missing at each poll, and
    fails at once when replication has stopped with an error.

    :param source_mysql_conn_id: connection to the source, with a user that may write the heartbeat.
    :param mysql_conn_id: connection to the replica, direct or further down the chain.
    :param heartbeat: the heartbeat's name; the default is one of the DAG's and the task's own.
    :param timeout_seconds: how long it may take.
    :param poll_seconds: time between two looks.
    :param deferrable: wait in the triggerer; the default is Airflow's `operators.default_deferrable`.
    :returns: what the replica had in the end, in words.
    :raises TryAgain: the time was up.

    Example::

        with DAG("before_promotion", schedule=None):
            ReplicaCaughtUpSensor(
                task_id="caught_up", source_mysql_conn_id="shop_admin", mysql_conn_id="aurora_admin", deferrable=True
            ) >> promote
    """

    template_fields: Sequence[str] = (
        "source_mysql_conn_id", "source_host", "source_port", "heartbeat", *MySqlOperator.template_fields,
    )  # fmt: skip

    def __init__(
        self,
        *,
        source_mysql_conn_id: str,
        source_host: str | None = None,
        source_port: int | str | None = None,
        heartbeat: str | None = None,
        timeout_seconds: float = 3600,
        poll_seconds: float = 5,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.source_mysql_conn_id = source_mysql_conn_id
        self.source_host = source_host
        self.source_port = source_port
        self.heartbeat = heartbeat
        self.timeout_seconds = timeout_seconds
        self.poll_seconds = poll_seconds
        self.deferrable = deferrable

    def execute(self, context: Context) -> str:
        """Mark the source, look, and wait."""
        port = int(self.source_port) if self.source_port else None
        source = RdsMySqlHook(self.source_mysql_conn_id, host=self.source_host, port=port)
        with no_retry_for_a_person():
            wanted = mark(source, self.heartbeat or f"{self.dag_id}.{self.task_id}"[:128])
            seen = look(self.hook, wanted)
            ends_at = time.time() + self.timeout_seconds
            if not seen.done and self.deferrable:
                self.log.info("Waiting up to %.0f s: %s.", self.timeout_seconds, seen.text)
                self._defer(wanted, ends_at)
            return self._reported(seen if seen.done else self._wait(wanted, ends_at))

    def _defer(self, wanted: Mark, ends_at: float) -> None:
        trigger = ReplicaCaughtUpTrigger(
            mysql_conn_id=self.mysql_conn_id,
            wanted=wanted.as_json(),
            ends_at=ends_at,
            host=self.host,
            port=int(self.port) if self.port else None,
            poll_seconds=self.poll_seconds,
        )
        self.defer(trigger=trigger, method_name="resume")

    def _wait(self, wanted: Mark, ends_at: float) -> Seen:
        while not (seen := look(self.hook, wanted)).done:
            if time.time() >= ends_at:
                self._give_up(seen.text)
            self.log.info("Waiting, %.0f s left: %s.", ends_at - time.time(), seen.text)
            time.sleep(max(0.0, min(self.poll_seconds, ends_at - time.time())))
        return seen

    def _give_up(self, seen: str) -> None:
        raise TryAgain(f"Waited {self.timeout_seconds:.0f} s, then gave up: {seen}. The limit is timeout_seconds.")

    def _reported(self, seen: Seen) -> str:
        self.log.info("%s.", seen.text)
        return seen.text

    def resume(self, context: Context, event: dict[str, Any]) -> str:
        """Go on after the wait.

        :raises TryAgain: the time was up.
        """
        if late := event.get("late"):
            self._give_up(late)
        with no_retry_for_a_person():
            if problem := event.get("problem"):
                raise NeedsPerson(problem)
        return self._reported(Seen(True, event["seen"]))
