"""A second sync beside the first."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.fixtures.sync import SyncCase


@pytest.fixture
def case_b(case: SyncCase) -> Iterator[SyncCase]:
    """Another sync file, with a database and a schema of its own, on the same servers."""
    token = secrets.token_hex(4)
    other = replace(case, _sync=None, name=f"s_{token}", database=f"t_{token}", schema=f"t_{token}")
    case.source(f"CREATE DATABASE {other.database}")
    case.query(f"CREATE SCHEMA {other.schema}")
    yield other
    case.source(f"DROP DATABASE {other.database}")
    case.query(f"DROP SCHEMA {other.schema} CASCADE")
