"""Runs of the index's DAGs."""

from __future__ import annotations

from typing import Any

from tests.fixtures.rebuild import ALIAS
from tests.rehearsals.runs import Finished, run_to_the_end


def run(dag_id: str, **params: Any) -> Finished:
    """Run a DAG to its end; a person has answered its question with yes."""
    return run_to_the_end(dag_id, {"alias": ALIAS, "plan_only": False, **params}, "approve.*")
