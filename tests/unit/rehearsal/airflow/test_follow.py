"""A run is told task by task, each change once, and a failure with its error."""

from __future__ import annotations

from typing import Any

from rehearsal.airflow.follow import changes, error_lines, name_of


def task(task_id: str, state: str | None, **more: Any) -> dict[str, Any]:
    plain = {
        "map_index": -1,
        "try_number": 1,
        "duration": None,
        "start_date": None,
        "rendered_map_index": None,
    }
    return {"task_id": task_id, "state": state, **plain, **more}


def test_each_change_is_told_once() -> None:
    seen: dict[tuple[str, int], tuple[str | None, int]] = {}
    assert changes(seen, [task("a", "running")]) == ["running          a"]
    assert changes(seen, [task("a", "running")]) == []
    assert changes(seen, [task("a", "success", duration=1.25)]) == ["success          a  1.2 s"]


def test_waiting_in_a_queue_is_not_told() -> None:
    assert changes({}, [task("a", "queued"), task("b", None), task("c", "scheduled")]) == []


def test_a_second_try_is_told_with_its_number_and_without_the_first_ones_duration() -> None:
    seen = {("a", -1): ("running", 1)}
    again = task("a", "running", try_number=2, duration=9.0)
    assert changes(seen, [again]) == ["running          a  (try 2)"]


def test_mapped_tasks_are_told_apart_by_their_name_or_number() -> None:
    assert name_of(task("load", "success", map_index=3, rendered_map_index="flights")) == "load [flights]"
    assert name_of(task("load", "success", map_index=3)) == "load [3]"
    assert name_of(task("load", "success")) == "load"


def test_the_error_ends_the_excerpt_of_a_log() -> None:
    events = [
        {"event": "::group::Setup"},
        {"event": "first"},
        {"event": "second\nthird"},
        {"event": "Task failed", "error_detail": [{"exc_type": "ValueError", "exc_value": "no such table"}]},
    ]
    assert error_lines(events, lines=3) == ["second", "third", "Task failed", "ValueError: no such table"]
