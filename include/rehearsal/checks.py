"""Tests, linters and benchmarks, run by the project's own interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

from rehearsal.airflow.library import library_variables
from rehearsal.errors import RehearsalError
from rehearsal.paths import REPOSITORY, Layout
from rehearsal.progress import Clock, say
from rehearsal.stack import Stack

# Folders of tests by the word that `./dev test` takes.
KINDS = {
    "unit": ("unit", "dags"),
    "integration": ("integration",),
    "rehearsals": ("rehearsals",),
    "drills": ("drills",),
    "all": ("unit", "dags", "integration", "rehearsals", "drills"),
}
# The default run takes one fault of each story, and both generations of MySQL.
ALL_OPTIONS = ["-m", "not drill or seeded", "--mysql", "both"]
# Two processes, a file at a time each: tests wait for servers most of the time. Each has servers of its own.
PARALLEL = ["-n", "2", "--dist", "loadfile"]
BENCHMARKS = REPOSITORY / "tests" / "benchmarks"


def pytest_command(kind: str, arguments: Sequence[str], tests: Path = REPOSITORY / "tests") -> list[str]:
    """The words that run the tests of a kind.

    :param arguments: further ones, for pytest.
    :raises RehearsalError: there are no tests of this kind.
    """
    if any((tests.parent / word.partition("::")[0]).exists() for word in arguments):
        # Some of the arguments are tests themselves.
        return [sys.executable, "-m", "pytest", *arguments]
    folders = [str(tests / name) for name in KINDS[kind] if (tests / name).is_dir()]
    if not folders:
        raise RehearsalError(f"There are no tests in {', '.join(f'tests/{name}' for name in KINDS[kind])}.")
    options = ALL_OPTIONS if kind == "all" else []
    return [sys.executable, "-m", "pytest", *PARALLEL, *options, *arguments, *folders]


def run_tests(kind: str, arguments: Sequence[str]) -> int:
    """Run the tests of a kind; pytest's own exit code."""
    command = pytest_command(kind, arguments)
    say(f"Running the {kind} tests" if kind != "all" else "Running all tests, with one fault of each story")
    # Replaces this process, so that pytest gets signals and prints the last line.
    os.chdir(REPOSITORY)
    os.execv(command[0], command)  # noqa: S606


def run_lint() -> int:
    """Check style, format and types; 1 when any of them finds something."""
    checks = {
        "ruff check": ["ruff", "check", "."],
        "ruff format": ["ruff", "format", "--check", "."],
        "mypy": ["mypy"],
    }
    failed = []
    for name, words in checks.items():
        clock = Clock()
        done = subprocess.run([sys.executable, "-m", *words], cwd=REPOSITORY, check=False)
        say(f"  {name}: {'found something' if done.returncode else 'clean'} ({clock})")
        if done.returncode:
            failed.append(name)
    return 1 if failed else 0


def run_benchmark(name: str, arguments: Sequence[str]) -> int:
    """Run `tests/benchmarks/NAME.py` with a stack of its own, which is taken down afterwards.

    The module's `main(arguments)` finds the servers through Airflow's connections, which are set in the
    environment, or through `Stack("bench")`; the last line that it prints is one JSON object.

    :raises RehearsalError: there is no such benchmark.
    """
    if not (BENCHMARKS / f"{name}.py").is_file():
        raise RehearsalError(f"There is no benchmark {name}; there are: {', '.join(benchmarks())}.", exit_code=2)
    stack = Stack("bench")
    stack.down(purge=True)
    with TemporaryDirectory(prefix="livemove-") as home:
        try:
            say("Starting a stack for the benchmark:")
            stack.up({"mysql", "redshift", "s3"})
            os.environ.update(library_variables(Path(home), Layout.default()) | stack.connections())
            sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "plugins")]
            os.chdir(REPOSITORY)
            code = import_module(f"tests.benchmarks.{name}").main(list(arguments))
            sys.stdout.flush()
            return int(code or 0)
        finally:
            stack.down(purge=True)


def benchmarks() -> list[str]:
    """Names of the benchmarks: modules of tests/benchmarks that have a `main`."""
    return sorted(path.stem for path in BENCHMARKS.glob("*.py") if "\ndef main(" in path.read_text("utf-8"))
