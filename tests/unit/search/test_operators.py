"""The operators as a DAG's author meets them: examples that work, fields that are rendered."""

from __future__ import annotations

import inspect
import textwrap
from typing import Any

import pytest
from airflow.sdk import DAG

from livemove.search import operators, sensors
from livemove.search.base import SearchOperator
from livemove.search.triggers import SearchStepTrigger

OFFERED: dict[str, type[SearchOperator]] = {name: getattr(operators, name) for name in operators.__all__} | {
    name: getattr(sensors, name) for name in ("IndexCopiedSensor", "IndexReadySensor")
}


def example(offered: type) -> DAG:
    """The DAG in the example of a docstring."""
    _, found, code = (inspect.getdoc(offered) or "").partition("Example::\n")
    assert found
    made: list[DAG] = []

    def dag(*words: Any, **options: Any) -> DAG:
        made.append(DAG(*words, **options))
        return made[0]

    exec(textwrap.dedent(code), {**OFFERED, "DAG": dag})
    return made[0]


@pytest.mark.parametrize("name", OFFERED)
def test_the_example_of_an_operator_is_a_dag_with_it(name: str) -> None:
    assert name in {task.task_type for task in example(OFFERED[name]).tasks}


@pytest.mark.parametrize("name", OFFERED)
def test_each_rendered_field_is_one(name: str) -> None:
    fields = OFFERED[name].template_fields
    parameters = inspect.signature(OFFERED[name].__init__).parameters
    assert "search_conn_id" in fields
    assert len(set(fields)) == len(fields)
    assert all(each.kind in (each.KEYWORD_ONLY, each.VAR_KEYWORD) for key, each in parameters.items() if key != "self")
    mapped = name == "DeleteIndexOperator"
    task = next(task for task in example(OFFERED[name]).tasks if task.task_type == name)
    assert mapped or all(hasattr(task, field) for field in fields)


@pytest.mark.parametrize("name", [name for name, each in OFFERED.items() if hasattr(each, "step_name")])
def test_an_operator_that_takes_time_names_a_step_that_takes_its_values(name: str) -> None:
    from livemove.search.steps import STEPS

    task: Any = next(task for task in example(OFFERED[name]).tasks if task.task_type == name)
    inspect.signature(STEPS[task.step_name]).bind(None, **task.values())


def test_a_trigger_is_made_again_from_what_it_tells_of_itself() -> None:
    trigger = SearchStepTrigger(search_conn_id="c", step="copy", values={"index": "i"}, ends_at=5.0)
    path, values = trigger.serialize()
    assert path == "livemove.search.triggers.SearchStepTrigger"
    assert SearchStepTrigger(**values).serialize() == (path, values)
