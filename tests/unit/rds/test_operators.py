"""The operators as a DAG's author meets them: examples that work, fields that are rendered."""

from __future__ import annotations

import inspect
import textwrap
from typing import Any

import pytest
from airflow.providers.amazon.aws.operators.rds import RdsCreateDbSnapshotOperator
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import DAG

from livemove.rds import operators, sensors
from livemove.rds.base import RdsOperator

OFFERED = {name: getattr(operators, name) for name in operators.__all__} | {
    name: getattr(sensors, name) for name in ("InstanceStateSensor", "ClusterStateSensor")
}


def example(offered: type[RdsOperator]) -> DAG:
    """The DAG in the example of a docstring."""
    _, found, code = (inspect.getdoc(offered) or "").partition("Example::\n")
    assert found
    names: dict[str, Any] = {**OFFERED, "RdsCreateDbSnapshotOperator": RdsCreateDbSnapshotOperator}
    with DAG("around", schedule=None):
        names |= {name: EmptyOperator(task_id=name) for name in ("check", "caught_up")}
    # The tasks before and after belong to the same DAG as the example's.
    source = textwrap.dedent(code).replace("with DAG(", "with made(")

    def made(dag_id: str, **options: Any) -> DAG:
        dag = DAG(dag_id, **{"schedule": None, **options})
        for name in ("check", "caught_up"):
            names[name] = EmptyOperator(task_id=name, dag=dag)
        names["dag"] = dag
        return dag

    exec(source, {**names, "made": made}, names)
    dag: DAG = names["dag"]
    return dag


@pytest.mark.parametrize("name", OFFERED)
def test_the_example_of_an_operator_is_a_dag_with_it(name: str) -> None:
    assert any(type(task) is OFFERED[name] for task in example(OFFERED[name]).tasks)


@pytest.mark.parametrize("name", OFFERED)
def test_each_rendered_field_is_one(name: str) -> None:
    task = next(task for task in example(OFFERED[name]).tasks if type(task) is OFFERED[name])
    assert task.template_fields
    assert all(hasattr(task, field) for field in task.template_fields)
    assert len(set(task.template_fields)) == len(task.template_fields)


def test_the_calls_of_an_operator_can_be_read_before_it_runs() -> None:
    task = operators.CloneClusterOperator(
        task_id="clone", identifier="shop-clone", source="shop-aurora", instance_class="db.r6g.large"
    )
    assert [call.operation for call in task.calls()] == ["RestoreDBClusterToPointInTime", "CreateDBInstance"]
