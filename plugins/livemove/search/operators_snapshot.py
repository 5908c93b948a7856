"""Operators for snapshots: take one, find a fresh one, restore an index of it under another name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from livemove.search.base import StepOperator


class TakeSnapshotOperator(StepOperator):
    """Take a snapshot of one index, or find it taken.

    :param repository: a registered snapshot repository.
    :param snapshot: its name, the same at each attempt.
    :param index: an index, or an alias that stands for one.
    :returns: `snapshot`, `state`, `started_at` (all that was written before is in it).

    Example::

        with DAG("nightly_snapshot", schedule="@daily"):
            TakeSnapshotOperator(
                task_id="snapshot", repository="livemove", snapshot="products-{{ ts_nodash | lower }}", index="products"
            )
    """

    template_fields: Sequence[str] = ("repository", "snapshot", "index", *StepOperator.template_fields)
    step_name = "take_snapshot"

    def __init__(self, *, repository: str, snapshot: str, index: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.repository = repository
        self.snapshot = snapshot
        self.index = index

    def values(self) -> dict[str, Any]:
        """What the step is given."""
        return {"repository": self.repository, "snapshot": self.snapshot, "index": self.index}


class EnsureSnapshotOperator(TakeSnapshotOperator):
    """Find the newest whole snapshot of an index that is not too old, or take one.

    :param prefix: of the names of the snapshots that are looked at.
    :param max_age_hours: the oldest one that will do.
    :returns: `snapshot`, `state`, `started_at`.

    Example::

        with DAG("fresh_snapshot", schedule=None):
            EnsureSnapshotOperator(
                task_id="snapshot", repository="livemove", prefix="products-", max_age_hours=24, index="products",
                snapshot="products-{{ ts_nodash | lower }}",
            )
    """

    template_fields: Sequence[str] = ("prefix", "max_age_hours", *TakeSnapshotOperator.template_fields)
    step_name = "ensure_snapshot"

    def __init__(self, *, prefix: str, max_age_hours: float = 24, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.prefix = prefix
        self.max_age_hours = max_age_hours

    def values(self) -> dict[str, Any]:
        """What the step is given."""
        return {**super().values(), "prefix": self.prefix, "max_age_hours": float(self.max_age_hours)}


class RestoreSnapshotOperator(StepOperator):
    """Restore one index of a snapshot under another name, closed to writing, without its aliases.

    :param repository: a registered snapshot repository; another cluster's is registered with `readonly`.
    :param snapshot: a whole one.
    :param index: its name in the snapshot.
    :param into: the name of the copy.
    :returns: `index`, `documents`, `snapshot_started_at`.
    :raises AirflowFailException: the snapshot is missing or not whole, or another index has that name.

    Example::

        with DAG("look_at_yesterday", schedule=None):
            RestoreSnapshotOperator(
                task_id="restore", repository="livemove", snapshot="products-20260131", index="products-20260101000000",
                into="products-20260101000000.restored",
            )
    """

    template_fields: Sequence[str] = ("repository", "snapshot", "index", "into", *StepOperator.template_fields)
    step_name = "restore"

    def __init__(self, *, repository: str, snapshot: str, index: str, into: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.repository = repository
        self.snapshot = snapshot
        self.index = index
        self.into = into

    def values(self) -> dict[str, Any]:
        """What the step is given."""
        return {"repository": self.repository, "snapshot": self.snapshot, "index": self.index, "into": self.into}
