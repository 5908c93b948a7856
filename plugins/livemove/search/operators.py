"""Operators for indices, snapshots and aliases. Each can be used alone, in any DAG."""

from __future__ import annotations

from livemove.search.operators_alias import (
    AddAliasOperator,
    DeleteIndexOperator,
    PurgeMarkersOperator,
    SwapAliasOperator,
)
from livemove.search.operators_copy import (
    CheckClusterOperator,
    CreateIndexOperator,
    ReindexOperator,
    ThrottleReindexOperator,
    VerifyIndexOperator,
)
from livemove.search.operators_snapshot import (
    EnsureSnapshotOperator,
    RestoreSnapshotOperator,
    TakeSnapshotOperator,
)

__all__ = [
    "AddAliasOperator",
    "CheckClusterOperator",
    "CreateIndexOperator",
    "DeleteIndexOperator",
    "EnsureSnapshotOperator",
    "PurgeMarkersOperator",
    "ReindexOperator",
    "RestoreSnapshotOperator",
    "SwapAliasOperator",
    "TakeSnapshotOperator",
    "ThrottleReindexOperator",
    "VerifyIndexOperator",
]
