"""A worker in a process of its own that is killed, as by `kill -9`, when it reaches a chosen line.

This is the test's side of it; `worker` is what the process runs.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

SECONDS = 60
_FOLDER = __name__.rpartition(".")[0]


@dataclass(frozen=True)
class Place:
    """A line of code, met for the n-th time."""

    file: str
    line: int
    met: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" + (f" (time {self.met})" if self.met > 1 else "")


@dataclass(frozen=True)
class Order:
    """What a worker is to do.

    :ivar step: `extract`, `stage`, `merge` or `maintain`.
    :ivar arguments: those of the step's function, after the sync.
    :ivar environment: variables of the test, such as AIRFLOW_CONN_*.
    :ivar fatal: where the worker is killed; None lets it live.
    :ivar report: file that takes the step's result, and the places that it passed.
    """

    step: str
    sync: str
    arguments: Mapping[str, Any]
    environment: Mapping[str, str]
    report: Path
    fatal: Place | None = None


def _work(order: Order) -> None:
    from tests.drills.redshift_sync import worker

    worker.work(order)


def _context() -> Any:
    """Where workers are forked: a process that has the worker's module, and all that it imports, in memory."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, f"{_FOLDER}.worker"])
    with pytest.MonkeyPatch.context() as patch:
        # It finds modules by its own environment.
        patch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
        forkserver.ensure_running()
    return context


def start(order: Order) -> BaseProcess:
    """Start a worker."""
    order.report.unlink(missing_ok=True)
    worker: BaseProcess = _context().Process(target=_work, args=(order,))
    worker.start()
    return worker


def finish(order: Order) -> tuple[dict[str, Any], list[Place]]:
    """Let a worker do its step to the end; return its result and the places that it passed."""
    worker = start(order)
    worker.join(SECONDS)
    assert worker.exitcode is not None, f"{order.step} hangs"
    report = json.loads(order.report.read_text(encoding="utf-8")) if order.report.exists() else {"error": "no report"}
    assert worker.exitcode == 0, f"{order.step}: {report['error']}"
    return report["result"], [Place(*place) for place in report["places"]]


def killed(order: Order) -> bool:
    """Let a worker begin its step; return whether it was killed at the fatal place."""
    worker = start(order)
    worker.join(SECONDS)
    assert worker.exitcode is not None, f"{order.step} hangs"
    return worker.exitcode == -signal.SIGKILL
