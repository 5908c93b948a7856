"""Faults strike when, where and as often as they say."""

from pathlib import Path

import pytest

from rehearsal.redshift.errors import RedshiftError
from rehearsal.redshift.faults import ConnectionFaultError, Fault, Faults, read_faults, write_faults


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "faults.json"


def test_without_a_file_nothing_happens(path: Path) -> None:
    Faults(path, pytest.fail).strike("SELECT 1", "before")


def test_a_counted_fault_is_used_up(path: Path) -> None:
    write_faults(path, [Fault("copy t", "error", message="no", code="XX000", count=2)])
    faults = Faults(path, pytest.fail)
    for _ in range(2):
        with pytest.raises(RedshiftError, match="no"):
            faults.strike("COPY T FROM", "before")
    faults.strike("COPY T FROM", "before")
    assert read_faults(path) == []


def test_a_fault_without_count_stays(path: Path) -> None:
    write_faults(path, [Fault("x", "close", count=None)])
    for _ in range(3):
        with pytest.raises(ConnectionFaultError):
            Faults(path, pytest.fail).strike("x", "before")


def test_a_fault_waits_for_its_statement_and_its_moment(path: Path) -> None:
    died: list[bool] = []
    write_faults(path, [Fault("^commit", "die", when="after")])
    faults = Faults(path, lambda: died.append(True))
    faults.strike("SELECT 'commit'", "after")
    faults.strike("COMMIT", "before")
    assert not died
    faults.strike("COMMIT", "after")
    assert died


def test_an_unknown_key_is_an_error_not_a_fault_that_never_strikes(path: Path) -> None:
    path.write_text('[{"match": "x", "action": "error", "whne": "after"}]')
    with pytest.raises(TypeError, match="whne"):
        read_faults(path)
