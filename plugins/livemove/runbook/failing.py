"""What becomes of a task whose step fails: a person is asked at once, everything else is retried."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowFailException
from airflow.sdk.log import redact

from livemove.runbook.errors import NeedsPerson

if TYPE_CHECKING:
    from airflow.sdk import Context

PROBLEM = "problem"


@contextmanager
def no_retry_for_a_person() -> Iterator[None]:
    """A problem that needs a person fails the task at once; a retry cannot help."""
    try:
        yield
    except NeedsPerson as problem:
        raise AirflowFailException(redact(str(problem))) from None


@contextmanager
def problems_reported(context: Context) -> Iterator[None]:
    """Fail the task at once if a person is needed, else let Airflow retry it.

    Either way the report finds the reason in XCom, under `problem`.
    """
    with no_retry_for_a_person():
        try:
            yield
        except NeedsPerson as problem:
            context["ti"].xcom_push(key=PROBLEM, value=redact(str(problem)))
            raise
        except Exception as error:
            context["ti"].xcom_push(key=PROBLEM, value=redact(f"{type(error).__name__}: {error}"))
            raise
