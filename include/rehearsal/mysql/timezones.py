"""MySQL's time zone tables, which RDS has filled and the bare server has not.

Without them `SET time_zone = 'Asia/Tokyo'` fails and CONVERT_TZ gives NULL (MySQL manual, "MySQL Server Time
Zone Support"). They are computed from Python's own zone data for the range of TIMESTAMP, 1970 to 2037.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, available_timezones

FIRST = 0
LAST = int(datetime(2037, 12, 31, tzinfo=UTC).timestamp())
# Shorter than any rule held: Egypt's summer time of September 2010 lasted three weeks.
STRIDE = 20 * 86400

Rule = tuple[int, bool, str]
Row = tuple[object, ...]


def rule(zone: ZoneInfo, second: int) -> Rule:
    """What holds in a zone at a second of Unix time: offset in seconds, daylight saving, abbreviation."""
    moment = datetime.fromtimestamp(second, zone)
    offset, saving = moment.utcoffset(), moment.dst()
    assert offset is not None  # noqa: S101 - a ZoneInfo always knows
    return round(offset.total_seconds()), bool(saving), (moment.tzname() or "")[:8]


def transitions(zone: ZoneInfo) -> Iterator[tuple[int, Rule]]:
    """The seconds at which a zone's rule changes, with the rule that holds from then on."""
    before = rule(zone, FIRST)
    for low in range(FIRST, LAST, STRIDE):
        high = min(low + STRIDE, LAST)
        after = rule(zone, high)
        if after == before:
            continue
        start = low
        while high - start > 1:
            middle = (start + high) // 2
            start, high = (middle, high) if rule(zone, middle) == before else (start, middle)
        yield high, after
        before = after


def _zone_rows(number: int, zone: ZoneInfo) -> tuple[list[Row], list[Row]]:
    kinds = {rule(zone, FIRST): 0}
    moments: list[Row] = []
    for second, kind in transitions(zone):
        moments.append((number, second, kinds.setdefault(kind, len(kinds))))
    types: list[Row] = [(number, index, *kind) for kind, index in kinds.items()]
    return moments, types


def time_zone_statements() -> list[tuple[str, list[Row]]]:
    """INSERT statements with their rows, for an empty set of time zone tables."""
    names = sorted(available_timezones() - {"localtime", "Factory"})
    moments: list[Row] = []
    types: list[Row] = []
    for number, name in enumerate(names, start=1):
        more_moments, more_types = _zone_rows(number, ZoneInfo(name))
        moments += more_moments
        types += more_types
    numbers: list[Row] = [(number, "N") for number in range(1, len(names) + 1)]
    numbered: list[Row] = [(name, number) for number, name in enumerate(names, start=1)]
    return [
        (_insert("time_zone", "Time_zone_id", "Use_leap_seconds"), numbers),
        (_insert("time_zone_name", "Name", "Time_zone_id"), numbered),
        (
            _insert(
                "time_zone_transition_type",
                "Time_zone_id",
                "Transition_type_id",
                "`Offset`",
                "Is_DST",
                "Abbreviation",
            ),
            types,
        ),
        (_insert("time_zone_transition", "Time_zone_id", "Transition_time", "Transition_type_id"), moments),
    ]


def _insert(table: str, *columns: str) -> str:
    values = ", ".join(["%s"] * len(columns))
    return f"INSERT INTO mysql.{table} ({', '.join(columns)}) VALUES ({values})"  # noqa: S608 - constants
