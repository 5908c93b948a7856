"""Sensors that wait for a state of the RDS API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from livemove.rds.base import RdsOperator
from livemove.rds.hook import RdsHook
from livemove.rds.states import Kind, Subject
from livemove.rds.waiting import Waits, look
from livemove.rds.waits import Wait

if TYPE_CHECKING:
    from airflow.sdk import Context


class _StateSensor(RdsOperator):
    """Base of the two sensors."""

    template_fields: Sequence[str] = ("identifier", "states", *RdsOperator.template_fields)
    kind: Kind

    def __init__(self, *, identifier: str, states: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.identifier = identifier
        self.states = states

    def subject(self) -> Subject:
        """The database."""
        return Subject(self.kind, self.identifier)

    def step(self, hook: RdsHook, context: Context) -> Waits:
        """Look; changes nothing."""
        wait = Wait(self.kind, self.identifier, gone=list(self.states) == ["deleted"], states=tuple(self.states))
        return [] if look(hook, wait).done else [wait]


class InstanceStateSensor(_StateSensor):
    """Waits until an RDS or Aurora instance is in a state; fails at once in one that waiting does not heal.

    It logs the state at each poll. An instance that does not exist yet is waited for too.

    :param identifier: of the instance.
    :param states: any of these; the default is a usable one (`available` and those in which RDS only goes on working
        on the storage). `["deleted"]` waits until it is gone.

    Example::

        with DAG("after_maintenance"):
            InstanceStateSensor(task_id="usable", identifier="shop", timeout_seconds=1800) >> check
    """

    kind = Kind.INSTANCE


class ClusterStateSensor(_StateSensor):
    """Waits until an Aurora cluster is in a state; as `InstanceStateSensor`.

    A cluster is `available` before its instances are: wait for these too, where they matter.

    :param identifier: of the cluster.
    :param states: any of these; the default is a usable one.

    Example::

        with DAG("after_failover"):
            ClusterStateSensor(task_id="usable", identifier="shop-aurora") >> check
    """

    kind = Kind.CLUSTER
