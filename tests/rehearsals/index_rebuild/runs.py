"""Runs of the index's DAGs, task by task as Airflow runs them, approvals given."""

from __future__ import annotations

from typing import Any

from airflow.dag_processing.dagbag import DagBag

from rehearsal.paths import REPOSITORY
from tests.fixtures.rebuild import ALIAS


class Finished:
    """A run that has ended."""

    def __init__(self, run: Any) -> None:
        self.state = str(run.state)
        self._instances = {ti.task_id: ti for ti in run.get_task_instances()}
        self.tasks = {name: str(ti.state) for name, ti in self._instances.items()}

    def value(self, task: str, key: str = "return_value") -> Any:
        """What a task left in XCom."""
        return self._instances[task].xcom_pull(task_ids=task, key=key)


def run(dag_id: str, **params: Any) -> Finished:
    """Run a DAG to its end; a person has answered its question with yes."""
    dag = DagBag(dag_folder=str(REPOSITORY / "dags" / f"{dag_id}.py")).dags[dag_id]
    conf = {"alias": ALIAS, "plan_only": False, **params}
    return Finished(dag.test(run_conf=conf, mark_success_pattern="approve.*"))
