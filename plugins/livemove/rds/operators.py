"""Operators for the RDS API. Each can be used alone, in any DAG.

Each looks first and does only what is missing, so it can be cleared and retried; a database that is there already is
adopted if it is the right one, and refused if not. For snapshots and for starting and stopping databases, take those
of the Amazon provider: `RdsCreateDbSnapshotOperator`, `RdsCopyDbSnapshotOperator`, `RdsDeleteDbSnapshotOperator`,
`RdsStartExportTaskOperator`, `RdsStartDbOperator`, `RdsStopDbOperator`.
"""

from __future__ import annotations

from livemove.rds.operators_change import (
    DeleteClusterOperator,
    DeleteInstanceOperator,
    FailoverClusterOperator,
    MakeMultiAzOperator,
    ModifyClusterOperator,
    ModifyInstanceOperator,
    ModifyParameterGroupOperator,
    PromoteAuroraReplicaOperator,
    PromoteReadReplicaOperator,
    RebootInstanceOperator,
)
from livemove.rds.operators_make import (
    CloneClusterOperator,
    CreateAuroraReplicaOperator,
    CreateReadReplicaOperator,
    RestoreClusterFromSnapshotOperator,
    RestoreInstanceFromSnapshotOperator,
)

__all__ = [
    "CloneClusterOperator",
    "CreateAuroraReplicaOperator",
    "CreateReadReplicaOperator",
    "DeleteClusterOperator",
    "DeleteInstanceOperator",
    "FailoverClusterOperator",
    "MakeMultiAzOperator",
    "ModifyClusterOperator",
    "ModifyInstanceOperator",
    "ModifyParameterGroupOperator",
    "PromoteAuroraReplicaOperator",
    "PromoteReadReplicaOperator",
    "RebootInstanceOperator",
    "RestoreClusterFromSnapshotOperator",
    "RestoreInstanceFromSnapshotOperator",
]
