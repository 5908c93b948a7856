"""Whole runs of the DAG `redshift_sync`, task by task as Airflow runs them, over two sync files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.models import DagRun

from rehearsal.paths import REPOSITORY
from tests.fixtures.sync import SyncCase

NUMBERED = "(id INT NOT NULL PRIMARY KEY, note VARCHAR(40), version INT NOT NULL, KEY (version))"
TABLES = {"orders": {"watermark": "version"}, "items": {"watermark": "version"}}


class Finished:
    """A run that has ended."""

    def __init__(self, run: DagRun) -> None:
        self.run = run
        self.state = str(run.state)

    @property
    def tasks(self) -> dict[str, str]:
        """State of each task instance, by its id and place, such as `table.merge[1]`."""
        return {
            ti.task_id + (f"[{ti.map_index}]" if ti.map_index >= 0 else ""): str(ti.state)
            for ti in self.run.get_task_instances()
        }

    @property
    def failed(self) -> set[str]:
        """Tasks that failed."""
        return {task for task, state in self.tasks.items() if state == "failed"}

    def value(self, task: str, key: str = "return_value", place: int = -1) -> Any:
        """What a task left in XCom."""
        for ti in self.run.get_task_instances():
            if (ti.task_id, ti.map_index) == (task, place):
                return ti.xcom_pull(task_ids=task, key=key, map_indexes=place)
        return None

    @property
    def report(self) -> str:
        """The report's text."""
        return str(self.value("report"))


Run = Callable[..., Finished]


@pytest.fixture
def run() -> Run:
    """Runs the DAG with params and waits for its end."""

    def runs(**params: Any) -> Finished:
        # A run's params stay with the object, so each run has one of its own.
        bag = DagBag(dag_folder=str(REPOSITORY / "dags" / "redshift_sync.py"))
        assert bag.import_errors == {}
        return Finished(bag.dags["redshift_sync"].test(run_conf=params))

    return runs


@pytest.fixture
def two(case: SyncCase, case_b: SyncCase) -> tuple[SyncCase, SyncCase]:
    """Two sync files with two tables each, not yet copied."""
    for number, one in enumerate((case, case_b)):
        for table in TABLES:
            one.source(f"CREATE TABLE {table} {NUMBERED}")
            one.insert(table, [(row, f"{table} {number}", row) for row in range(1, 6)])
        one.configure(TABLES)
    return case, case_b


def test_two_sources_arrive_in_two_schemas_and_the_next_run_moves_what_changed(
    two: tuple[SyncCase, SyncCase], run: Run
) -> None:
    first = run()
    assert (first.state, first.failed) == ("success", set())
    assert first.report.startswith("# 4 of 4 tables are up to date, 20 rows merged\n")
    for one in two:
        one.assert_same(*TABLES)
        assert f"| {one.name}.orders | ok | all rows | 5 | 5 |" in " ".join(first.report.split())
    two[0].source("UPDATE orders SET note = 'changed', version = 6 WHERE id = 2")
    second = run()
    assert second.report.startswith("# 4 of 4 tables are up to date, 1 rows merged\n")
    for one in two:
        one.assert_same(*TABLES)


def test_a_table_that_fails_leaves_the_others_merged_and_the_report_says_why(
    two: tuple[SyncCase, SyncCase], run: Run
) -> None:
    one, other = two
    one.source("ALTER TABLE items ADD COLUMN day DATE NULL", "UPDATE items SET day = '0000-00-00' WHERE id = 3")
    broken = run()
    assert broken.state == "failed"
    [extract] = [task for task in broken.failed if task.startswith("table.extract[")]
    assert broken.failed == {extract, "report"}
    assert "# 3 of 4 tables are up to date" in broken.report
    assert f"- {one.name}.items: tables.items: values that Redshift cannot hold exactly were found" in broken.report
    assert "zero_date: null" in broken.report
    assert "items" not in one.relations
    one.assert_same("orders")
    other.assert_same(*TABLES)
    one.source("UPDATE items SET day = '2024-01-01', version = 9 WHERE id = 3")
    assert run().state == "success"
    one.assert_same(*TABLES)


def test_a_file_that_cannot_be_read_stops_its_own_tables_only(two: tuple[SyncCase, SyncCase], run: Run) -> None:
    one, other = two
    one.file.write_text(one.file.read_text(encoding="utf-8") + "wathermark: version\n", encoding="utf-8")
    broken = run()
    assert broken.state == "failed"
    assert "not read at all" in broken.report
    assert f"{one.name}.yaml" in broken.report
    assert "wathermark" in broken.report
    assert one.relations == set()
    other.assert_same(*TABLES)
    one.configure(TABLES)
    assert run().state == "success"
    one.assert_same(*TABLES)


def test_a_plan_prints_each_statement_and_changes_nothing(two: tuple[SyncCase, SyncCase], run: Run) -> None:
    one, other = two
    planned = run(plan_only=True)
    assert planned.state == "success"
    assert not [task for task in planned.tasks if task.startswith("table.") and planned.tasks[task] == "success"]
    for place in (0, 1):
        assert "COPY " in planned.value("source.check", "plan", place)
    assert (one.relations, other.relations, one.objects) == (set(), set(), {})


def test_a_run_can_be_narrowed_to_files_and_tables_and_read_all_rows_again(
    two: tuple[SyncCase, SyncCase], run: Run
) -> None:
    one, other = two
    run(syncs=[one.name], tables=["orders"])
    assert (one.relations, other.relations) == ({"orders", "sync_state"}, set())
    # Without its watermark growing a change is seen by a full reload only.
    one.source("UPDATE orders SET note = 'silently changed' WHERE id = 1")
    run(syncs=[one.name], tables=["orders"])
    assert one.differences("orders") != []
    again = run(syncs=[one.name], tables=["orders"], full_reload=True)
    assert again.report.startswith("# 1 of 1 tables are up to date, 5 rows merged\n")
    one.assert_same("orders")


@pytest.mark.parametrize(("param", "value"), [("tables", ["ordres"]), ("syncs", ["nowhere"])])
def test_a_name_that_no_file_has_is_refused(
    two: tuple[SyncCase, SyncCase], run: Run, param: str, value: list[str]
) -> None:
    refused = run(**{param: value})
    assert refused.state == "failed"
    assert "choose" in refused.failed
    assert f"param {param}: {value[0]} is" in refused.report
    assert two[0].relations == set()
