"""Which server stands for which version of which engine."""

from __future__ import annotations

import pytest

from rehearsal.rds.operations.engines import engine, same_line
from rehearsal.rds.wire import ApiError


@pytest.mark.parametrize(
    ("name", "version", "build", "flavour"),
    [
        ("mysql", "8.0.36", "8.0.31", "rds80"),
        ("mysql", "8.4.3", "9.7", "rds84"),
        ("mysql", "9.7.0", "9.7", "rds84"),
        ("aurora-mysql", "8.0.mysql_aurora.3.04.0", "8.0.31", "aurora3"),
        ("aurora-mysql", "8.4.mysql_aurora.8.4.3", "9.7", "aurora3"),
    ],
)
def test_a_version_has_a_server_and_procedures(name: str, version: str, build: str, flavour: str) -> None:
    found = engine(name, version)
    assert (found.build, found.flavour) == (build, flavour)


@pytest.mark.parametrize(("name", "version"), [("mysql", "5.7.44"), ("aurora-mysql", "8.0.36"), ("postgres", None)])
def test_what_the_rehearsal_does_not_have_is_refused(name: str, version: str | None) -> None:
    with pytest.raises(ApiError):
        engine(name, version)


def test_versions_of_one_line_go_together() -> None:
    assert same_line("8.0.36", "8.0.mysql_aurora.3.04.0")
    assert not same_line("8.4.3", "8.0.36")
