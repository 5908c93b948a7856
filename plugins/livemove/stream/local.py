"""Loaders as processes on this machine; they outlive the task that starts them."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from livemove.runbook.errors import NeedsPerson, TryAgain
from livemove.runbook.include import include_folder
from livemove.stream import launch
from livemove.stream.deployment import Deployment, State

log = logging.getLogger(__name__)

SETTING = "LIVEMOVE_LOADER_FOLDER"
#: A process that carries this variable belongs to the run file that it names, whoever its parent is.
MARK = "LIVEMOVE_RUN"
START_SECONDS, LOOK_SECONDS, STOP_SECONDS, KILL_SECONDS = 10.0, 0.5, 10.0, 5.0
LOG_LINES = 15
# What a loader may need of this process's environment; Airflow's own variables hold secrets that are not its own.
_INHERITED = re.compile(r"PATH|HOME|LANG|LC_\w+|TZ|TMPDIR|NO_PROXY|no_proxy|SSL_CERT_\w+|\w+_CA_BUNDLE")


class LocalDeployer:
    """Runs `python -m loader` in a session of its own, with a run file and a log for each.

    :param folder: where run files and logs lie; by default what LIVEMOVE_LOADER_FOLDER names.
    :raises NeedsPerson: there is no such folder.
    """

    def __init__(self, folder: Path | None = None) -> None:
        named = os.environ.get(SETTING)
        if folder is None and not named:
            raise NeedsPerson(
                f"loader.deployer: 'local' keeps run files and logs of loaders in the folder that {SETTING} names, "
                "which is not set. Set it, or choose another deployer."
            )
        self.folder = folder or Path(str(named))

    def deploy(self, deployment: Deployment) -> None:
        """Start the process, unless it runs."""
        if self.state(deployment.name) == "running":
            log.info("%s runs already.", deployment.name)
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        run_file = self._run_file(deployment.name)
        run_file.unlink(missing_ok=True)
        log.info("%s", self.describe(deployment))
        loader = [sys.executable, "-m", "loader", *deployment.arguments()]
        with self._log(deployment.name).open("ab") as output:
            child = subprocess.Popen(
                [sys.executable, "-I", "-S", launch.__file__, str(run_file), *loader],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=self._environment(deployment, run_file),
                cwd=self.folder,
            )
        _await(run_file.exists, START_SECONDS)
        with contextlib.suppress(subprocess.TimeoutExpired):
            code = child.wait(LOOK_SECONDS)
            if code or deployment.until is None:
                said = self.last_words(deployment.name)
                raise TryAgain(f"The loader {deployment.name} ended at once, with code {code}.\n{said}")

    def state(self, name: str) -> State:
        """`running`, `ended`, or `absent` if it never ran."""
        recorded = _read(self._run_file(name))
        if recorded is None:
            return "absent"
        return "running" if _alive(*recorded) else "ended"

    def stop(self, name: str) -> None:
        """SIGTERM, then SIGKILL to its whole session."""
        recorded = _read(self._run_file(name))
        if recorded is None:
            return
        pid, started = recorded
        if _alive(pid, started):
            os.kill(pid, signal.SIGTERM)
            if not _gone(pid, started, STOP_SECONDS):
                log.warning("%s did not end within %.0f s and is killed.", name, STOP_SECONDS)
                os.killpg(pid, signal.SIGKILL)
                if not _gone(pid, started, KILL_SECONDS):
                    raise TryAgain(f"The loader {name} (process {pid}) could not be ended.")
        self._run_file(name).unlink(missing_ok=True)

    def running(self) -> list[str]:
        """Names of those that run."""
        names = sorted(file.stem for file in self.folder.glob("*.json"))
        return [name for name in names if self.state(name) == "running"]

    def last_words(self, name: str) -> str:
        """The end of its log."""
        try:
            lines = self._log(name).read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
        except FileNotFoundError:
            return ""
        return "\n".join(lines)

    def describe(self, deployment: Deployment) -> str:
        """The command."""
        return shlex.join(["python", "-m", "loader", *deployment.arguments()])

    def _run_file(self, name: str) -> Path:
        return self.folder / f"{name}.json"

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def _environment(self, deployment: Deployment, run_file: Path) -> Mapping[str, str]:
        inherited = {name: value for name, value in os.environ.items() if _INHERITED.fullmatch(name)}
        return {
            **inherited,
            "PYTHONPATH": str(include_folder()),
            "PYTHONUNBUFFERED": "1",
            **deployment.environment,
            MARK: str(run_file),
        }


def _read(run_file: Path) -> tuple[int, int] | None:
    try:
        found = json.loads(run_file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    return (found["pid"], found["started"] if found["boot"] == launch.boot() else -1)


def _alive(pid: int, started: int) -> bool:
    """Whether this very process runs, and not a later one of the same id."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)  # A child of this very process stays a zombie otherwise.
    return launch.started(pid) == started


def _gone(pid: int, started: int, seconds: float) -> bool:
    return _await(lambda: not _alive(pid, started), seconds)


def _await(condition: Callable[[], bool], seconds: float) -> bool:
    ends = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends:
            return False
        time.sleep(0.05)
    return True
