"""Compare the log of acknowledgements with the database that serves: what is lost, what is there twice."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import MySQLdb
import MySQLdb.cursors

from rehearsal.load.address import Address
from rehearsal.load.log import Acknowledged
from rehearsal.load.writer import Login

SAMPLES = 5


@dataclass(frozen=True)
class Audit:
    """What was found.

    :ivar acknowledged: writes that the log has.
    :ivar lost: of those, how many the database lacks.
    :ivar duplicated: ids that the database has more than once, acknowledged or not.
    :ivar uncounted: rows less what the writers' totals say: a transaction that is there in part.
    :ivar write_stop_seconds: from the last acknowledgement of the server before to the first of the last server;
        None when all came from one server.
    :ivar longest_pause_seconds: the longest time without any acknowledgement.
    :ivar tx_per_s: acknowledgements in a second, the median of the seconds before the stop.
    """

    acknowledged: int
    lost: int
    duplicated: int
    uncounted: int
    write_stop_seconds: float | None
    longest_pause_seconds: float
    tx_per_s: float
    servers: tuple[str, ...]
    lost_samples: tuple[str, ...] = ()
    duplicated_samples: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether nothing is lost, twice, or there in part."""
        return not (self.lost or self.duplicated or self.uncounted)

    def as_json(self) -> dict[str, Any]:
        """For printing."""
        return asdict(self)


def compare(log: Iterable[Acknowledged], present: Iterable[str], total: int) -> Audit:
    """Compare.

    :param present: the ids of all rows that the database has, in any order.
    :param total: the sum of the writers' totals in the database.
    """
    entries = sorted(log, key=lambda entry: entry.at)
    counts = Counter(present)
    lost = sorted({entry.write_id for entry in entries} - set(counts))
    twice = sorted(write_id for write_id, count in counts.items() if count > 1)
    return Audit(
        acknowledged=len(entries),
        lost=len(lost),
        duplicated=len(twice),
        uncounted=sum(counts.values()) - total,
        write_stop_seconds=write_stop(entries),
        longest_pause_seconds=round(max((b.at - a.at for a, b in _neighbours(entries)), default=0.0), 3),
        tx_per_s=rate(entries),
        servers=tuple(dict.fromkeys(entry.server for entry in entries)),
        lost_samples=tuple(lost[:SAMPLES]),
        duplicated_samples=tuple(twice[:SAMPLES]),
    )


def _neighbours(entries: Sequence[Acknowledged]) -> Iterator[tuple[Acknowledged, Acknowledged]]:
    return itertools.pairwise(entries)


def write_stop(entries: Sequence[Acknowledged]) -> float | None:
    """Seconds from the last acknowledgement of the server before to the first of the server that serves now.

    It is negative when both acknowledged at the same time, which must never be.

    :param entries: ordered by time.
    """
    now = entries[-1].server if entries else ""
    previous = next((entry.server for entry in reversed(entries) if entry.server != now), None)
    if previous is None:
        return None
    theirs = [entry.at for entry in entries if entry.server == previous]
    # After a way back the server served once before, too; that time does not count.
    ours = [entry.at for entry in entries if entry.server == now and entry.at > theirs[0]]
    return round(ours[0] - theirs[-1], 3)


def rate(entries: Sequence[Acknowledged]) -> float:
    """Acknowledgements in a second: the median of the whole seconds that have any, without the first and last."""
    seconds = sorted(Counter(int(entry.at) for entry in entries).items())[1:-1]
    return float(median(count for _, count in seconds)) if seconds else float(len(entries))


def present(login: Login, address: Address, run: str | None = None) -> tuple[list[str], int]:
    """The ids of all rows in a database, and the sum of the writers' totals.

    :param run: only ids of this run, and their number in place of the totals.
    """
    connection: Any = MySQLdb.connect(
        host=address.host, port=address.port, user=login.user, password=login.password, database=login.database
    )
    try:
        # One snapshot, as the writers may go on.
        connection.query("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        cursor = connection.cursor()
        cursor.execute("SELECT COALESCE(SUM(writes), 0) FROM load_totals")
        total = int(cursor.fetchone()[0])
        cursor.execute("SELECT write_id FROM load_writes")
        ids = [write_id for (write_id,) in cursor.fetchall()]
    finally:
        connection.close()
    if run is None:
        return ids, total
    chosen = [write_id for write_id in ids if write_id.startswith(f"{run}-")]
    return chosen, total - (len(ids) - len(chosen))
