"""The command line."""

from __future__ import annotations

import subprocess
import sys

import pytest

from loader.errors import LoaderError
from loader.runner import Start
from rehearsal.paths import REPOSITORY


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "loader", *words],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(REPOSITORY / "include"), "COLUMNS": "100"},
        check=False,
    )


@pytest.mark.parametrize("program", ["transform", "load"])
def test_help_tells_every_option(program):
    done = run(program, "--help")
    assert done.returncode == 0
    for option in ("--from", "--until", "--state", "--metrics-port", "--cloudwatch", "--name"):
        assert option in done.stdout


@pytest.mark.parametrize(
    "words",
    [
        ["load"],
        ["load", "--name", "n", "--stream", "s", "--target", "http://h/i", "--state", "s3://b", "--until", "tomorrow"],
        ["load", "--name", "n", "--stream", "s", "--target", "http://h/i", "--state", "s3://b", "--writers", "0"],
    ],
    ids=["nothing", "until", "writers"],
)
def test_wrong_arguments_end_with_code_2_and_their_name(words):
    done = run(*words)
    assert done.returncode == 2
    assert "error:" in done.stderr


def test_a_missing_index_file_is_one_clear_line():
    done = run("transform", "--index", "absent/index.yaml")
    assert done.returncode == 1
    assert "absent/index.yaml: cannot be read" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("place", "expected"), [("trim_horizon", "trim_horizon"), ("2026-11-22T08:15:00+01:00", "2026-11-22T07:15:00.000Z")]
)
def test_places_are_resolved(place, expected):
    assert Start("checkpoint").resolved(place) == expected


def test_latest_is_the_present_moment_so_that_a_restart_skips_nothing():
    assert Start("latest").resolved("latest").endswith("Z")


def test_a_place_that_is_none_is_refused():
    with pytest.raises(LoaderError, match="--from is 'yesterday'"):
        Start("checkpoint").resolved("yesterday")
