"""What the operators and sensors have in common: one cluster, and steps that look first."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.providers.common.compat.sdk import conf
from airflow.sdk import BaseOperator

from livemove.runbook.errors import NeedsPerson, TryAgain
from livemove.runbook.failing import no_retry_for_a_person
from livemove.search.hook import SearchHook
from livemove.search.steps import made
from livemove.search.triggers import SearchStepTrigger
from livemove.search.waiting import attempt, complete

if TYPE_CHECKING:
    from airflow.sdk import Context


class SearchOperator(BaseOperator):
    """Base of the operators: each works on one cluster, looks first, and can be cleared and run again.

    :param search_conn_id: Airflow connection of type elasticsearch.
    """

    template_fields: Sequence[str] = ("search_conn_id",)
    ui_color = "#e3ecf7"

    def __init__(self, *, search_conn_id: str = "elasticsearch_default", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.search_conn_id = search_conn_id

    @property
    def hook(self) -> SearchHook:
        """A hook to the cluster."""
        return SearchHook(self.search_conn_id)

    def execute(self, context: Context) -> Any:
        """Do it; a problem that needs a person is not retried."""
        with no_retry_for_a_person():
            return self.act(self.hook)

    def act(self, hook: SearchHook) -> Any:
        """What this operator does."""
        raise NotImplementedError


class StepOperator(SearchOperator):
    """Base of the operators that take time.

    :param timeout_seconds: how long an attempt may take.
    :param poll_seconds: time between two looks.
    :param deferrable: go on in the triggerer; the default is Airflow's `operators.default_deferrable`.
    :returns: what the step found or made.
    :raises TryAgain: the time was up; the next attempt goes on where this one was.
    """

    # Its name in `steps.STEPS`.
    step_name = ""

    def __init__(
        self,
        *,
        timeout_seconds: float = 6 * 3600,
        poll_seconds: float = 5,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.timeout_seconds = timeout_seconds
        self.poll_seconds = poll_seconds
        self.deferrable = deferrable

    def values(self) -> dict[str, Any]:
        """What the step is given."""
        raise NotImplementedError

    def act(self, hook: SearchHook) -> Any:
        """Call the step until it is done, here or in the triggerer."""
        step = made(hook, self.step_name, self.values())
        if not self.deferrable:
            timing = {"timeout_seconds": self.timeout_seconds, "poll_seconds": self.poll_seconds}
            return self.finished(hook, dict(complete(step, **timing).result))
        ends_at = time.time() + self.timeout_seconds
        seen = attempt(step)
        self.log.info("%s", seen.text)
        if seen.done:
            return self.finished(hook, dict(seen.result))
        trigger = SearchStepTrigger(
            search_conn_id=self.search_conn_id,
            step=self.step_name,
            values=self.values(),
            ends_at=ends_at,
            poll_seconds=self.poll_seconds,
        )
        self.defer(trigger=trigger, method_name="resume")
        raise AssertionError("not reached")

    def resume(self, context: Context, event: dict[str, Any]) -> Any:
        """Go on after the wait.

        :raises TryAgain: the time was up.
        """
        if late := event.get("late"):
            self._give_up(late)
        with no_retry_for_a_person():
            if problem := event.get("problem"):
                raise NeedsPerson(problem)
            self.log.info("%s", event["text"])
            return self.finished(self.hook, event["result"])

    def _give_up(self, seen: str) -> NoReturn:
        raise TryAgain(f"Waited {self.timeout_seconds:.0f} s, then gave up: {seen}. The limit is timeout_seconds.")

    def finished(self, hook: SearchHook, result: dict[str, Any]) -> Any:
        """What the operator returns."""
        return result
