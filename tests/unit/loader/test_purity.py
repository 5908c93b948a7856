"""What the core may import, and that the processors stand alone."""

from __future__ import annotations

import subprocess
import sys

import pytest

from rehearsal.paths import REPOSITORY

CORE = ("contract", "changes", "documents", "fields", "outcomes", "packing", "progress", "shards", "times")
ALL = "cli"


def imported(module: str) -> set[str]:
    program = f"import sys, loader.{module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(REPOSITORY / "include")},
        check=True,
    )
    return set(done.stdout.split())


@pytest.mark.parametrize("module", CORE)
def test_the_core_reaches_for_no_server(module):
    assert imported(module) & {"boto3", "botocore", "urllib3", "requests"} == set()


def test_the_processors_need_neither_airflow_nor_the_plugins():
    assert imported(ALL) & {"airflow", "livemove", "rehearsal", "elasticsearch", "pydantic"} == set()


def test_all_that_is_imported_stands_in_the_requirements():
    lines = (REPOSITORY / "include/loader/requirements.txt").read_text(encoding="utf-8").splitlines()
    named = {line.split(">")[0].strip().lower() for line in lines if line.strip() and not line.startswith("#")}
    assert named == {"boto3", "urllib3", "pyyaml"}
