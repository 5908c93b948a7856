"""Which rows one run takes: above the stored watermark, up to a bound that no late commit can cross.

The order of looking matters (see `Look`). First the writer's clock is read, then the oldest start among
its open transactions and running statements. A row that is not visible yet belongs to one of those, or
to one that starts later, so its `updated_at` lies above the smaller of the two. `innodb_trx` is not part
of a snapshot: looked at after the rows were read, it would no longer show what committed in between.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

_DATED: Final = re.compile(r"(\d{4}-\d\d-\d\d[ \d:.]*)([+-]\d+)")
# trx_started has whole seconds, and so has CURRENT_TIMESTAMP in most tables.
MARGIN = timedelta(seconds=1)


class WatermarkKind(StrEnum):
    """What the watermark column holds."""

    TIMESTAMP = "timestamp"
    DATETIME = "datetime"
    DATE = "date"
    INTEGER = "integer"


@dataclass(frozen=True)
class OpenTransaction:
    """A transaction or statement that was running during the look.

    :ivar started: UTC, whole seconds.
    """

    thread: int
    user: str
    started: datetime
    idle: bool = False

    def __str__(self) -> str:
        doing = "idle in a transaction" if self.idle else "running"
        return f"thread {self.thread} ({self.user}), {doing} since {self.started:%Y-%m-%d %H:%M:%S} UTC"


@dataclass(frozen=True)
class Look:
    """What one look at the writer saw, in the order in which it was seen.

    :ivar clock: the writer's clock, UTC, read first.
    :ivar open: transactions and statements that were open after that.
    """

    clock: datetime
    open: Sequence[OpenTransaction] = ()

    @property
    def oldest(self) -> OpenTransaction | None:
        """The open transaction that holds the bound back the most."""
        return min(self.open, key=lambda each: each.started, default=None)

    @property
    def upper(self) -> datetime:
        """Every row with a watermark up to this moment is visible. UTC, whole seconds."""
        seen = min([self.clock, *(each.started for each in self.open)])
        return seen.replace(microsecond=0) - MARGIN

    def settled(self, earlier: datetime) -> bool:
        """Whether everything that was open at `earlier` (UTC) has ended."""
        end_of_second = earlier.replace(microsecond=0) + timedelta(seconds=1)
        return all(each.started >= end_of_second for each in self.open)

    def stuck(self, limit: timedelta) -> list[OpenTransaction]:
        """Those that are open for longer than the limit."""
        return [each for each in self.open if self.clock - each.started > limit]


@dataclass(frozen=True)
class Bounds:
    """The upper ends of one run over one source, fit for XCom.

    :ivar sync: name of the sync.
    :ivar tables: its tables that the run takes.
    :ivar utc: `YYYY-MM-DD HH:MM:SS`, for TIMESTAMP columns.
    :ivar local: the same moment on the clock that DATETIME columns are written by.
    :ivar offset_minutes: how far that clock is ahead of UTC.
    :ivar beat: heartbeat written after the look; a reader that shows it has all that was committed.
    :ivar integers: for each table with an integer watermark, its highest value at the look.
    :ivar warnings: what a person should know, such as transactions that hold the bound back.
    """

    sync: str
    tables: Sequence[str]
    utc: str
    local: str
    offset_minutes: int
    beat: str | None = None
    integers: dict[str, int | None] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """For XCom."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Bounds:
        """From XCom."""
        return cls(**document)

    def upper_for(self, kind: WatermarkKind, table: str) -> Mark | None:
        """The upper end for one table; None where an integer table was empty."""
        if kind is WatermarkKind.INTEGER:
            value = self.integers.get(table)
            return None if value is None else Mark(str(value))
        if kind is WatermarkKind.TIMESTAMP:
            return Mark(self.utc, 0)
        if kind is WatermarkKind.DATETIME:
            return Mark(self.local, self.offset_minutes)
        # Rows of a day are complete only when the day is over.
        day = datetime.fromisoformat(self.local).date() - timedelta(days=1)
        return Mark(day.isoformat(), self.offset_minutes)


@dataclass(frozen=True)
class Mark:
    """A stored end of a window.

    :ivar value: as MySQL compares it: `2026-11-22 03:00:00`, `2026-11-22` or `42`.
    :ivar offset_minutes: for times, the offset from UTC that held when it was taken.
    """

    value: str
    offset_minutes: int = 0

    def __str__(self) -> str:
        return f"{self.value}{self.offset_minutes:+d}" if self.offset_minutes else self.value

    @classmethod
    def parse(cls, text: str) -> Mark:
        """Read what `str` wrote."""
        dated = _DATED.fullmatch(text)
        return cls(dated[1], int(dated[2])) if dated else cls(text)


def lower_for(kind: WatermarkKind, stored: Mark, *, offset_minutes: int, lookback_seconds: int) -> str:
    """The lower, exclusive end: the stored mark, less the lookback and an hour that a clock went back.

    :param offset_minutes: the offset of the source's local clock now. When it is smaller than the one
        stored with the mark (the end of daylight saving time), local times repeat, so the repeated
        stretch is read again.
    """
    if kind is WatermarkKind.INTEGER:
        return stored.value
    repeated = max(0, stored.offset_minutes - offset_minutes) if kind is not WatermarkKind.TIMESTAMP else 0
    back = timedelta(seconds=lookback_seconds, minutes=repeated)
    if kind is WatermarkKind.DATE:
        day = datetime.fromisoformat(stored.value).date() - timedelta(days=-(-int(back.total_seconds()) // 86400))
        return day.isoformat()
    return str(datetime.fromisoformat(stored.value) - back)


def is_empty(kind: WatermarkKind, lower: str | None, upper: Mark | None) -> bool:
    """Whether no value can lie in (lower, upper]."""
    if upper is None:
        return True
    if lower is None:
        return False
    if kind is WatermarkKind.INTEGER:
        return int(lower) >= int(upper.value)
    return datetime.fromisoformat(lower) >= datetime.fromisoformat(upper.value)
