"""A worker may be killed at any line of any step: nothing is ever half, and a retry completes the run."""

from __future__ import annotations

import os
from collections import deque
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.drills.redshift_sync.victim import Order, Place, finish, killed
from tests.fixtures.stack import connect_warehouse
from tests.fixtures.sync import SyncCase

ROWS = 15
# One run may lose this many workers in each step before one lives.
DEATHS_IN_A_RUN = 12
STEPS = ("extract", "stage", "merge", "maintain")
THINNED = {"extraction.py", "sync.py"}
Rows = list[tuple[Any, ...]]


class Drill:
    """One table, copied by workers that are killed; `left` are the places where one has yet to die."""

    def __init__(self, case: SyncCase, folder: Path, *, full_reload: bool) -> None:
        self.case = case
        self.folder = folder
        self.full_reload = full_reload
        self.version = 1
        self.left: dict[str, deque[Place]] = {step: deque() for step in STEPS}
        self.deaths = 0
        self.after: Rows = []
        self.environment = {k: v for k, v in os.environ.items() if k.startswith(("AIRFLOW_CONN_", "LIVEMOVE_"))}
        columns = "id INT NOT NULL PRIMARY KEY, note VARCHAR(99) NOT NULL, version INT NOT NULL, KEY (version)"
        case.source(f"CREATE TABLE t ({columns})")
        case.insert("t", [(number, "x" * 99, 1) for number in range(ROWS)])
        case.configure({"t": {"watermark": "version"}})
        self.reader = connect_warehouse(case.stack)
        self.reader.autocommit = True

    def order(self, step: str, fatal: Place | None = None, **arguments: Any) -> Order:
        return Order(step, self.case.name, arguments, self.environment, self.folder / "report.json", fatal)

    def change(self) -> None:
        """Renew all rows, add one and, where all rows are read, delete one."""
        self.version += 1
        now = self.version
        self.case.source(f"UPDATE t SET note = REPEAT('{now % 10}', 99), version = {now}")
        self.case.source(f"INSERT INTO t VALUES ({1000 + now}, 'new', {now})")
        if self.full_reload:
            self.case.source(f"DELETE FROM t WHERE id = {998 + now}")

    def shown(self) -> Rows:
        with closing(self.reader.cursor()) as cursor:
            cursor.execute(f"SELECT id, note, version FROM {self.case.schema}.t ORDER BY 1")
            return [tuple(row) for row in cursor.fetchall()]

    def run(self) -> dict[str, list[Place]]:
        """One run in which workers die at some of the places that are left; return the places passed."""
        self.change()
        before = self.shown() if "t" in self.case.relations else []
        self.after = self.case.source("SELECT id, note, version FROM t ORDER BY 1")
        passed: dict[str, list[Place]] = {}
        arguments: dict[str, Any] = {"table": "t", "run_id": self.case.new_run(), "full_reload": self.full_reload}
        arguments["bounds"] = self.case.bounds("t").as_json()
        for step in STEPS:
            self.kill(step, arguments, before)
            result, passed[step] = finish(self.order(step, **arguments))
            if step == "extract":
                arguments = {"table": "t", "folder": result["folder"]}
            elif step == "merge":
                arguments = {"target": "t"}
        assert self.shown() == self.after
        assert self.case.relations == {"t", "sync_state"}
        return passed

    def kill(self, step: str, arguments: dict[str, Any], before: Rows) -> None:
        left = self.left[step]
        for _ in range(min(DEATHS_IN_A_RUN, len(left))):
            place = left.popleft()
            if not killed(self.order(step, place, **arguments)):
                # What an earlier worker had done already was not done again; the next run begins with this place.
                left.append(place)
                return
            self.deaths += 1
            # A reader sees all of the run or nothing of it.
            allowed = {"merge": [before, self.after], "maintain": [self.after]}.get(step, [before])
            assert self.shown() in allowed, f"{step} killed at {place}"


def chosen(passed: list[Place]) -> list[Place]:
    """Each line once; those that talk to S3 also the second time.

    Lines that only compute or look are thinned: those of the reader and the encoder, and those that examine tables.
    """
    places = []
    for number, place in enumerate(passed):
        if place.file not in THINNED or number % 6 == 0:
            again = {2} if place.file == "lake.py" and place.met > 1 else set()
            places += [Place(place.file, place.line, met) for met in sorted({1} | again)]
    return places


def drill(case: SyncCase, folder: Path, *, full_reload: bool = False) -> None:
    """Learn the lines of each step from a run that lives, then let a worker die at each of them."""
    drill = Drill(case, folder, full_reload=full_reload)
    drill.run()
    passed = drill.run()
    if full_reload:
        # Its other lines are those of a run of changes.
        passed = {"merge": [place for place in passed["merge"] if place.file != "lake.py"]}
    for step, places in passed.items():
        drill.left[step].extend(chosen(places))
        assert len(drill.left[step]) >= 10, step
    total = sum(map(len, drill.left.values()))
    stuck = 0
    while any(drill.left.values()) and stuck < 3:
        deaths = drill.deaths
        drill.run()
        stuck = stuck + 1 if drill.deaths == deaths else 0
    # A thread passes some lines by chance only, such as those where it waits for another.
    missed = [f"{step} {place}" for step, left in drill.left.items() for place in left]
    assert len(missed) <= total // 20, missed
    drill.reader.close()
    case.assert_same("t")


def test_a_run_of_changes_survives_a_kill_at_every_line_of_every_step(case: SyncCase, tmp_path: Path) -> None:
    drill(case, tmp_path)


def test_a_full_reload_survives_a_kill_at_every_line_of_its_merge(case: SyncCase, tmp_path: Path) -> None:
    drill(case, tmp_path, full_reload=True)
