"""What the DAGs of all runbooks share: params as forms, and how tasks are retried."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from airflow.sdk import Param


def file_param(title: str, folder: str, names: Sequence[str]) -> Param:
    """The choice of one configuration file.

    :param folder: below the repository, such as `include/migrations`.
    :param names: of the files, without `.yaml`; a folder without files gives a form without a choice, so that the
        DAG can be imported.
    """
    return Param(
        names[0] if names else None,
        type=["null", "string"],
        enum=list[Any](names) or [None],
        title=title,
        description=f"A file in `{folder}`, without `.yaml`.",
    )


def plan_only_param(instead: str, default: bool = True) -> Param:
    """The choice between a plan and the deed.

    :param instead: what a run that only plans does, such as `Check everything`.
    :param default: True for what a person starts; scheduled runbooks act.
    """
    return Param(default, type="boolean", title="Plan only", description=f"{instead}, and change nothing.")


def retried(
    retries: int = 3,
    first_pause: timedelta = timedelta(seconds=30),
    longest_pause: timedelta = timedelta(minutes=10),
) -> dict[str, Any]:
    """A DAG's `default_args`: tasks are retried with growing pauses, as each looks first and does what is missing."""
    return {
        "owner": "livemove",
        "retries": retries,
        "retry_delay": first_pause,
        "retry_exponential_backoff": True,
        "max_retry_delay": longest_pause,
    }
