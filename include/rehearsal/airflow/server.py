"""Airflow's four processes on SQLite, as `airflow standalone` runs them.

They are started one by one because `standalone` also starts log servers that listen on every interface and
have no setting for it. Task logs are read from the disk that all processes share.
"""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rehearsal.airflow.api import AirflowApi
from rehearsal.airflow.environment import (
    home_variables,
    inherited,
    repository_variables,
    server_variables,
    shell_lines,
)
from rehearsal.files import read_json, write_private
from rehearsal.install.native import run_variables
from rehearsal.paths import REPOSITORY
from rehearsal.ports import LOOPBACK
from rehearsal.services import AIRFLOW, LOADERS

if TYPE_CHECKING:
    from rehearsal.stack import Stack

POOLS = REPOSITORY / "include" / "airflow" / "pools.json"
START_SECONDS = 240
POLL_SECONDS = 0.5
ARGUMENTS = {
    "airflow-api-server": ["api-server"],
    "airflow-scheduler": ["scheduler", "--skip-serve-logs"],
    "airflow-dag-processor": ["dag-processor"],
    "airflow-triggerer": ["triggerer", "--skip-serve-logs"],
}
HEALTH_OF = {
    "airflow-api-server": "metadatabase",
    "airflow-scheduler": "scheduler",
    "airflow-dag-processor": "dag_processor",
    "airflow-triggerer": "triggerer",
}


class Airflow:
    """The Airflow of one stack."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._home = stack.path / "airflow"
        self.url = f"http://{LOOPBACK}:{stack.port('airflow')}"
        self.api = AirflowApi(self.url)

    def start(self) -> None:
        """Start what does not run yet and wait until all components are healthy.

        :raises RehearsalError: one did not come up; with the end of its log.
        """
        for folder in ("dags", "plugins"):
            (REPOSITORY / folder).mkdir(exist_ok=True)
        self._prepare_database()
        environment = {**inherited(), **self.variables()}
        servers = [self._stack.folder.server(name) for name in AIRFLOW]
        began: dict[str, datetime] = {}
        for server in servers:
            if server.pid is None:
                began[server.name] = datetime.now(UTC)
                argv = [str(self._stack.layout.python), "-m", "airflow", *ARGUMENTS[server.name]]
                server.spawn(argv, environment, folder=self._home)
        with ThreadPoolExecutor(max_workers=len(servers)) as pool:
            waiting = []
            for server in servers:
                healthy = partial(self._healthy, server.name, began.get(server.name))
                waiting.append(pool.submit(server.wait, healthy, START_SECONDS, "its health", POLL_SECONDS))
        for each in waiting:
            each.result()
        self._set_pools()

    def variables(self) -> dict[str, str]:
        """All variables of this Airflow, connections included; kept in a private file for a person's shell."""
        found = {
            **home_variables(self._home),
            **repository_variables(),
            **server_variables(
                self._stack.port("airflow"),
                self._stack.password("airflow-secret"),
                self._stack.password("airflow-jwt"),
            ),
            **self._stack.connections(),
            **run_variables(self._stack.layout.tools),
            LOADERS: str(self._stack.folder.loaders),
            "PATH": f"{self._stack.layout.venv / 'bin'}:{os.environ.get('PATH', os.defpath)}",
        }
        write_private(self._home / "environment.sh", shell_lines(found))
        return found

    def _prepare_database(self) -> None:
        database = self._home / "airflow.db"
        if not database.exists():
            self._home.mkdir(parents=True, exist_ok=True)
            scratch = Path(f"{database}.new")
            shutil.copyfile(self._stack.layout.airflow_database, scratch)
            scratch.replace(database)

    def _healthy(self, name: str, began: datetime | None) -> bool:
        """Whether a component is well by its own word, given since `began`: words of one that died live on."""
        component = HEALTH_OF[name]
        health = self.api.health().get(component) or {}
        beat = health.get(f"latest_{component}_heartbeat")
        fresh = began is None or component == "metadatabase" or (beat and datetime.fromisoformat(beat) > began)
        return bool(fresh) and health.get("status") == "healthy"

    def _set_pools(self) -> None:
        pools = read_json(POOLS)
        if pools:
            self.api.set_pools(pools)
