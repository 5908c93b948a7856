"""How long it takes until searches find what was committed: `./dev bench freshness --json`.

A client changes rows of the example's table, 300 a second for 60 seconds: updates, a tenth of them of ten hot rows,
deletes, and inserts of rows that were deleted. Another one searches through the alias every 50 ms. A change's clock
runs from just before its commit is sent until the answer of the first search that shows it, or something newer of the
same row; of a delete, until the first search that does not find the row. The whole way is in it: binary log, DMS
stand-in, Kinesis, transform, Kinesis, loader, Elasticsearch's refresh.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import pymysql
import requests

from rehearsal.ports import LOOPBACK
from rehearsal.search import products
from rehearsal.search.seed import ALIAS
from rehearsal.services import MYSQL_USER
from rehearsal.stack import Stack

ROWS = 20_000
PER_SECOND, SECONDS, WARM_UP_SECONDS = 300.0, 60.0, 10.0
HOT_ROWS, HOT_SHARE, DELETE_SHARE = 10, 0.1, 0.05
SEARCH_SECONDS = 0.05
LEFT_SECONDS = 30.0
UPDATE = "UPDATE products SET stock = stock + 1, revision = %s, updated_at = UTC_TIMESTAMP(6) WHERE id = %s"
DELETE = "DELETE FROM products WHERE id = %s"
INSERT = """INSERT INTO products VALUES
  (%s, 'Oak table', 'Back again.', 'tables', 9.90, 1, '["new"]', %s, UTC_TIMESTAMP(6))"""


def main(arguments: list[str]) -> int:
    """Run the benchmark; the last line is one JSON object."""
    parser = argparse.ArgumentParser(prog="./dev bench freshness", description=__doc__)
    parser.add_argument("--json", action="store_true", help="the default: the last line is JSON either way")
    parser.add_argument("--rate", type=float, default=PER_SECOND, help="changes a second that are asked for")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="that are measured")
    parser.add_argument("--warm-up", type=float, default=WARM_UP_SECONDS, help="seconds of the same before")
    options = parser.parse_args(arguments)
    stack = _prepare()
    changes = Changes()
    searching = threading.Thread(target=_search, args=(stack.elasticsearch.url, changes), daemon=True)
    searching.start()
    print(f"Changing rows for {options.warm_up:.0f} + {options.seconds:.0f} s ...", flush=True)
    with _connect(stack) as connection, connection.cursor() as cursor:
        client = Client(cursor, changes)
        client.run(options.rate, options.warm_up)
        changes.counts = True
        rate = client.run(options.rate, options.seconds)
    changes.complete = True
    searching.join(LEFT_SECONDS)
    changes.abandoned = True
    searching.join()
    result = _result(changes, rate, _refresh_interval(stack))
    print(json.dumps(result))
    return 1 if result["lost"] else 0


def _prepare() -> Stack:
    """The example, with more rows, and without what plays no part here."""
    stack = Stack("bench")
    stack.warehouse.stop()
    stack.mysql().reader.stop()
    products.sow(stack.mysql().writer, ROWS)
    stack.up({"s3", "elasticsearch", "kinesis"})
    stack.dms.start()
    stack.stream.start()
    return stack


def _connect(stack: Stack) -> Any:
    return pymysql.connect(
        host=LOOPBACK,
        port=stack.port("mysql-writer"),
        user=MYSQL_USER,
        password=stack.password("mysql-admin"),
        database=products.DATABASE,
        autocommit=True,
    )


@dataclass
class Change:
    """A committed change that searches may not show yet.

    :ivar revision: of the row since then; None for a delete.
    """

    row: int
    revision: int | None
    at: float
    counts: bool

    @property
    def least(self) -> float:
        """The revision from which on a row that is found shows it."""
        return math.inf if self.revision is None else self.revision


@dataclass
class Changes:
    """What was changed, and how long searches took to show it.

    :ivar counts: whether new ones count, as the warm-up is over.
    :ivar complete: whether no more will come.
    :ivar abandoned: whether those that searches do not show are lost.
    :ivar gone: rows whose deletion searches show.
    """

    counts: bool = False
    complete: bool = False
    abandoned: bool = False
    waiting: list[Change] = field(default_factory=list)
    ages: list[float] = field(default_factory=list)
    gone: deque[int] = field(default_factory=deque)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, change: Change) -> None:
        """A change that was committed."""
        with self.lock:
            self.waiting.append(change)

    def left(self) -> list[Change]:
        """Those that no search has shown."""
        with self.lock:
            return list(self.waiting)

    def show(self, found: dict[int, int], asked: list[Change], now: float) -> None:
        """A search that asked for these changes has found these rows with these revisions."""
        gone = {change.row for change in asked if change.revision is None and change.row not in found}
        # A row that is gone shows all that was done to it before.
        shown = {id(change) for change in asked if change.row in gone or found.get(change.row, 0) >= change.least}
        with self.lock:
            for change in asked:
                if id(change) in shown and change.counts:
                    self.ages.append(now - change.at)
                if id(change) in shown and change.revision is None:
                    self.gone.append(change.row)
            self.waiting = [change for change in self.waiting if id(change) not in shown]


class Client:
    """Changes rows, so that each change can be told.

    A row that it deletes is left alone until searches show that; then it may be inserted again, but not deleted again.
    """

    def __init__(self, cursor: Any, changes: Changes) -> None:
        self._cursor = cursor
        self._changes = changes
        self._random = random.Random(5)
        self._revision = 1
        self._deleted: set[int] = set()
        self._again: set[int] = set()

    def run(self, rate: float, seconds: float) -> float:
        """Change rows at a rate, and return the rate that came about."""
        began, count = time.monotonic(), round(rate * seconds)
        for number in range(count):
            time.sleep(max(began + number / rate - time.monotonic(), 0))
            self._change()
        return count / (time.monotonic() - began)

    def _change(self) -> None:
        kind = self._random.random()
        if kind < DELETE_SHARE:
            while (row := self._row(first=HOT_ROWS + 1)) in self._again:
                pass
            self._deleted.add(row)
            self._commit(row, None, DELETE, (row,))
            return
        self._revision += 1
        if kind < 2 * DELETE_SHARE and self._changes.gone:
            row = self._changes.gone.popleft()
            self._commit(row, self._revision, INSERT, (row, self._revision))
            self._deleted.discard(row)
            self._again.add(row)
            return
        row = self._random.randint(1, HOT_ROWS) if self._random.random() < HOT_SHARE else self._row()
        self._commit(row, self._revision, UPDATE, (self._revision, row))

    def _row(self, first: int = 1) -> int:
        while (row := self._random.randint(first, ROWS)) in self._deleted:
            pass
        return row

    def _commit(self, row: int, revision: int | None, statement: str, values: tuple[int, ...]) -> None:
        at = time.monotonic()
        if self._cursor.execute(statement, values) != 1:
            raise AssertionError(f"row {row} was not there: {statement}")
        self._changes.add(Change(row, revision, at, self._changes.counts))


def _search(url: str, changes: Changes) -> None:
    """Search for what was changed, until all of it was shown."""
    with requests.Session() as session:
        due = time.monotonic()
        while not changes.abandoned and not (changes.complete and not changes.left()):
            time.sleep(max(due - time.monotonic(), 0))
            due = time.monotonic() + SEARCH_SECONDS
            if asked := changes.left():
                changes.show(_found(session, url, {change.row for change in asked}), asked, time.monotonic())


def _found(session: requests.Session, url: str, rows: set[int]) -> dict[int, int]:
    body = {
        "query": {"terms": {"id": sorted(rows)}},
        "docvalue_fields": ["id", "revision"],
        # Who looks must not take the time of what is looked at: nothing that is stored has to be read.
        "stored_fields": "_none_",
        "_source": False,
        "size": 10_000,
        "track_total_hits": False,
    }
    answer = session.post(f"{url}/{ALIAS}/_search", json=body, timeout=30)
    answer.raise_for_status()
    hits = [hit["fields"] for hit in answer.json()["hits"]["hits"]]
    return {hit["id"][0]: hit["revision"][0] for hit in hits}


def _refresh_interval(stack: Stack) -> str:
    found = stack.elasticsearch.request("GET", f"/{ALIAS}/_settings?flat_settings=true")
    return str(next(iter(found.values()))["settings"]["index.refresh_interval"])


def _result(changes: Changes, rate: float, refresh_interval: str) -> dict[str, Any]:
    ages = sorted(changes.ages)
    return {
        "p50_s": round(ages[len(ages) // 2], 2) if ages else None,
        "p99_s": round(ages[len(ages) * 99 // 100], 2) if ages else None,
        "max_s": round(ages[-1], 2) if ages else None,
        "changes_per_s": round(rate, 1),
        "changes": len(ages),
        "lost": len(changes.left()),
        "refresh_interval": refresh_interval,
    }
