"""Run a DAG and tell what happens, task by task."""

from __future__ import annotations

import time
from typing import Any

from rehearsal.airflow.api import AirflowApi
from rehearsal.errors import RehearsalError
from rehearsal.progress import Clock, say

POLL_SECONDS = 1.0
FIND_SECONDS = 30
LOG_LINES = 12
FINISHED = ("success", "failed")
# States that say nothing to a person who watches.
QUIET = (None, "scheduled", "queued")
# Marks in Airflow's logs that fold lines in the UI.
FOLDS = ("::group::", "::endgroup::")


def run_dag(url: str, dag_id: str, conf: dict[str, Any]) -> dict[str, Any]:
    """Trigger a run, follow it to its end and return its outcome.

    :param conf: the run's params.
    :returns: dag_id, run_id, state, seconds, and tasks with task_id, map_index, name, state, seconds and tries.
    :raises RehearsalError: Airflow does not know the DAG, or refuses the params (exit code 2).
    """
    api = AirflowApi(url)
    _find(api, dag_id)
    clock = Clock()
    run_id = api.trigger(dag_id, conf)
    say(f"{dag_id}: run {run_id}\n  {url}/dags/{dag_id}/runs/{run_id}")
    state, tasks = _follow(api, dag_id, run_id, clock)
    say(f"{dag_id}: {state} after {clock}")
    for task in tasks:
        if task["state"] == "failed":
            _print_log(api, dag_id, run_id, task)
    return {
        "dag_id": dag_id,
        "run_id": run_id,
        "state": state,
        "seconds": round(clock.seconds, 1),
        "tasks": [_outcome(task) for task in tasks],
    }


def _find(api: AirflowApi, dag_id: str) -> None:
    """Wait until Airflow has read the DAG's file, which it may see for the first time."""
    deadline = time.monotonic() + FIND_SECONDS
    said = False
    while not api.dag_exists(dag_id):
        errors = api.import_errors()
        if errors or time.monotonic() > deadline:
            broken = "".join(f"\n    {error}" for error in errors)
            because = f" These files could not be read:{broken}" if errors else " Is it in dags/?"
            raise RehearsalError(f"Airflow knows no DAG {dag_id}.{because}", exit_code=2)
        if not said:
            say(f"  waiting for Airflow to read the DAG {dag_id} ...")
            said = True
        time.sleep(POLL_SECONDS)


def _follow(api: AirflowApi, dag_id: str, run_id: str, clock: Clock) -> tuple[str, list[dict[str, Any]]]:
    seen: dict[tuple[str, int], tuple[str | None, int]] = {}
    try:
        while True:
            # The run first: when it has finished, the tasks that are read afterwards have, too.
            state = str(api.run(dag_id, run_id)["state"])
            tasks = api.task_instances(dag_id, run_id)
            for line in changes(seen, tasks):
                say(f"  {clock.seconds:6.1f} s  {line}")
            if state in FINISHED:
                return state, tasks
            time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        say(f"No longer following. The run {run_id} goes on; see it in the UI.")
        raise


def changes(seen: dict[tuple[str, int], tuple[str | None, int]], tasks: list[dict[str, Any]]) -> list[str]:
    """One line for each task whose state or try changed.

    :param seen: what was told before, by task and map index; brought up to date here.
    """
    lines = []
    for task in sorted(tasks, key=lambda task: task["start_date"] or "~"):
        key = (task["task_id"], task["map_index"])
        now = (task["state"], task["try_number"])
        if seen.get(key) != now:
            seen[key] = now
            if task["state"] not in QUIET:
                lines.append(_line(task))
    return lines


def _line(task: dict[str, Any]) -> str:
    # A task that runs again still has the duration of its last try.
    known = task["duration"] is not None and task["state"] != "running"
    duration = f"  {task['duration']:.1f} s" if known else ""
    tries = f"  (try {task['try_number']})" if task["try_number"] > 1 else ""
    return f"{task['state']:16} {name_of(task)}{duration}{tries}"


def name_of(task: dict[str, Any]) -> str:
    """The task's name, with the name of its place among mapped ones."""
    if task["map_index"] < 0:
        return str(task["task_id"])
    return f"{task['task_id']} [{task.get('rendered_map_index') or task['map_index']}]"


def _outcome(task: dict[str, Any]) -> dict[str, Any]:
    return {
        "task_id": task["task_id"],
        "map_index": task["map_index"],
        "name": name_of(task),
        "state": task["state"],
        "seconds": None if task["duration"] is None else round(task["duration"], 1),
        "tries": task["try_number"],
    }


def _print_log(api: AirflowApi, dag_id: str, run_id: str, task: dict[str, Any]) -> None:
    say(f"The end of the log of {name_of(task)}, try {task['try_number']}:")
    for line in error_lines(api.log(dag_id, run_id, task)):
        say(f"    {line}")


def error_lines(events: list[dict[str, Any]], lines: int = LOG_LINES) -> list[str]:
    """The last lines of a log, and at its end what was raised.

    :param events: structured log events; an exception is under `error_detail`.
    """
    told = [line for event in events for line in str(event.get("event") or "").splitlines()]
    text = [line for line in told if not line.startswith(FOLDS)][-lines:]
    raised = [
        f"{error.get('exc_type')}: {error.get('exc_value')}"
        for event in events
        for error in event.get("error_detail") or []
    ]
    return text + [line for line in raised[-1:] if line not in text]
