"""Which servers a stack has, how they are found, described and ended.

Standard library only, so that `./dev status` and `./dev down` work even when the virtual environment is broken.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rehearsal.files import read_json
from rehearsal.locks import exclusive
from rehearsal.ports import LOOPBACK
from rehearsal.processes import Server, kill_all
from rehearsal.progress import say

AIRFLOW = ("airflow-api-server", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer")
# Ended in this order, each group at once: users of a server before the server. Seconds from SIGTERM to
# SIGKILL; all that is killed here recovers by itself at the next start.
STOP_ORDER: tuple[dict[str, float], ...] = (
    # The RDS stand-in starts again what dies, so it goes before its servers.
    {**dict.fromkeys(AIRFLOW, 2), "rds": 5, "dms": 5, "stream-transform": 5},
    {
        "mysql-reader": 5,
        "mysql97-reader": 5,
        "mysql-writer": 5,
        "mysql97-writer": 5,
        "redshift": 10,
        "s3": 2,
        "elasticsearch": 5,
        "kinesis": 2,
    },
)
GRACE = {name: seconds for group in STOP_ORDER for name, seconds in group.items()}
MYSQL_ROLES = ("writer", "reader")
MYSQL_USER, MYSQL_DATABASE = "admin", "flights"
REDSHIFT_USER, REDSHIFT_DATABASE = "admin", "dev"
RDS_DATABASE = "shop"
# Names the folder of loaders that the local deployer runs (livemove.stream.local).
LOADERS = "LIVEMOVE_LOADER_FOLDER"
STREAMS = {"changes": "livemove-changes", "documents": "livemove-documents"}
BUCKET = "livemove-rehearsal"
REGION = "ap-northeast-1"


class Folder:
    """The folder of one stack and the files in it that say what runs."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def runs(self) -> Path:
        """One file for each running server."""
        return self.path / "run"

    @property
    def loaders(self) -> Path:
        """One run file and one log for each loader that the local deployer runs."""
        return self.path / "loaders"

    @property
    def ports(self) -> Path:
        """The ports that were given out."""
        return self.path / "ports.json"

    @property
    def credentials(self) -> Path:
        """Passwords; only the owner can read it."""
        return self.path / "credentials.json"

    @property
    def lock(self) -> Path:
        """Held by whoever starts or ends servers."""
        return self.path / "lock"

    def server(self, name: str) -> Server:
        """The server of this name, running or not."""
        return Server(name, self.runs / f"{name}.json", self.path / "log" / f"{name}.log")

    def running(self, *names: str) -> bool:
        """Whether all of these servers run."""
        return all(self.server(name).pid is not None for name in names)


def describe(folder: Folder) -> dict[str, Any]:
    """What `./dev status --json` prints: how to reach each service that runs; others are left out."""
    ports: dict[str, int] = read_json(folder.ports) or {}
    passwords: dict[str, str] = read_json(folder.credentials) or {}
    found: dict[str, Any] = {}
    mysql = {
        role: {
            "host": LOOPBACK,
            "port": ports[f"mysql-{role}"],
            "user": MYSQL_USER,
            "password": passwords["mysql-admin"],
            "database": MYSQL_DATABASE,
        }
        for role in MYSQL_ROLES
        if folder.running(f"mysql-{role}")
    }
    if mysql:
        found["mysql"] = mysql
    if folder.running("redshift"):
        found["redshift"] = {
            "host": LOOPBACK,
            "port": ports["redshift"],
            "user": REDSHIFT_USER,
            "password": passwords["redshift-admin"],
            "database": REDSHIFT_DATABASE,
        }
    if folder.running("rds"):
        found["rds"] = {"endpoint_url": f"http://{LOOPBACK}:{ports['rds']}"}
        found["mysql"] = found.get("mysql", {}) | _databases(folder, passwords)
    if folder.running("s3"):
        found["s3"] = {"endpoint_url": f"http://{LOOPBACK}:{ports['s3']}", "bucket": BUCKET}
    if folder.running("elasticsearch"):
        found["elasticsearch"] = {"url": f"http://{LOOPBACK}:{ports['elasticsearch']}"}
    if folder.running("kinesis"):
        found["kinesis"] = {"endpoint_url": f"http://{LOOPBACK}:{ports['kinesis']}", "streams": dict(STREAMS)}
    if folder.running(*AIRFLOW):
        found["airflow"] = {"url": f"http://{LOOPBACK}:{ports['airflow']}"}
    return found


def _databases(folder: Folder, passwords: Mapping[str, str]) -> dict[str, Any]:
    """The servers behind the RDS API, by the identifier of the instance or the cluster."""
    ports: dict[str, int] = read_json(folder.path / "rds" / "ports.json") or {}
    return {
        name: {
            "host": LOOPBACK,
            "port": port,
            "user": MYSQL_USER,
            "password": passwords["mysql-admin"],
            "database": RDS_DATABASE,
        }
        for name, port in ports.items()
        if folder.running(f"rds-{name}")
    }


def missing(folder: Folder) -> list[str]:
    """Names of the servers of a full stack that do not run."""
    wanted = [f"mysql-{role}" for role in MYSQL_ROLES] + [
        "redshift",
        "s3",
        "rds",
        "elasticsearch",
        "kinesis",
        "dms",
        "stream-transform",
    ]
    wanted += AIRFLOW
    return [name for name in wanted if not folder.running(name)]


def stop_all(folder: Folder, purge: bool = False) -> list[str]:
    """End every server of a stack and return the names of those that ran.

    :param purge: remove the stack's data, ports and passwords, too.
    :raises RehearsalError: a process could not be ended.
    """
    if not folder.path.exists():
        return []
    with exclusive(folder.lock, f"the stack {folder.path.name}"):
        known = {name for group in STOP_ORDER for name in group}
        unknown = {file.stem for file in folder.runs.glob("*.json")} - known
        ended = _stop([folder.server(name) for name in STOP_ORDER[0]])
        # Airflow, which may start some, has ended.
        ended += _stop(_loaders(folder))
        for group in (unknown, *STOP_ORDER[1:]):
            ended += _stop([folder.server(name) for name in group])
        # Whatever lost its run file still carries the mark in its environment.
        for marks in (folder.runs, folder.loaders):
            kill_all(marks)
        if purge:
            _remove(folder)
    return ended


def _loaders(folder: Folder) -> list[Server]:
    return [Server(file.stem, file, file.with_suffix(".log")) for file in sorted(folder.loaders.glob("*.json"))]


def _stop(group: Iterable[Server]) -> list[str]:
    servers = [server for server in group if server.run_file.exists()]
    ran = [server.name for server in servers if server.members()]
    if ran:
        say(f"  ending {', '.join(ran)} ...")
    with ThreadPoolExecutor(max_workers=max(len(servers), 1)) as pool:
        stopping = [pool.submit(server.stop, GRACE.get(server.name, 5), _is_airflow(server)) for server in servers]
    for each in stopping:
        each.result()
    return ran


def _is_airflow(server: Server) -> bool:
    """Airflow's parents do not pass SIGTERM on to all that they started."""
    return server.name in AIRFLOW


def _remove(folder: Folder) -> None:
    for entry in folder.path.iterdir():
        if entry.is_dir():
            shutil.rmtree(entry)
        elif entry != folder.lock:
            entry.unlink()
