"""The plan of a preparation is a contract: its whole text is compared with a committed one.

Where a plan changes on purpose, write the texts anew, read what `git diff` shows, and commit them with the change::

    LIVEMOVE_RENEW_PLANS=1 ./dev test unit

The tests fail in that run, so that it cannot pass for a test.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from livemove.migration.prepare import render
from livemove.migration.settings import Role
from livemove.migration.topology import Servers
from livemove.migration.wanted import parameters
from tests.unit.migration.contracts import compare
from tests.unit.migration.samples import known, rows, settings


def prepare_from_nothing() -> str:
    """Nothing but the source exists, whose parameter group somebody has changed."""
    found = known(carried={"sql_mode": "ANSI_QUOTES", "time_zone": "Asia/Tokyo"})
    return render(settings(), found, Servers(settings()))


def prepare_adopts() -> str:
    """Terraform has made all databases; one group lacks a value, one parameter cannot be set."""
    chosen = settings(binlog_retention_hours=500)
    groups = {role: rows(parameters(role)) for role in (Role.TARGET, Role.CDC, Role.FALLBACK)}
    groups[Role.CDC] = rows(
        {**parameters(Role.CDC), "event_scheduler": "ON", "binlog_row_image": "minimal"}, fixed=("binlog_row_image",)
    )
    found = known(
        there=frozenset(Role),
        parameters=groups,
        # Aurora's groups have no such parameter here, so it cannot be carried over.
        carried={"log_bin_trust_function_creators": "1"},
        endpoints={role: (f"{role.value}.example", 3306) for role in Role},
    )
    return render(chosen, found, Servers(chosen))


def prepare_of_mysql_84() -> str:
    """RDS for MySQL 8.4 has procedures of both names, and a family of its own."""
    target = {**settings().target.model_dump(), "engine_version": "8.4.mysql_aurora.4.01.0"}
    chosen = settings(target=target)
    made = {Role.TARGET: "20240201000000", Role.CDC: "20240202000000"}
    found = known(source_version="8.4.3", there=frozenset({Role.SOURCE, Role.TARGET, Role.CDC}), made=made)
    return render(chosen, found, Servers(chosen))


CASES = [prepare_from_nothing, prepare_adopts, prepare_of_mysql_84]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_the_plan_is_the_committed_one(case: Callable[[], str]) -> None:
    compare(case.__name__, case())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_a_plan_is_the_same_every_time_and_holds_no_password(case: Callable[[], str]) -> None:
    assert case() == case()
    assert "IDENTIFIED BY '***'" in case()
