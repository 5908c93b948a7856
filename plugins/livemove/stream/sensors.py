"""Sensors for the loaders of a stream."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from livemove.runbook.errors import NeedsPerson
from livemove.runbook.failing import problems_reported
from livemove.stream.operators import LoaderOperator
from livemove.stream.triggers import LoaderLevelTrigger

if TYPE_CHECKING:
    from airflow.sdk import Context


class LoaderCaughtUpSensor(LoaderOperator):
    """Wait, in the triggerer, until a loader is level with its stream in event time, on every open shard.

    :param stream: the stream that it reads.
    :param limit_seconds: the greatest lag from commit to applied that counts as level.
    :param polls: so many looks in a row must find it level.
    :param timeout_seconds: how long it may take.

    Example::

        LoaderCaughtUpSensor(
            task_id="until_level", name="products-20261122093000", state="s3://my-bucket/loaders",
            stream="livemove-documents",
        )
    """

    template_fields: Sequence[str] = (*LoaderOperator.template_fields, "stream")

    def __init__(
        self,
        *,
        stream: str,
        limit_seconds: float = 5,
        polls: int = 3,
        timeout_seconds: float = 86_400,
        poll_seconds: float = 2,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.stream = stream
        self.limit_seconds = limit_seconds
        self.polls = polls
        self.timeout_seconds = timeout_seconds
        self.poll_seconds = poll_seconds

    def execute(self, context: Context) -> str:
        """Hand the wait to the triggerer."""
        trigger = LoaderLevelTrigger(
            self.name,
            self.stream,
            self.state,
            self.deployer,
            self.aws_conn_id,
            self.limit_seconds,
            self.polls,
            time.time() + self.timeout_seconds,
            self.poll_seconds,
        )
        return self.defer(trigger=trigger, method_name="told")  # type: ignore[no-any-return]

    def told(self, context: Context, event: dict[str, Any]) -> str:
        """What the wait has come to.

        :raises RuntimeError: the time was up.
        """
        with problems_reported(context):
            if event["level"]:
                return f"{self.name} is level with {self.stream}"
            if event.get("failed"):
                raise NeedsPerson(event["seen"])
            raise RuntimeError(f"{self.name} was not level after {self.timeout_seconds:.0f} s: {event['seen']}.")
