"""Steps: each looks at the world, does what is missing and can be done now, and says what to wait for.

A step returns its waits; none means that all of it is true. So a step is called again after its waits, until it
returns none: `complete` does that in this process, the operators do it with a trigger in between. A worker that is
killed between a call and its wait is no special case, as the next attempt begins with a look too::

    complete(hook, lambda: promote_cluster(hook, "shop-aurora"), timeout_seconds=600, poll_seconds=0.2)
    complete(hook, lambda: ensure(hook, *aurora_replica_calls))

Every step raises NeedsPerson where only a person can go on, and TryAgain where the same step may work later.
"""

from __future__ import annotations

from livemove.rds.changes import (
    failover,
    make_multi_az,
    modify_cluster,
    modify_instance,
    plan_parameter_group,
    promote_cluster,
    promote_instance,
    reboot,
    reboot_pending,
    set_parameters,
)
from livemove.rds.deletion import delete_cluster, delete_instance
from livemove.rds.making import (
    clone_cluster,
    create_aurora_replica,
    create_read_replica,
    ensure,
    restore_cluster,
    restore_instance,
    snapshot_cluster,
    snapshot_instance,
    with_writer,
)
from livemove.rds.waiting import Step, Waits, complete, usable

__all__ = [
    "Step",
    "Waits",
    "clone_cluster",
    "complete",
    "create_aurora_replica",
    "create_read_replica",
    "delete_cluster",
    "delete_instance",
    "ensure",
    "failover",
    "make_multi_az",
    "modify_cluster",
    "modify_instance",
    "plan_parameter_group",
    "promote_cluster",
    "promote_instance",
    "reboot",
    "reboot_pending",
    "restore_cluster",
    "restore_instance",
    "set_parameters",
    "snapshot_cluster",
    "snapshot_instance",
    "usable",
    "with_writer",
]
