"""Clocks and waits. Pure, but for the random numbers."""

from __future__ import annotations

import random
from datetime import UTC, datetime


def now() -> datetime:
    """The present moment in UTC."""
    return datetime.now(UTC)


def jittered(attempt: int, *, base: float = 0.1, limit: float = 10.0) -> float:
    """Seconds to wait before an attempt is repeated: any time up to a doubling limit ("full jitter").

    Workers that failed together do not come back together.

    :param attempt: 0 for the first repetition.
    :param base: seconds, the limit at the first repetition.
    :param limit: seconds.
    """
    return random.uniform(0, min(limit, base * 2 ** min(attempt, 20)))  # noqa: S311 - no secret
