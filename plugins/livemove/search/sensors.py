"""Sensors that wait for an index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from livemove.search.base import StepOperator


class _IndexSensor(StepOperator):
    """Base: waits for one index.

    :param index: named in full.
    """

    template_fields: Sequence[str] = ("index", *StepOperator.template_fields)

    def __init__(self, *, index: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.index = index

    def values(self) -> dict[str, Any]:
        """What the step is given."""
        return {"index": self.index}


class IndexCopiedSensor(_IndexSensor):
    """Waits until the copy into an index, which another DAG drives, is done and proven.

    :param index: the new one; it need not exist yet.
    :returns: `index`, `documents`.

    Example::

        with DAG("after_the_copy", schedule=None):
            IndexCopiedSensor(task_id="copied", index="products-20260131120000", deferrable=True)
    """

    step_name = "copied"


class IndexReadySensor(_IndexSensor):
    """Waits until all shards of an index are active, replicas included.

    :returns: `index`, `status`.

    Example::

        with DAG("before_the_swap", schedule=None):
            IndexReadySensor(task_id="ready", index="products-20260131120000", deferrable=True)
    """

    step_name = "ready"
