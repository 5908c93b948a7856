"""Two `./dev` at the same time do not do the same work twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from rehearsal.errors import RehearsalError
from rehearsal.locks import exclusive

HOLDER = """
import sys, time
from pathlib import Path
from rehearsal.locks import exclusive
with exclusive(Path(sys.argv[1]), "the set-up"):
    print("held", flush=True)
    time.sleep(300)
"""


def test_a_held_lock_names_its_holder_and_is_free_once_that_is_killed(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3] / "include")}
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(lock)], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with (
        pytest.raises(RehearsalError, match=f"the set-up is in use by process {holder.pid}"),
        exclusive(lock, "the set-up", seconds=0),
    ):
        pass
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with exclusive(lock, "the set-up", seconds=5):
        pass


def test_a_lock_can_be_taken_again_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), exclusive(tmp_path / "lock", "it"):
        _ = 1 / 0
    with exclusive(tmp_path / "lock", "it", seconds=0):
        pass
