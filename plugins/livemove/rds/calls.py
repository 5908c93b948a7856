"""Every call of the RDS API that changes something, as data.

The builders are pure, so a plan shows exactly what a run sends. A call that makes a resource also says what must be
there before (`after`) and how to see that a resource of that name is the right one (`engine`, `origin`).
"""

from __future__ import annotations

from livemove.rds.call import Call
from livemove.rds.call_changes import (
    PARAMETERS_PER_CALL,
    add_tags,
    create_parameter_group,
    delete_cluster,
    delete_instance,
    failover,
    make_multi_az,
    modify_cluster,
    modify_instance,
    modify_parameter_group,
    promote_cluster,
    promote_instance,
    reboot,
    remove_tags,
)
from livemove.rds.call_makes import (
    AURORA_MYSQL,
    clone_cluster,
    create_aurora_replica,
    create_cluster_instance,
    create_read_replica,
    restore_cluster,
    restore_instance,
    snapshot_cluster,
    snapshot_instance,
)

__all__ = [
    "AURORA_MYSQL",
    "PARAMETERS_PER_CALL",
    "Call",
    "add_tags",
    "clone_cluster",
    "create_aurora_replica",
    "create_cluster_instance",
    "create_parameter_group",
    "create_read_replica",
    "delete_cluster",
    "delete_instance",
    "failover",
    "make_multi_az",
    "modify_cluster",
    "modify_instance",
    "modify_parameter_group",
    "promote_cluster",
    "promote_instance",
    "reboot",
    "remove_tags",
    "restore_cluster",
    "restore_instance",
    "snapshot_cluster",
    "snapshot_instance",
]
