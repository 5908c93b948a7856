"""The audit of acknowledged writes tells lost, doubled and partial ones, and measures the stop."""

from __future__ import annotations

from pathlib import Path

import pytest

from rehearsal.load.audit import compare, rate, write_stop
from rehearsal.load.log import Acknowledged, AcknowledgementLog, read


def entries(*pairs: tuple[float, str]) -> list[Acknowledged]:
    return [Acknowledged(f"r-{number}", at, server) for number, (at, server) in enumerate(pairs)]


def test_all_acknowledged_once_is_clean() -> None:
    log = entries((0, "a"), (1, "a"))
    assert compare(log, ["r-0", "r-1"], 2).clean


def test_an_acknowledged_id_that_is_absent_is_lost() -> None:
    found = compare(entries((0, "a"), (1, "a")), ["r-0"], 1)
    assert (found.lost, found.lost_samples, found.clean) == (1, ("r-1",), False)


def test_an_id_with_two_rows_is_duplicated_even_when_nobody_acknowledged_it() -> None:
    found = compare(entries((0, "a")), ["r-0", "r-9", "r-9"], 3)
    assert (found.duplicated, found.duplicated_samples, found.clean) == (1, ("r-9",), False)


def test_rows_without_their_part_of_the_totals_are_told() -> None:
    found = compare(entries((0, "a")), ["r-0", "r-1"], 1)
    assert (found.uncounted, found.clean) == (1, False)


def test_an_unacknowledged_row_is_no_fault() -> None:
    assert compare(entries((0, "a")), ["r-0", "r-1"], 2).clean


@pytest.mark.parametrize(
    ("log", "stop"),
    [
        pytest.param([(0, "a"), (1, "a")], None, id="one server"),
        pytest.param([(0, "a"), (1, "a"), (4.5, "b"), (5, "b")], 3.5, id="moved once"),
        pytest.param([(0, "a"), (1, "a"), (3, "b"), (4, "b"), (9, "a"), (10, "a")], 5, id="moved there and back"),
        pytest.param([(0, "a"), (2, "b"), (3, "a"), (4, "b")], -1, id="both at once is negative"),
    ],
)
def test_the_stop_is_from_the_last_of_the_old_server_to_the_first_of_the_new(
    log: list[tuple[float, str]], stop: float | None
) -> None:
    assert write_stop(entries(*log)) == stop


def test_the_rate_is_that_of_whole_seconds() -> None:
    assert rate(entries(*[(0.9, "a")] * 3, *[(1.5, "a")] * 10, *[(2.5, "a")] * 12, *[(3.1, "a")] * 2)) == 11


def test_a_line_that_is_not_whole_is_not_read(tmp_path: Path) -> None:
    log = AcknowledgementLog(tmp_path / "log")
    log.append(Acknowledged("r-0", 1.25, "127.0.0.1:3306"))
    log.close()
    with (tmp_path / "log").open("a") as file:
        file.write("r-1\t2.0")
    assert list(read(tmp_path / "log")) == [Acknowledged("r-0", 1.25, "127.0.0.1:3306")]
