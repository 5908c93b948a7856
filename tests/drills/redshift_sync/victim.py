"""A worker in a process of its own that is killed, as by `kill -9`, when it reaches a chosen line.

Processes are forked from a server that has imported everything, so that each costs milliseconds.
"""

from __future__ import annotations

import ast
import json
import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import ModuleType
from typing import Any

from livemove.redshift import extraction, lake, swap, tables
from livemove.redshift.window import Bounds

SECONDS = 60


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


@dataclass
class _Passed:
    """Counts each line as it is passed, and ends the process at the fatal one."""

    fatal: Place | None = None
    met: dict[tuple[str, int], int] = field(default_factory=dict)

    def __call__(self, file: str, line: int) -> None:
        met = self.met[(file, line)] = self.met.get((file, line), 0) + 1
        if self.fatal == Place(file, line, met):
            os.kill(os.getpid(), signal.SIGKILL)


_passed = _Passed()


class _Instrument(ast.NodeTransformer):
    """Puts a call before each statement in a function's body. (A trace function would slow all code down.)"""

    def __init__(self, file: str) -> None:
        self.file = file

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        docstring = 1 if ast.get_docstring(node) is not None else 0
        node.body = node.body[:docstring] + self._announced(node.body[docstring:])
        return node

    def _announced(self, body: list[Any]) -> list[Any]:
        announced: list[Any] = []
        for statement in body:
            announced += [*ast.parse(f"_passed({self.file!r}, {statement.lineno})").body, self.visit(statement)]
        return announced

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if not isinstance(node, ast.ClassDef | ast.Module):
            for name in ("body", "orelse", "finalbody"):
                if isinstance(statements := getattr(node, name, None), list):
                    setattr(node, name, self._announced(statements))
            for handler in getattr(node, "handlers", ()):
                handler.body = self._announced(handler.body)
            return node
        return super().generic_visit(node)


def _instrument(module: ModuleType) -> None:
    """Let a module announce each line of its functions."""
    assert module.__file__
    path = Path(module.__file__)
    tree = ast.fix_missing_locations(_Instrument(path.name).visit(ast.parse(path.read_text(encoding="utf-8"))))
    module.__dict__["_passed"] = _passed
    exec(compile(tree, str(path), "exec"), module.__dict__)


def _small_parts() -> None:
    """Let a few rows make several parts, so that a worker can die between two of them."""
    extraction.BLOCK_BYTES = 400  # type: ignore[misc]
    extraction.FETCH_ROWS = 10  # type: ignore[misc]
    defaults = extraction.Extraction.__init__.__kwdefaults__
    assert defaults
    defaults["part_bytes"] = 1


def work(order: Order) -> None:
    """Do one step; runs in the worker."""
    os.environ.update(order.environment)
    # Each after those that it imports from.
    for module in (lake, extraction, swap, tables):
        _instrument(module)
    _small_parts()
    _passed.fatal = order.fatal
    arguments = dict(order.arguments)
    if "bounds" in arguments:
        arguments["bounds"] = Bounds.from_json(arguments["bounds"])
    try:
        result = getattr(tables, order.step)(tables.Sync.named(order.sync), **arguments)
    except BaseException:
        order.report.write_text(json.dumps({"error": traceback.format_exc()}), encoding="utf-8")
        os._exit(1)
    places = [[file, line, met] for (file, line), met in _passed.met.items()]
    order.report.write_text(json.dumps({"result": result, "places": places}), encoding="utf-8")


def _context() -> Any:
    context = multiprocessing.get_context("forkserver")
    # The server that forks starts with this process's environment, and finds modules by it.
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    context.set_forkserver_preload([__name__])
    return context


def start(order: Order) -> BaseProcess:
    """Start a worker."""
    order.report.unlink(missing_ok=True)
    worker: BaseProcess = _context().Process(target=work, args=(order,))
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
