"""Whether two servers of a chain hold the same rows, proven while both are in use.

A table is read in ranges of its primary key; of each range either server tells a count and the XOR of its rows'
hashes (row_hash.py), so memory stays flat. Replication is never quiet, so a range that differs is read again once
the target has applied all that the source had committed. Only a difference that stays while the source's own range
stays as it is counts; a range that changes all the time is halved until its quiet parts are proven.
"""

from __future__ import annotations

import json
import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from livemove.mysql import row_hash
from livemove.mysql.errors import ServerError
from livemove.mysql.gtid import GtidSet
from livemove.mysql.heartbeat import SCHEMA, has_table, install_schema
from livemove.mysql.hook import RdsMySqlHook
from livemove.mysql.names import quoted
from livemove.mysql.row_hash import Column
from livemove.runbook.errors import NeedsPerson, TryAgain

log = logging.getLogger(__name__)
TABLE = quoted(SCHEMA, "checksum")
FIRST_ROWS = 2_000
MOST_ROWS = 200_000
RANGE_SECONDS = 0.5
ROUNDS = 4
# Differing ranges that are narrowed down; more tell a person nothing.
MOST_DIFFERENCES = 20
NARROW_ROWS = 20
CATCH_UP_SECONDS = 300.0
POLL_SECONDS = 0.2
LOG_SECONDS = 15.0
_NO_SUCH = (1049, 1146)


class Sum(NamedTuple):
    """What one server says of a range."""

    rows: int
    hashes: str


@dataclass(frozen=True)
class Range:
    """Rows after one key up to and with another, in the order of the primary key.

    :param low: key values as text, None for the table's beginning.
    :param high: None for its end.
    """

    low: tuple[str, ...] | None
    high: tuple[str, ...] | None

    def where(self, keys: tuple[Column, ...]) -> str:
        """The condition of this range."""
        parts = [row_hash.after(keys, self.low)] if self.low is not None else []
        parts += [row_hash.up_to(keys, self.high)] if self.high is not None else []
        return " AND ".join(f"({part})" for part in parts) or "TRUE"

    def text(self, keys: tuple[Column, ...]) -> str:
        """For people, and as a condition that they can run."""
        return self.where(keys)


@dataclass(frozen=True)
class TableResult:
    """What the comparison of one table found.

    :param table: `schema.table`.
    :param rows: on the source, as its ranges were read.
    :param differences: conditions of the ranges whose rows differ for good.
    :param undecided: conditions of ranges that changed too often to be compared.
    :param definition: what the two definitions do not agree on; if anything, rows were not compared.
    :param finished_at: UTC, ISO 8601.
    """

    table: str
    ranges: int = 0
    rows: int = 0
    differences: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()
    definition: tuple[str, ...] = ()
    seconds: float = 0.0
    finished_at: str = ""

    @property
    def same(self) -> bool:
        """Whether all of it was compared and nothing differs."""
        return not (self.differences or self.undecided or self.definition)

    def as_json(self) -> dict[str, Any]:
        """For XCom and the report."""
        return json.loads(json.dumps(asdict(self)))  # type: ignore[no-any-return]

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> TableResult:
        """What `as_json` gave."""
        lists: dict[str, Any] = {key: tuple(each) for key, each in value.items() if isinstance(each, list)}
        return cls(**{**value, **lists})


@dataclass
class Lag:
    """How far the target is behind the source, by GTID sets: the age of the oldest look that it has not passed."""

    source: RdsMySqlHook
    target: RdsMySqlHook
    _looks: deque[tuple[float, GtidSet]] = field(default_factory=deque)

    def __call__(self) -> float:
        """Look at both and return seconds."""
        self._looks.append((time.monotonic(), self.source.executed()))
        there = self.target.executed()
        while self._looks and self._looks[0][1] <= there:
            self._looks.popleft()
        return time.monotonic() - self._looks[0][0] if self._looks else 0.0


