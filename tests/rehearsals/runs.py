"""Runs of DAGs, task by task as Airflow runs them, approvals given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.dag_processing.dagbag import DagBag

from rehearsal.paths import REPOSITORY


class Finished:
    """A run that has ended."""

    def __init__(self, run: Any) -> None:
        self.state = str(run.state)
        self._instances = {ti.task_id: ti for ti in run.get_task_instances()}
        self.tasks = {name: str(ti.state) for name, ti in self._instances.items()}

    def value(self, task: str, key: str = "return_value") -> Any:
        """What a task left in XCom."""
        return self._instances[task].xcom_pull(task_ids=task, key=key)


def run_to_the_end(dag_id: str, params: Mapping[str, Any], approved: str) -> Finished:
    """Run a DAG to its end.

    :param approved: a regular expression of tasks whose questions a person has answered with yes.
    """
    dag = DagBag(dag_folder=str(REPOSITORY / "dags" / f"{dag_id}.py")).dags[dag_id]
    return Finished(dag.test(run_conf=dict(params), mark_success_pattern=approved))
