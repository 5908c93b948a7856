"""When VACUUM and ANALYZE are worth their cost, and whether they did anything.

Thresholds instead of a nightly VACUUM of everything, after awslabs/amazon-redshift-utils.
"""

from __future__ import annotations

from dataclasses import dataclass

from livemove.redshift.settings import Upkeep


@dataclass(frozen=True)
class TableHealth:
    """A line of `svv_table_info`, which lists no empty tables.

    :ivar rows: rows on disk, deleted ones that were not vacuumed included.
    :ivar visible_rows: rows that a query sees.
    :ivar unsorted: percent of rows out of sort order; None for a table without sort key.
    :ivar stats_off: staleness of the statistics, 0 (current) to 100.
    :ivar size_mb: size on disk in blocks of 1 MB.
    """

    rows: int
    visible_rows: int
    unsorted: float | None
    stats_off: float
    size_mb: int

    @property
    def deleted_percent(self) -> float:
        """Percent of the rows on disk that are deleted."""
        return 100 * max(0, self.rows - self.visible_rows) / self.rows if self.rows else 0.0

    def __str__(self) -> str:
        unsorted = "no sort key" if self.unsorted is None else f"{self.unsorted:.1f} % unsorted"
        return (
            f"{self.size_mb:,} MB, {unsorted}, {self.deleted_percent:.1f} % deleted, "
            f"statistics {self.stats_off:.1f} % off"
        )


def vacuum_needed(health: TableHealth, limits: Upkeep) -> str | None:
    """Which VACUUM is worth it: `FULL`, `DELETE ONLY` or none."""
    if (health.unsorted or 0) > limits.vacuum_unsorted_percent:
        return "FULL"
    if health.deleted_percent > limits.vacuum_deleted_percent:
        return "DELETE ONLY"
    return None


def analyze_needed(health: TableHealth, limits: Upkeep) -> bool:
    """Whether the statistics are stale enough."""
    return health.stats_off > limits.analyze_stale_percent


def vacuum_helped(before: TableHealth, after: TableHealth) -> bool:
    """Whether a VACUUM changed anything. Without permission it succeeds and does nothing (guide, r_VACUUM_command)."""
    return after.deleted_percent < before.deleted_percent or (after.unsorted or 0) < (before.unsorted or 0)
