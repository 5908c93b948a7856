"""A person decides, seeing evidence and plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator


class ApproveOperator(ApprovalOperator):
    """Ask a person whether the runbook may act. A rejection fails the run: nothing that follows is done.

    :param what: what is approved, such as `the cutover of shop`.
    :param body: evidence and plan, as Markdown.

    Example::

        check = CheckCutoverOperator(task_id="check", migration="shop")
        approve = ApproveOperator(task_id="approve", what="the cutover of shop", body="{{ ti.xcom_pull('check') }}")
        check >> approve >> cut_over
    """

    template_fields: Sequence[str] = ("subject", "body")

    def __init__(self, *, what: str, body: str, **kwargs: Any) -> None:
        # A rejection that only skipped what follows would end the run as a success.
        kwargs.setdefault("fail_on_reject", True)
        super().__init__(subject=f"Approve {what}", body=body, **kwargs)
