"""How much room the binary logs of a retention will take: measured, forecast, compared with what is free."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from botocore.config import Config

from livemove.runbook.evidence import Check, ok, stop, warn

log = logging.getLogger(__name__)

NAME = "storage for binary logs"
GIB = 1024**3
# Part of the free storage that the forecast may take before it warns.
COMFORTABLE = 0.5
# The figure is worth little waiting: botocore's defaults are 60 s and five attempts, of which a subnet without a way to
# CloudWatch would use up all.
BRIEFLY = Config(connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 1})


class Queries(Protocol):
    """What is asked of a server."""

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Run a query."""


@dataclass(frozen=True)
class BinlogRate:
    """How fast a server writes its binary logs.

    :ivar bytes_per_second: over `seconds`.
    :ivar kept_bytes: what its binary logs take now.
    """

    bytes_per_second: float
    seconds: float
    kept_bytes: int

    def forecast(self, hours: int) -> int:
        """Bytes that the binary logs of so many hours take."""
        return int(self.bytes_per_second * 3600 * hours)


def written(hook: Queries) -> dict[str, int]:
    """Size of each binary log that the server keeps."""
    return {str(row["Log_name"]): int(row["File_size"]) for row in hook.rows("SHOW BINARY LOGS")}


def growth(before: dict[str, int], after: dict[str, int]) -> int:
    """Bytes written between two looks; logs that were purged meanwhile count as not grown."""
    return sum(size - before.get(name, 0) for name, size in after.items() if size > before.get(name, 0))


def measure(hook: Queries, seconds: float = 5) -> BinlogRate:
    """Watch the binary logs grow for a moment."""
    before, started = written(hook), time.monotonic()
    time.sleep(seconds)
    after, elapsed = written(hook), time.monotonic() - started
    return BinlogRate(growth(before, after) / elapsed, elapsed, sum(after.values()))


def free_bytes(rds: Any, instance: str) -> int | None:
    """Free storage of an instance, as CloudWatch last said it; None if it says nothing."""
    client = rds.get_session().client("cloudwatch", endpoint_url=_endpoint(rds), config=BRIEFLY)
    now = datetime.now(UTC)
    answer = client.get_metric_statistics(
        Namespace="AWS/RDS",
        MetricName="FreeStorageSpace",
        Dimensions=[{"Name": "DBInstanceIdentifier", "Value": instance}],
        StartTime=now - timedelta(minutes=15),
        EndTime=now,
        Period=60,
        Statistics=["Minimum"],
    )
    points = sorted(answer["Datapoints"], key=lambda point: point["Timestamp"])
    return int(points[-1]["Minimum"]) if points else None


def free_or_unknown(rds: Any, instance: str) -> int | None:
    """As `free_bytes`; None also where CloudWatch cannot be asked, as a forecast needs no privilege of its own."""
    try:
        return free_bytes(rds, instance)
    except Exception as error:
        log.warning("CloudWatch does not say how much storage of %s is free: %s", instance, error)
        return None


def _endpoint(rds: Any) -> str | None:
    found: str | None = rds.conn_config.get_service_endpoint_url("cloudwatch")
    return found


def judge(server: str, rate: BinlogRate, hours: int, free: int | None, allocated: int | None) -> Check:
    """Compare the forecast with what is free.

    :param free: bytes, None if nobody knows.
    :param allocated: bytes of the storage, None on Aurora, which grows by itself.
    """
    needed = max(0, rate.forecast(hours) - rate.kept_bytes)
    figures = (
        f"{server}: {rate.bytes_per_second / 1024:,.1f} KiB/s over {rate.seconds:.0f} s make "
        f"{rate.forecast(hours) / GIB:,.2f} GiB in {hours} h, {rate.kept_bytes / GIB:,.2f} GiB are kept already"
    )
    remedy = "Extend the storage before the retention is raised, or choose a shorter retention."
    if free is None:
        if allocated is not None and needed > allocated * COMFORTABLE:
            return warn(NAME, f"{figures}; of {allocated / GIB:,.0f} GiB allocated, free is unknown", remedy)
        unknown = "" if allocated is None else f"; {allocated / GIB:,.0f} GiB are allocated, free is unknown"
        return ok(NAME, figures + unknown)
    figures += f"; {free / GIB:,.2f} GiB are free"
    if needed > free:
        return stop(NAME, figures, remedy)
    return warn(NAME, figures, remedy) if needed > free * COMFORTABLE else ok(NAME, figures)
