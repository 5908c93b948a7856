"""The parts of Airflow's REST API, version 2, that `./dev` uses (Airflow manual, "Airflow public API reference")."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import requests

from rehearsal.errors import RehearsalError

TIMEOUT_SECONDS = 60
PAGE = 100


class RefusedError(RehearsalError):
    """Airflow understood the request and refused it; the text holds its reason."""

    def __init__(self, message: str) -> None:
        super().__init__(message, exit_code=2)


class AirflowApi:
    """A client of one API server whose users are all administrators.

    :param url: for example `http://127.0.0.1:8080`.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._session = requests.Session()
        # Settings of a proxy must not send requests to 127.0.0.1 elsewhere.
        self._session.trust_env = False

    def health(self) -> dict[str, Any]:
        """The state of each component; empty while the server does not answer."""
        try:
            answer = self._session.get(f"{self._url}/api/v2/monitor/health", timeout=5)
            answer.raise_for_status()
        except requests.RequestException:
            return {}
        return dict(answer.json())

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Call `/api/v2` + path and return the answer's JSON.

        :raises RefusedError: status 400, 404, 409 or 422, with the reason.
        :raises RehearsalError: another status, or no answer.
        """
        if "Authorization" not in self._session.headers:
            self._log_in()
        answer = self._request(method, f"/api/v2{path}", json=body, params=query)
        if answer.status_code in (400, 404, 409, 422):
            raise RefusedError(f"Airflow refuses {method} {path}: {reason(answer)}")
        if not answer.ok:
            raise RehearsalError(f"Airflow answers {answer.status_code} to {method} {path}: {reason(answer)}")
        return answer.json() if answer.content else None

    def _log_in(self) -> None:
        answer = self._request("GET", "/auth/token")
        if not answer.ok:
            raise RehearsalError(f"Airflow at {self._url} gives no token: {answer.status_code}.")
        self._session.headers["Authorization"] = "Bearer " + answer.json()["access_token"]

    def _request(self, method: str, path: str, **arguments: Any) -> requests.Response:
        try:
            return self._session.request(method, self._url + path, timeout=TIMEOUT_SECONDS, **arguments)
        except requests.RequestException as error:
            raise RehearsalError(
                f"Airflow at {self._url} does not answer ({type(error).__name__}). Look at ./dev status."
            ) from None

    def pages(self, path: str, key: str) -> Iterator[dict[str, Any]]:
        """All items of a listing, page by page.

        :param key: the name under which an answer holds its items.
        """
        offset = 0
        while True:
            answer = self.call("GET", path, limit=PAGE, offset=offset)
            yield from answer[key]
            offset += PAGE
            if offset >= answer["total_entries"]:
                return

    def dag_exists(self, dag_id: str) -> bool:
        """Whether Airflow has read this DAG."""
        try:
            self.call("GET", f"/dags/{quote(dag_id)}")
        except RefusedError:
            return False
        return True

    def import_errors(self) -> list[str]:
        """The files that could not be read, each with the end of its traceback."""
        found = self.call("GET", "/importErrors")["import_errors"]
        return [f"{error['filename']}: {error['stack_trace'].strip().splitlines()[-1]}" for error in found]

    def trigger(self, dag_id: str, conf: dict[str, Any]) -> str:
        """Unpause a DAG, start a run and return its id.

        :raises RefusedError: the params are not what the DAG accepts.
        """
        path = f"/dags/{quote(dag_id)}"
        self.call("PATCH", path, {"is_paused": False})
        run = self.call("POST", f"{path}/dagRuns", {"logical_date": None, "conf": conf})
        return str(run["dag_run_id"])

    def run(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """A run."""
        return dict(self.call("GET", _run_path(dag_id, run_id)))

    def task_instances(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """The task instances of a run."""
        return list(self.pages(f"{_run_path(dag_id, run_id)}/taskInstances", "task_instances"))

    def xcom(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1, key: str = "return_value") -> Any:
        """What a task instance returned, or pushed under another key."""
        path = f"{_run_path(dag_id, run_id)}/taskInstances/{quote(task_id)}/xcomEntries/{quote(key)}"
        value = self.call("GET", path, map_index=map_index, deserialize=True)["value"]
        return json.loads(value) if isinstance(value, str) and value[:1] in '[{"' else value

    def log(self, dag_id: str, run_id: str, task: dict[str, Any]) -> list[dict[str, Any]]:
        """The log events of a task instance's last try."""
        path = f"{_run_path(dag_id, run_id)}/taskInstances/{quote(task['task_id'])}/logs/{task['try_number']}"
        answer = self.call("GET", path, map_index=task["map_index"], full_content=True)
        return [event if isinstance(event, dict) else {"event": event} for event in answer["content"]]

    def set_pools(self, pools: dict[str, dict[str, Any]]) -> None:
        """Create pools, or change those that exist.

        :param pools: as `airflow pools import` reads them: name to slots, description and include_deferred.
        """
        entities = [{"include_deferred": False, **pool, "name": name} for name, pool in pools.items()]
        action = {"action": "create", "action_on_existence": "overwrite", "entities": entities}
        self.call("PATCH", "/pools", {"actions": [action]})


def _run_path(dag_id: str, run_id: str) -> str:
    return f"/dags/{quote(dag_id)}/dagRuns/{quote(run_id)}"


def reason(answer: requests.Response) -> str:
    """Why a request was refused, as one line."""
    try:
        detail = answer.json()["detail"]
    except (ValueError, KeyError, TypeError):
        return answer.text[:500]
    if isinstance(detail, list):
        return "; ".join(f"{'.'.join(map(str, item.get('loc', ())))}: {item.get('msg')}" for item in detail)
    return str(detail)
