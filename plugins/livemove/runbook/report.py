"""The report of a run of a runbook: which steps were done, how long they took, what remains to do by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowFailException

from livemove.runbook.failing import PROBLEM
from livemove.runbook.table import markdown_table

if TYPE_CHECKING:
    from airflow.sdk import Context

# What a task may leave in XCom for the report.
DONE, LEFT = "done", "left"
_ORDER = ("failed", "upstream_failed", "skipped", "success")


def say(context: Context, done: str, left: str = "") -> None:
    """Tell the report what is true now, and what a person has still to do.

    :param done: one line, shown in the row of the task.
    :param left: Markdown, shown at the end.
    """
    context["ti"].xcom_push(key=DONE, value=done)
    if left:
        context["ti"].xcom_push(key=LEFT, value=left)


@dataclass(frozen=True)
class StepResult:
    """What became of one task.

    :ivar done: what is true now.
    :ivar problem: why it failed.
    :ivar left: what a person has still to do, as Markdown.
    """

    task_id: str
    state: str
    done: str = ""
    problem: str = ""
    left: str = ""


def render(title: str, results: Sequence[StepResult], more: str = "") -> str:
    """The report's text. Pure.

    :param more: what the runbook adds at the end, as Markdown.
    """
    failed = [result for result in results if result.state == "failed"]
    head = "did not finish" if failed else "is done"
    lines = [f"# {title} {head}", ""]
    shown = [result for result in results if result.state in _ORDER]
    lines += [
        markdown_table(
            ["step", "result", "what is true now"],
            [[result.task_id, _word(result.state), " ".join(result.done.split())] for result in shown],
        )
    ]
    if failed:
        lines += ["", "## What to do", ""]
        for result in failed:
            problem = result.problem.replace("\n", "\n  ") or "see the log of the task"
            lines.append(f"- {result.task_id}: {problem}")
        lines += ["", "Then clear the failed tasks; what is done already is not done again."]
    for result in results:
        if result.left:
            lines += ["", result.left.strip()]
    if more:
        lines += ["", more.strip()]
    return "\n".join(lines) + "\n"


def _word(state: str) -> str:
    return {"success": "ok", "failed": "**failed**", "upstream_failed": "not reached"}.get(state, state)


class ReportOperator(BaseOperator):
    """Write the report of a run as Markdown, and fail if any of its tasks failed.

    :param title: what the run does, such as `Prepare shop`.
    :returns: the report.
    """

    template_fields: Sequence[str] = ("title",)

    def __init__(self, *, title: str, **kwargs: Any) -> None:
        kwargs.setdefault("trigger_rule", "all_done")
        kwargs.setdefault("retries", 0)
        super().__init__(**kwargs)
        self.title = title

    def execute(self, context: Context) -> str:
        """Collect, log, and fail by choice."""
        ti = context["ti"]
        states = ti.get_task_states(dag_id=ti.dag_id, run_ids=[ti.run_id])[ti.run_id]
        order = [task.task_id for task in context["dag"].topological_sort() if task.task_id != ti.task_id]
        results = [result for task_id in order for result in self._results(ti, task_id, states)]
        report = render(self.title, results, self._more(context))
        self.log.info("\n%s", report)
        failed = [result.task_id for result in results if result.state == "failed"]
        if failed:
            ti.xcom_push(key="return_value", value=report)
            raise AirflowFailException(f"Failed: {', '.join(failed)}. The report above says what to do.")
        return report

    def more(self, context: Context) -> str:
        """What a runbook adds to its report, as Markdown."""
        return ""

    def _more(self, context: Context) -> str:
        try:
            return self.more(context)
        except Exception as error:
            # The report of a run that failed must not fail for the same reason.
            self.log.warning("The report lacks a part: %s", error)
            return ""

    def _results(self, ti: Any, task_id: str, states: dict[str, Any]) -> list[StepResult]:
        """One result, or one for each row of a mapped task, which is called `<task>_<place>` there."""
        if task_id in states:
            return [self._result(ti, task_id, states[task_id], None)]
        rows = sorted(
            (int(place), state)
            for name, state in states.items()
            for task, _, place in [name.rpartition("_")]
            if task == task_id and place.isdigit()
        )
        return [self._result(ti, task_id, state, place) for place, state in rows]

    def _result(self, ti: Any, task_id: str, state: Any, place: int | None) -> StepResult:
        def pull(key: str) -> str:
            found = ti.xcom_pull(task_ids=task_id, key=key, map_indexes=place, default="")
            return str(found or "") if not isinstance(found, (list, tuple)) else "; ".join(map(str, found))

        shown = task_id if place is None else f"{task_id} [{place}]"
        return StepResult(shown, str(state), pull(DONE), pull(PROBLEM), pull(LEFT))