class TableChecksum:
    """The comparison of one table.

    :param source: the server that takes the writes.
    :param target: a replica of it, direct or along the chain.
    :param lag: measures how far the target is behind, in seconds.
    :param lag_seconds: while it is further behind, nothing is read.
    :param rows: of the first range; later ones take about RANGE_SECONDS each.
    """

    def __init__(
        self,
        source: RdsMySqlHook,
        target: RdsMySqlHook,
        schema: str,
        table: str,
        *,
        lag: Callable[[], float] | None = None,
        lag_seconds: float = 5.0,
        rows: int = FIRST_ROWS,
        most_rows: int = MOST_ROWS,
    ) -> None:
        self.source = source
        self.target = target
        self.name = f"{schema}.{table}"
        self._schema, self._table = schema, table
        self._from = quoted(schema, table)
        self._lag = lag or Lag(source, target)
        self._lag_seconds = lag_seconds
        self._rows = rows
        self._most_rows = most_rows
        self._columns: list[Column] = []
        self._keys: tuple[Column, ...] = ()
        self._logged = time.monotonic()

    def run(self) -> TableResult:
        """Compare.

        :raises NeedsPerson: the table is not there or has no primary key.
        :raises TryAgain: the target did not catch up in time.
        """
        began = time.monotonic()
        with _quiet(self.source), _quiet(self.target):
            definition = self._look()
            if definition:
                return self._result(began, definition=tuple(definition))
            ranges = rows = 0
            suspects: list[Range] = []
            differences: list[Range] = []
            undecided: list[Range] = []
            for each in self._ranges():
                self._throttle(ranges, rows)
                ours = self._sum(self.source, each)
                if ours != self._sum(self.target, each):
                    suspects.append(each)
                ranges += 1
                rows += ours.rows
                if len(suspects) >= MOST_DIFFERENCES:
                    self._settle(suspects, differences, undecided)
                    suspects = []
            self._settle(suspects, differences, undecided)
        return self._result(
            began,
            ranges=ranges,
            rows=rows,
            differences=tuple(each.text(self._keys) for each in differences),
            undecided=tuple(each.text(self._keys) for each in undecided),
        )

    def _result(self, began: float, **found: Any) -> TableResult:
        now = datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="seconds")
        result = TableResult(self.name, seconds=round(time.monotonic() - began, 2), finished_at=now, **found)
        log.info(
            "%s: %d rows in %d ranges in %.1f s; %d differ, %d undecided",
            self.name, result.rows, result.ranges, result.seconds, len(result.differences), len(result.undecided),
        )  # fmt: skip
        return result

    def _look(self) -> list[str]:
        """Read both definitions and return what differs."""
        here, there = (
            [Column.of(row) for row in hook.rows(row_hash.COLUMNS_QUERY, (self._schema, self._table))]
            for hook in (self.source, self.target)
        )
        if not here:
            raise NeedsPerson(f"{self.source.name}: there is no table {self.name}, or this user may not read it.")
        if not there:
            return ["the table is missing on the target"]
        self._columns, self._keys = here, row_hash.key_columns(here)
        if not self._keys:
            raise NeedsPerson(f"{self.name} has no primary key, so it cannot be compared by ranges. Add one.")
        return row_hash.definition_differences(here, there)

    # -- ranges -----------------------------------------------------------------------------------

    def _ranges(self) -> Iterator[Range]:
        """Ranges that cover every possible key once, about RANGE_SECONDS of reading each."""
        low, size = None, self._rows
        while True:
            high = self._key_at(Range(low, None), size - 1)
            began = time.monotonic()
            yield Range(low, high)
            if high is None:
                return
            spent = max(time.monotonic() - began, 0.001)
            size = max(min(int(size * RANGE_SECONDS / spent), size * 4, self._most_rows), min(size, 100), 1)
            low = high

    def _key_at(self, within: Range, offset: int) -> tuple[str, ...] | None:
        """The key of the row at a place of a range, on the source; None if the range is shorter."""
        values = ", ".join(f"{row_hash.key_value(key)} AS k{place}" for place, key in enumerate(self._keys))
        order = ", ".join(quoted(key.name) for key in self._keys)
        rows = self.source.rows(
            f"SELECT {values} FROM {self._from} WHERE {within.where(self._keys)} ORDER BY {order} LIMIT 1 "
            f"OFFSET {offset:d}"
        )
        if not rows:
            return None
        return tuple(_text(rows[0][f"k{place}"]) for place in range(len(self._keys)))

    def _sum(self, hook: RdsMySqlHook, each: Range) -> Sum:
        [row] = hook.rows(self.statement(each))
        if row["n"] != row["hashed"]:
            raise NeedsPerson(
                f"{hook.name}: {row['n'] - row['hashed']} rows of {self.name} cannot be hashed: raise "
                "max_allowed_packet above its largest value."
            )
        return Sum(int(row["n"]), _text(row["hashes"]) if row["n"] else "")

    def statement(self, each: Range) -> str:
        """The statement that both servers run for a range."""
        return (
            "SELECT COUNT(*) AS n, COUNT(h) AS hashed, HEX(BIT_XOR(h)) AS hashes FROM "
            f"(SELECT {row_hash.row_hash(self._columns)} AS h FROM {self._from} WHERE {each.where(self._keys)}) AS r"
        )

    # -- what differs -----------------------------------------------------------------------------

    def _settle(self, suspects: list[Range], differences: list[Range], undecided: list[Range]) -> None:
        """Read suspects again under replication until each is equal, different for good, or undecided."""
        waiting = deque(suspects)
        while waiting:
            each = waiting.popleft()
            verdict, rows = self._verdict(each)
            if verdict == "same":
                continue
            halves = self._halves(each, rows) if self._worth_halving(verdict, rows, differences, undecided) else []
            if halves:
                waiting.extend(halves)
            else:
                (differences if verdict == "different" else undecided).append(each)

    @staticmethod
    def _worth_halving(verdict: str, rows: int, differences: list[Range], undecided: list[Range]) -> bool:
        found = len(differences) if verdict == "different" else len(undecided)
        return rows > (NARROW_ROWS if verdict == "different" else 1) and found < MOST_DIFFERENCES

    def _verdict(self, each: Range) -> tuple[str, int]:
        """`same`, `different` (twice in a row, the source's rows at rest meanwhile), or `undecided`."""
        different = 0
        before = self._sum(self.source, each)
        for _ in range(ROUNDS):
            self._catch_up()
            theirs = self._sum(self.target, each)
            again = self._sum(self.source, each)
            if theirs in (before, again):
                return "same", again.rows
            different = different + 1 if before == again else 0
            if different == 2:
                return "different", max(again.rows, theirs.rows)
            before = again
        return "undecided", before.rows

    def _halves(self, each: Range, rows: int) -> list[Range]:
        middle = self._key_at(each, max(rows // 2 - 1, 0))
        if middle is None or middle == each.high:
            # The surplus is the target's: the source has too few rows to halve by.
            middle = self._key_at(each, 0)
        if middle is None or middle == each.high:
            return []
        return [Range(each.low, middle), Range(middle, each.high)]

    def _catch_up(self) -> None:
        wanted = self.source.executed()
        if not self.target.wait_for(wanted, CATCH_UP_SECONDS):
            raise TryAgain(
                f"{self.target.name} has not applied within {CATCH_UP_SECONDS:.0f} s what {self.source.name} had "
                f"committed: {(wanted - self.target.executed()).count()} GTIDs are missing."
            )

    def _throttle(self, ranges: int, rows: int) -> None:
        """Wait while the target is too far behind, as reading takes what applying needs."""
        while True:
            lag = self._lag()
            late = lag > self._lag_seconds
            if time.monotonic() - self._logged > LOG_SECONDS:
                self._logged = time.monotonic()
                waiting = f"; waiting, as the limit is {self._lag_seconds:.0f} s" if late else ""
                log.info("%s: %d rows in %d ranges, lag %.1f s%s", self.name, rows, ranges, lag, waiting)
            if not late:
                return
            time.sleep(POLL_SECONDS)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


@contextmanager
def _quiet(hook: RdsMySqlHook) -> Iterator[None]:
    """One session in which every stored value may be named: zero dates are literals, too."""
    with hook.connection() as connection:
        connection.query("SET SESSION sql_mode = '', transaction_isolation = 'READ-COMMITTED'")
        yield


def tables_of(source: RdsMySqlHook, schema: str) -> list[str]:
    """The base tables of a schema, the largest first."""
    rows = source.rows(
        "SELECT table_name AS n FROM information_schema.tables WHERE table_schema = %s AND table_type = 'BASE TABLE' "
        "ORDER BY COALESCE(data_length, 0) DESC, table_name",
        (schema,),
    )
    return [str(row["n"]) for row in rows]


# -- results ------------------------------------------------------------------------------------------


def install(serving: RdsMySqlHook) -> None:
    """Make the table of results on the serving server; nothing to do where it is."""
    if has_table(serving, "checksum"):
        return
    install_schema(serving)
    serving.execute(
        f"CREATE TABLE IF NOT EXISTS {TABLE} (run VARCHAR(128) NOT NULL, table_name VARCHAR(160) NOT NULL, "
        "same BOOLEAN NOT NULL, result JSON NOT NULL, finished_at DATETIME(6) NOT NULL, "
        "PRIMARY KEY (run, table_name)) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin"
    )


def store(serving: RdsMySqlHook, run: str, result: TableResult) -> None:
    """Write down a table's newest result.

    :param run: what it was compared for, such as the migration's name.
    """
    install(serving)
    serving.execute(
        f"REPLACE INTO {TABLE} (run, table_name, same, result, finished_at) VALUES (%s, %s, %s, %s, UTC_TIMESTAMP(6))",
        (run, result.table, result.same, json.dumps(result.as_json())),
    )


def newest(server: RdsMySqlHook, run: str) -> dict[str, tuple[TableResult, float]]:
    """The newest result of each table and its age in seconds, by `schema.table`."""
    try:
        rows = server.rows(
            f"SELECT table_name AS n, CAST(result AS CHAR) AS result, "
            f"TIMESTAMPDIFF(MICROSECOND, finished_at, UTC_TIMESTAMP(6)) / 1000000 AS age FROM {TABLE} WHERE run = %s",
            (run,),
        )
    except ServerError as error:
        if error.code not in _NO_SUCH:
            raise
        return {}
    return {str(row["n"]): (TableResult.from_json(json.loads(row["result"])), float(row["age"])) for row in rows}
