"""What the operators and sensors have in common: a step is called, and waited for, until nothing is left to do."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.providers.common.compat.sdk import conf
from airflow.sdk import BaseOperator

from livemove.rds import facts
from livemove.rds.hook import RdsHook
from livemove.rds.states import Kind, Subject
from livemove.rds.triggers import WaitTrigger
from livemove.rds.waiting import Waits, attempt, complete, look_at_all
from livemove.runbook.errors import NeedsPerson, TryAgain
from livemove.runbook.failing import no_retry_for_a_person

if TYPE_CHECKING:
    from airflow.sdk import Context


class RdsOperator(BaseOperator):
    """Base of the operators.

    An attempt begins with a look, so a retry after a killed worker goes on where the other one was.

    :param aws_conn_id: Airflow connection of type aws.
    :param region_name: Region, if it is not the connection's.
    :param timeout_seconds: how long an attempt may take, waiting included.
    :param poll_seconds: time between two looks.
    :param deferrable: wait in the triggerer; the default is Airflow's `operators.default_deferrable`.
    :returns: identifier, ARN, state, and for a database its host and port.
    """

    template_fields: Sequence[str] = ("aws_conn_id", "region_name")
    ui_color = "#f4ead5"

    def __init__(
        self,
        *,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        timeout_seconds: float = 3600,
        poll_seconds: float = 30,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.aws_conn_id = aws_conn_id
        self.region_name = region_name
        self.timeout_seconds = timeout_seconds
        self.poll_seconds = poll_seconds
        self.deferrable = deferrable

    def step(self, hook: RdsHook, context: Context) -> Waits:
        """Do what is missing and can be done now; return what to wait for."""
        raise NotImplementedError

    def subject(self) -> Subject:
        """The resource that the result describes."""
        raise NotImplementedError

    def result(self, hook: RdsHook) -> Any:
        """What the operator returns in the end."""
        subject = self.subject()
        description = hook.look(subject)
        if description is None:
            return {"identifier": subject.identifier, "state": "deleted"}
        found: dict[str, Any] = {
            "identifier": subject.identifier,
            "arn": facts.arn(description),
            "state": facts.state(subject.kind, description),
        }
        if subject.kind in (Kind.INSTANCE, Kind.CLUSTER):
            found |= {"host": facts.host(description), "port": facts.port(description)}
        return found

    def execute(self, context: Context) -> Any:
        """Call the step until nothing is left to wait for."""
        with no_retry_for_a_person():
            return self._go(context, time.time() + self.timeout_seconds)

    def _go(self, context: Context, ends_at: float) -> Any:
        hook = RdsHook(self.aws_conn_id, self.region_name)
        if self.deferrable:
            waits, fault = attempt(lambda: self.step(hook, context))
            if waits is None or waits:
                # A refused call is made again after a look that finds a usable state, so looks alone do not end it.
                if time.time() >= ends_at:
                    self._give_up(look_at_all(hook, waits)[0] if waits else fault)
                self._defer(waits or [], ends_at)
        else:
            complete(
                hook,
                lambda: self.step(hook, context),
                timeout_seconds=self.timeout_seconds,
                poll_seconds=self.poll_seconds,
            )
        result = self.result(hook)
        self.log.info("Done: %s", result)
        return result

    def _defer(self, waits: Waits, ends_at: float) -> None:
        for wait in waits:
            self.log.info("Waiting for %s%s.", wait.subject, " to be gone" if wait.gone else "")
        trigger = WaitTrigger(
            waits=[wait.as_json() for wait in waits],
            ends_at=ends_at,
            limit_seconds=self.timeout_seconds,
            poll_seconds=self.poll_seconds,
            aws_conn_id=self.aws_conn_id,
            region_name=self.region_name,
        )
        self.defer(trigger=trigger, method_name="resume", kwargs={"ends_at": ends_at})

    def _give_up(self, seen: str) -> NoReturn:
        raise TryAgain(f"Waited {self.timeout_seconds:.0f} s, then gave up: {seen}. The limit is timeout_seconds.")

    def resume(self, context: Context, event: dict[str, Any], ends_at: float) -> Any:
        """Go on after a wait.

        :raises TryAgain: the time was up.
        """
        if late := event.get("late"):
            self._give_up(late)
        with no_retry_for_a_person():
            if problem := event.get("problem"):
                raise NeedsPerson(problem)
            self.log.info("%s", event.get("seen"))
            return self._go(context, ends_at)
