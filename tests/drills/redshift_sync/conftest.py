"""Faults of the warehouse, and steps that go on at the same time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rehearsal.redshift.faults import Fault, write_faults
from rehearsal.stack import Stack

Break = Callable[..., None]


@pytest.fixture
def break_warehouse(stack: Stack, schema: str) -> Break:
    """Tell the warehouse what goes wrong from now on; nothing ends it. `schema` clears it at the end."""

    def breaks(*faults: Fault) -> None:
        write_faults(stack.warehouse.folder / "faults.json", faults)

    return breaks
