"""A DAG for the tests of `./dev run`: three mapped tasks, one of which fails when it is told to."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param, get_current_context, task

with DAG(
    dag_id="probe",
    schedule=None,
    params={"broken": Param("", type="string", enum=["", "alpha", "beta", "gamma"])},
):

    @task
    def names() -> list[str]:
        return ["alpha", "beta", "gamma"]

    @task(map_index_template="{{ name }}", retries=1, retry_delay=timedelta(seconds=1))
    def work(name: str) -> str:
        context = get_current_context()
        context["name"] = name
        print(f"working on {name}")
        if context["params"]["broken"] == name:
            raise ValueError(f"{name} is broken: mend it")
        return name

    work.expand(name=names())
