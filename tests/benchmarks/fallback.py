"""How long writes are stopped by a fall back under load, after a cutover: `./dev bench fallback --json`."""

from __future__ import annotations

from typing import Any

from livemove.migration.settings import Role
from rehearsal.load.process import Load
from rehearsal.stack import Stack
from tests.benchmarks import switches


def main(arguments: list[str]) -> int:
    """Run the benchmark; the last line is one JSON object."""
    return switches.run(arguments, "fallback", _fall_back)


def _fall_back(stack: Stack, load: Load) -> dict[str, Any]:
    switches.moved("cutover", load, Role.TARGET)
    switches.moved("fall_back", load, Role.FALLBACK)
    return {}
