"""After each story: its passwords, which hold quotes, a backslash and percent signs, stand in no log and no XCom."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fixtures.leaks import leaks

if TYPE_CHECKING:
    from rehearsal.stack import Stack

PASSWORDS = ("mysql-admin", "rds-replication", "rds-application")


@pytest.fixture(autouse=True)
def _passwords_stay_secret(stack: Stack) -> Iterator[None]:
    """Search Airflow's logs and database, and the servers' logs."""
    yield
    places = [Path(os.environ["AIRFLOW_HOME"]), stack.path / "log", *stack.path.glob("rds/*.jsonl")]
    assert leaks(places, [stack.password(name) for name in PASSWORDS]) == []
