"""Answer what runs ask a person, as the UI's page "Required actions" does."""

from __future__ import annotations

import re
import time
from typing import Any
from urllib.parse import quote

from rehearsal.airflow.api import AirflowApi, RefusedError
from rehearsal.errors import RehearsalError
from rehearsal.progress import say

POLL_SECONDS = 0.5
APPROVE, REJECT = "Approve", "Reject"
# A question is asked a moment before its task begins to wait; a task that is answered in between fails, and so does
# one that goes on before the scheduler has noted that its process has ended.
WAITING = ("awaiting_input", "deferred")
SETTLE_SECONDS = 3
_CODE = re.compile(r"`` (?P<quoting>.*) ``  |`(?P<plain>[^`]*)`  ")


def pending(api: AirflowApi, dag_id: str | None) -> list[dict[str, Any]]:
    """Approvals that wait for an answer, the oldest first.

    :param dag_id: of this DAG alone.
    """
    path = f"/dags/{quote(dag_id) if dag_id else '~'}/dagRuns/~/hitlDetails"
    found = [
        each
        for each in api.pages(path, "hitl_details")
        if not each["response_received"]
        and each["task_instance"]["state"] in WAITING
        and {APPROVE, REJECT} <= set(each["options"])
    ]
    return sorted(found, key=lambda each: str(each["created_at"]))


def answer(api: AirflowApi, detail: dict[str, Any], choice: str) -> bool:
    """Give an answer.

    :returns: whether it was ours; somebody else may have been quicker.
    """
    task = detail["task_instance"]
    path = (
        f"/dags/{quote(task['dag_id'])}/dagRuns/{quote(task['dag_run_id'])}"
        f"/taskInstances/{quote(task['task_id'])}/{task['map_index']}/hitlDetails"
    )
    try:
        api.call("PATCH", path, {"chosen_options": [choice], "params_input": {}})
    except RefusedError as refused:
        say(f"  {refused}")
        return False
    return True


def answer_all(url: str, dag_id: str | None, choice: str | None, wait_seconds: float) -> list[dict[str, Any]]:
    """Show what waits for an approval and answer it.

    :param choice: `Approve` or `Reject`; None only shows.
    :param wait_seconds: how long to wait for the first one.
    :returns: what was shown and, unless it was only shown, answered.
    :raises RehearsalError: nothing waits.
    """
    api = AirflowApi(url)
    ends = time.monotonic() + wait_seconds
    while not (found := pending(api, dag_id)):
        if time.monotonic() >= ends:
            of = f" of {dag_id}" if dag_id else ""
            raise RehearsalError(f"No run{of} waits for an approval. Wait for one with ./dev approve --wait SECONDS")
        time.sleep(POLL_SECONDS)
    if choice is not None:
        time.sleep(SETTLE_SECONDS)
    done = []
    for detail in found:
        print("\n".join(lines(detail)))
        if choice is None or answer(api, detail, choice):
            done.append(detail)
            if choice is not None:
                say(f"{detail['task_instance']['dag_id']}: {choice.lower()}{'d' if choice == APPROVE else 'ed'}")
    return done


def lines(detail: dict[str, Any]) -> list[str]:
    """An approval for people to read: who asks, what, and the evidence."""
    task = detail["task_instance"]
    head = f"{detail['subject']}  ({task['dag_id']}, run {task['dag_run_id']}, task {task['task_id']})"
    return [head, *(f"    {_plain(line)}" for line in str(detail["body"] or "").splitlines())]


def _plain(line: str) -> str:
    """A line of code without the marks that Airflow's page needs, see `livemove.runbook.approval`."""
    found = _CODE.fullmatch(line)
    return (found["quoting"] or found["plain"] or "").replace("\u00a0", " ") if found else line
