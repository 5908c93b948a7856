"""Runs of the migration's DAGs."""

from __future__ import annotations

from typing import Any

from tests.fixtures.chain import NAME
from tests.rehearsals.runs import Finished, run_to_the_end

APPROVALS = "approve|sign"


def run(dag_id: str, *, approved: str = APPROVALS, **params: Any) -> Finished:
    """Run a DAG to its end.

    :param approved: tasks whose questions a person has answered with yes.
    """
    return run_to_the_end(dag_id, {"migration": NAME, "plan_only": False, **params}, approved)
