"""How long writes are stopped by a cutover under load: `./dev bench cutover --json`.

`promotion_seconds` is from the acceptance of the promotion until the writer answers again, from the log of the RDS
stand-in, whose delay is 5 s or more. The rest of the stop is the runbook's.
"""

from __future__ import annotations

import json
from typing import Any

from livemove.migration.settings import Role
from rehearsal.load.process import Load
from rehearsal.stack import Stack
from tests.benchmarks import switches


def main(arguments: list[str]) -> int:
    """Run the benchmark; the last line is one JSON object."""
    return switches.run(arguments, "cutover", _cut_over)


def _cut_over(stack: Stack, load: Load) -> dict[str, Any]:
    switches.moved("cutover", load, Role.TARGET)
    lines = [json.loads(line) for line in stack.rds.log.read_text(encoding="utf-8").splitlines()]
    return {"promotion_seconds": next(line["seconds"] for line in reversed(lines) if line["kind"] == "promotion")}
