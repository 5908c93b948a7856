"""GTID sets: parsing, printing and arithmetic exactly as the server does them. Pure.

The grammar is that of the MySQL manual, "GTID Format and Storage": `uuid:first-last:…, uuid:…`, and from 8.3 on
with tags, `uuid:first-last:tag:first-last:…`. Sets are compared and combined by (UUID, tag).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple, TypeAlias

# The highest transaction number: 2^63 - 2 (manual, "GTID Format and Storage").
MAX_NUMBER = 2**63 - 2
_HEX = "[0-9a-fA-F]"
_DASHED = f"{_HEX}{{8}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{4}}-{_HEX}{{12}}"
_UUID = re.compile(rf"{_DASHED}|\{{{_DASHED}\}}|{_HEX}{{32}}")
_TAG = re.compile(r"[a-z_][a-z0-9_]{0,31}", re.IGNORECASE)
_INTERVAL = re.compile(r"(\d+)(?:\s*-\s*(\d+))?")

Key: TypeAlias = tuple[str, str]
"""UUID in lower case, and tag ('' for none)."""
Interval: TypeAlias = tuple[int, int]
"""First and last transaction number, both included."""
Intervals: TypeAlias = tuple[Interval, ...]
"""Sorted, without overlaps, with a gap between neighbours."""


class GtidRange(NamedTuple):
    """Transactions of one UUID and tag with consecutive numbers."""

    uuid: str
    tag: str
    first: int
    last: int

    @property
    def size(self) -> int:
        """How many transactions these are."""
        return self.last - self.first + 1

    def __str__(self) -> str:
        return f"{self.uuid}:{self.tag + ':' if self.tag else ''}{_interval_text((self.first, self.last))}"


class GtidSet:
    """An immutable set of GTIDs.

    `-` subtracts, `|` joins, `&` intersects, `<=` asks whether all are in the other, `<` also that it has more,
    `in` takes a single GTID as text, and an empty set is false.

    :param intervals: of each (UUID, tag), in any order, overlapping or not.
    """

    __slots__ = ("_intervals",)

    def __init__(self, intervals: Mapping[Key, Iterable[Interval]] | None = None) -> None:
        merged = {key: _merged(value) for key, value in (intervals or {}).items()}
        self._intervals: dict[Key, Intervals] = {key: merged[key] for key in sorted(merged) if merged[key]}

    @classmethod
    def parse(cls, text: str | None) -> GtidSet:
        """Read a set as the server prints or takes it: spaces and line breaks anywhere between its parts.

        :param text: None and '' are the empty set.
        :raises ValueError: it is no GTID set; the message names the part.
        """
        found: dict[Key, list[Interval]] = {}
        for part in (text or "").split(","):
            if part.strip():
                for key, interval in _parsed(part.strip()):
                    found.setdefault(key, []).append(interval)
        return cls(found)

    @classmethod
    def of(cls, ranges: Iterable[GtidRange]) -> GtidSet:
        """The set of all transactions of some ranges."""
        found: dict[Key, list[Interval]] = {}
        for uuid, tag, first, last in ranges:
            found.setdefault((uuid.lower(), tag.lower()), []).append((first, last))
        return cls(found)

    # -- what is in it ------------------------------------------------------------------------

    @property
    def uuids(self) -> tuple[str, ...]:
        """The UUIDs of servers, sorted."""
        return tuple(dict.fromkeys(uuid for uuid, _ in self._intervals))

    def ranges(self) -> Iterator[GtidRange]:
        """The runs of consecutive transactions, in the order in which the server prints them."""
        for (uuid, tag), intervals in self._intervals.items():
            for first, last in intervals:
                yield GtidRange(uuid, tag, first, last)

    def gtids(self) -> Iterator[str]:
        """Each single GTID, as `uuid:n` or `uuid:tag:n`. Mind `count()` first."""
        for uuid, tag, first, last in self.ranges():
            for number in range(first, last + 1):
                yield str(GtidRange(uuid, tag, number, number))

    def count(self) -> int:
        """How many GTIDs it has."""
        return sum(each.size for each in self.ranges())

    def only(self, uuid: str) -> GtidSet:
        """Those of one server, with all tags."""
        return self._chosen(lambda key: key[0] == uuid.lower())

    def without(self, uuid: str) -> GtidSet:
        """Those of all servers but one."""
        return self._chosen(lambda key: key[0] != uuid.lower())

    def _chosen(self, wanted: Callable[[Key], bool]) -> GtidSet:
        return GtidSet({key: value for key, value in self._intervals.items() if wanted(key)})

    # -- arithmetic ---------------------------------------------------------------------------

    def __or__(self, other: GtidSet) -> GtidSet:
        keys = {*self._intervals, *other._intervals}
        return GtidSet({key: (*self._of(key), *other._of(key)) for key in keys})

    def __sub__(self, other: GtidSet) -> GtidSet:
        return GtidSet({key: _subtracted(mine, other._of(key)) for key, mine in self._intervals.items()})

    def __and__(self, other: GtidSet) -> GtidSet:
        return self - (self - other)

    def __le__(self, other: GtidSet) -> bool:
        return not self - other

    def __lt__(self, other: GtidSet) -> bool:
        return self <= other and self != other

    def __contains__(self, gtid: str) -> bool:
        single = GtidSet.parse(gtid)
        if single.count() != 1:
            raise ValueError(f"{gtid!r} is not a single GTID")
        return single <= self

    def _of(self, key: Key) -> Intervals:
        return self._intervals.get(key, ())

    def __bool__(self) -> bool:
        return bool(self._intervals)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GtidSet) and self._intervals == other._intervals

    def __hash__(self) -> int:
        return hash(tuple(self._intervals.items()))

    def __str__(self) -> str:
        """As the server prints it: UUIDs sorted, each on a line of its own."""
        parts: dict[str, list[str]] = {}
        for (uuid, tag), intervals in self._intervals.items():
            words = parts.setdefault(uuid, [uuid])
            if tag:
                words.append(tag)
            words.extend(_interval_text(each) for each in intervals)
        return ",\n".join(":".join(words) for words in parts.values())

    def __repr__(self) -> str:
        return f"GtidSet.parse({str(self)!r})"


def _parsed(part: str) -> Iterator[tuple[Key, Interval]]:
    """The intervals of one UUID; a tag holds for what follows it. A UUID alone has none, as on the server."""
    head, *words = (word.strip() for word in part.split(":"))
    uuid, tag = _uuid(head, part), ""
    for word in words:
        match = _INTERVAL.fullmatch(word)
        if match:
            first, last = int(match[1]), int(match[2] or match[1])
            if not 1 <= first <= MAX_NUMBER or last > MAX_NUMBER:
                raise ValueError(f"not a GTID set: {word!r} in {part!r} is outside of 1 to {MAX_NUMBER}")
            yield (uuid, tag), (first, last)
        elif _TAG.fullmatch(word):
            tag = word.lower()
        else:
            raise ValueError(f"not a GTID set: {word!r} in {part!r} is neither a number, a range nor a tag")


def _uuid(text: str, part: str) -> str:
    if not _UUID.fullmatch(text):
        raise ValueError(f"not a GTID set: {part!r} does not begin with a server's UUID")
    digits = re.sub("[^0-9a-f]", "", text.lower())
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def _interval_text(interval: Interval) -> str:
    first, last = interval
    return str(first) if first == last else f"{first}-{last}"


def _merged(intervals: Iterable[Interval]) -> Intervals:
    """Sort and join what overlaps or touches; the server takes `5-3` for nothing, and so is it here."""
    merged: list[Interval] = []
    for first, last in sorted(each for each in intervals if each[0] <= each[1]):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], last))
        else:
            merged.append((first, last))
    return tuple(merged)


def _subtracted(mine: Intervals, theirs: Intervals) -> Iterator[Interval]:
    """What is left of sorted intervals, in one pass over both."""
    place = 0
    for begin, last in mine:
        first = begin
        while place < len(theirs) and theirs[place][1] < first:
            place += 1
        look = place
        while look < len(theirs) and theirs[look][0] <= last:
            if first < theirs[look][0]:
                yield first, theirs[look][0] - 1
            first = theirs[look][1] + 1
            look += 1
        if first <= last:
            yield first, last
