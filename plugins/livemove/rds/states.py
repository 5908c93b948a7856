"""What the states of RDS resources mean: good, worth waiting for, or a person's business. No I/O.

States are those of the RDS User Guide ("Viewing DB instance status") and the Aurora User Guide ("Viewing DB cluster
status"). A state that neither knows counts as one to wait for, as AWS adds states; every wait has a time-out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """Kinds of resources, by the word that people use for them."""

    INSTANCE = "instance"
    CLUSTER = "cluster"
    INSTANCE_SNAPSHOT = "instance snapshot"
    CLUSTER_SNAPSHOT = "cluster snapshot"
    PARAMETER_GROUP = "parameter group"
    CLUSTER_PARAMETER_GROUP = "cluster parameter group"


class Verdict(StrEnum):
    """What a state means for somebody who waits for the resource to be usable."""

    GOOD = "good"
    WAITING = "waiting"
    FAILED = "failed"


@dataclass(frozen=True)
class Subject:
    """One resource of the RDS API."""

    kind: Kind
    identifier: str

    def __str__(self) -> str:
        return f"{self.kind} {self.identifier}"


# storage-*: RDS goes on in the background with what it does to the storage; everything is allowed meanwhile.
_GOOD: Final = {
    Kind.INSTANCE: {"available", "storage-optimization", "storage-initialization", "storage-config-upgrade"},
    Kind.CLUSTER: {"available", "storage-optimization"},
    Kind.INSTANCE_SNAPSHOT: {"available"},
    Kind.CLUSTER_SNAPSHOT: {"available"},
}

_KEY = "give RDS its KMS key back (enable it, or mend its policy), then start the database"
_RESTORE = "look at its events in the RDS console, delete it, and restore again with a class and network that fit"
_STOPPED = "start it (StartDBInstance or StartDBCluster); nothing can be done with it while it is stopped"
_REMEDIES: Final = {
    "failed": "look at its events in the RDS console; AWS Support may have to mend it, or delete it and run again",
    "storage-full": "give it more storage (AllocatedStorage), or shorten the binlog retention",
    "stopped": _STOPPED,
    "stopping": _STOPPED,
    "deleting": "somebody deletes it: wait until it is gone and run again, or choose another identifier",
    "delete-precheck": "somebody deletes it: wait until it is gone and run again, or choose another identifier",
    "migration-failed": "look at the events of the source and of the cluster (tables or features that Aurora cannot "
    "take), delete the cluster with its instances, mend the source and run again",
    "cloning-failed": "delete the clone and run again",
    "restore-error": _RESTORE,
    "insufficient-capacity": "choose another instance class or Availability Zone, delete it and run again",
    "incompatible-create": _RESTORE,
    "incompatible-restore": _RESTORE,
    "incompatible-network": "mend its subnet group and security groups, then start or restore it again",
    "incompatible-option-group": "give it an option group that fits its version",
    "incompatible-parameters": "reset the parameters that do not fit its class (memory, as a rule) in its parameter "
    "group, then reboot it",
    "inaccessible-encryption-credentials": _KEY,
    "inaccessible-encryption-credentials-recoverable": _KEY,
}
_OTHER = "look at its events in the RDS console"


def judge(kind: Kind, state: str) -> Verdict:
    """Say what a state means for somebody who waits for a usable resource."""
    state = state.lower()
    if state in _GOOD[kind]:
        return Verdict.GOOD
    if state in _REMEDIES or state.startswith(("incompatible-", "inaccessible-")) or state.endswith("-failed"):
        return Verdict.FAILED
    return Verdict.WAITING


def remedy(state: str) -> str:
    """What a person can do about a state that waiting does not heal."""
    return _REMEDIES.get(state.lower(), _OTHER)
