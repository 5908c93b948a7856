"""A person decides, seeing evidence and plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk.exceptions import AirflowSkipException

if TYPE_CHECKING:
    from airflow.sdk import Context

_FENCE = "```"
# Airflow's page collapses spaces, of fenced blocks too.
_INDENT = "\u00a0"


def line_by_line(body: str) -> str:
    """Markdown whose fenced blocks are shown line by line on Airflow's page, which runs their lines together.

    Each line of a block becomes code of its own with a hard break; its indentation is kept by no-break spaces. Pure.
    """
    shown, fenced = [], False
    for line in body.splitlines():
        if line.strip() == _FENCE:
            fenced = not fenced
            shown.append("")
        elif fenced and line.strip():
            text = line.lstrip(" ")
            text = _INDENT * (len(line) - len(text)) + text
            shown.append(f"`` {text} ``  " if "`" in text else f"`{text}`  ")
        else:
            shown.append(line)
    return "\n".join(shown) + "\n"


class ApproveOperator(ApprovalOperator):
    """Ask a person whether the runbook may act. A rejection fails the run: nothing that follows is done.

    :param what: what is approved, such as `the cutover of shop`.
    :param body: evidence and plan, as Markdown.
    :param plan_only: skip the question, and with it what follows.

    Example::

        check = CheckCutoverOperator(task_id="check", migration="shop")
        approve = ApproveOperator(task_id="approve", what="the cutover of shop", body="{{ ti.xcom_pull('check') }}")
        check >> approve >> cut_over
    """

    template_fields: Sequence[str] = ("subject", "body", "plan_only")
    body: str

    def __init__(self, *, what: str, body: str, plan_only: bool = False, **kwargs: Any) -> None:
        # A rejection that only skipped what follows would end the run as a success.
        kwargs.setdefault("fail_on_reject", True)
        super().__init__(subject=f"Approve {what}", body=body, **kwargs)
        self.plan_only = plan_only

    def execute(self, context: Context) -> Any:
        """Ask.

        :raises AirflowSkipException: the run is to plan only.
        """
        if self.plan_only:
            raise AirflowSkipException("The run is to plan only: nothing is to be approved.")
        self.body = line_by_line(self.body)
        return super().execute(context)
