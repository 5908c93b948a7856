"""A DAG for the tests of `./dev approve`: it asks a person, and a rejection fails it."""

from __future__ import annotations

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG, task

with DAG(dag_id="asks", schedule=None):

    @task
    def act() -> str:
        return "done"

    ask = ApprovalOperator(task_id="approve", subject="Approve the probe", body="lag 0 s\nrows 7", fail_on_reject=True)
    ask >> act()
