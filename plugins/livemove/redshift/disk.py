"""Whether a load fits on the disk, forecast before anything is loaded."""

from __future__ import annotations

from dataclasses import dataclass

from livemove.redshift.settings import DiskGuard

MB = 2**20


@dataclass(frozen=True)
class Disk:
    """Room of a provisioned cluster.

    :ivar capacity_mb: all of it, in blocks of 1 MB.
    :ivar used_mb: what is taken, tombstoned blocks aside.
    :ivar source: the view that says so.
    """

    capacity_mb: int
    used_mb: int
    source: str

    @property
    def free_mb(self) -> int:
        """What is not taken."""
        return max(0, self.capacity_mb - self.used_mb)


@dataclass(frozen=True)
class Forecast:
    """What a load will take, against what there is."""

    needed_mb: int
    reserve_mb: int
    disk: Disk
    factor: float

    @property
    def fits(self) -> bool:
        """Whether the load leaves the reserve untouched."""
        return self.needed_mb + self.reserve_mb <= self.disk.free_mb

    def __str__(self) -> str:
        return (
            f"{self.needed_mb:,} MB needed ({self.factor:g} x the uncompressed bytes), {self.disk.free_mb:,} MB free "
            f"of {self.disk.capacity_mb:,} MB (from {self.disk.source}), {self.reserve_mb:,} MB of them to stay free"
        )


def forecast(uncompressed_bytes: int, disk: Disk, guard: DiskGuard) -> Forecast:
    """Forecast a load: staging, merging and vacuuming take a multiple of the rows' size.

    :param uncompressed_bytes: size of the extracted rows in Arrow.
    """
    needed = -(-int(uncompressed_bytes * guard.factor) // MB)
    return Forecast(needed, int(disk.capacity_mb * guard.keep_free_percent / 100), disk, guard.factor)
