"""What becomes of a task whose step fails, and that no secret leaves it by the error."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.log import mask_secret

from livemove.runbook.errors import NeedsPerson, TryAgain
from livemove.runbook.failing import PROBLEM, no_retry_for_a_person, problems_reported

SECRET = "it's a \\ 100%s secret"


@pytest.fixture(autouse=True)
def secret_is_known() -> None:
    """Airflow knows the password, as it does once a connection is read."""
    mask_secret(SECRET)


class Task:
    """A task instance that keeps what is pushed."""

    def __init__(self) -> None:
        self.pushed: dict[str, Any] = {}

    def xcom_push(self, key: str, value: Any) -> None:
        """Keep it."""
        self.pushed[key] = value


def reported(error: Exception) -> tuple[str, Exception]:
    """What the report finds, and what is raised."""
    task = Task()
    kind = AirflowFailException if isinstance(error, NeedsPerson) else type(error)
    with pytest.raises(kind) as raised, problems_reported({"ti": task}):  # type: ignore[typeddict-item]
        raise error
    return task.pushed[PROBLEM], raised.value


def test_a_problem_for_a_person_fails_the_task_without_a_retry_and_without_its_secret() -> None:
    with pytest.raises(AirflowFailException) as raised, no_retry_for_a_person():
        raise NeedsPerson(f"cannot log in with {SECRET}: see the connection")
    assert str(raised.value) == "cannot log in with ***: see the connection"
    assert raised.value.__cause__ is None


def test_the_report_finds_what_needs_a_person_without_its_secret() -> None:
    told, raised = reported(NeedsPerson(f"cannot log in with {SECRET}"))
    assert told == str(raised) == "cannot log in with ***"


def test_the_report_finds_any_other_error_with_its_kind_and_without_its_secret_and_it_is_raised_on() -> None:
    told, raised = reported(TryAgain(f"the server is gone, asked with {SECRET}"))
    assert told == "TryAgain: the server is gone, asked with ***"
    assert isinstance(raised, TryAgain)
