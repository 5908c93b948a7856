"""What a worker runs: the sync with a call before each line, which may be the last.

Import this in no process that has other work to do: it changes the sync's modules.
"""

from __future__ import annotations

import ast
import functools
import json
import os
import signal
import traceback
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import botocore.session

from livemove.redshift import extraction, lake, merging, swap, sync, tables
from livemove.redshift.window import Bounds
from tests.drills.redshift_sync.victim import Order, Place


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


def _keep_models() -> None:
    """Let all workers share botocore's models of S3, which take longer to read than most steps take."""
    botocore.session.create_loader = functools.cache(botocore.session.create_loader)
    boto3.client("s3", region_name="us-east-1", aws_access_key_id="x", aws_secret_access_key="x")


def work(order: Order) -> None:
    """Do one step; runs in the worker."""
    os.environ.update(order.environment)
    _passed.fatal = order.fatal
    arguments = dict(order.arguments)
    if "bounds" in arguments:
        arguments["bounds"] = Bounds.from_json(arguments["bounds"])
    try:
        result = getattr(tables, order.step)(sync.Sync.named(order.sync), **arguments)
    except BaseException:
        order.report.write_text(json.dumps({"error": traceback.format_exc()}), encoding="utf-8")
        os._exit(1)
    places = [[file, line, met] for (file, line), met in _passed.met.items()]
    order.report.write_text(json.dumps({"result": result, "places": places}), encoding="utf-8")


_keep_models()
# Each after those that it imports from.
for _module in (lake, extraction, swap, sync, merging, tables):
    _instrument(_module)
_small_parts()
