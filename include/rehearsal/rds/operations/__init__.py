"""The operations of the API that the stand-in has."""

from __future__ import annotations

from rehearsal.rds.operations import clusters, groups, instances, lookups, replicas, restores, snapshots
from rehearsal.rds.operations.registry import OPERATIONS, Operation

__all__ = ["OPERATIONS", "Operation", "clusters", "groups", "instances", "lookups", "replicas", "restores", "snapshots"]
