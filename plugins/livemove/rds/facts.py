"""Descriptions of resources, brought to the names that the calls use, so that the two can be compared. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from livemove.rds.calls import Call
from livemove.rds.states import Kind

Description = Mapping[str, Any]

# Parameters of calls that say how, not what: no description shows them.
HOW: Final = frozenset(
    {"AllowMajorVersionUpgrade", "AllowEngineModeChange", "ApplyImmediately", "CertificateRotationRestart"}
)
_RENAMED: Final = {
    "EnableIAMDatabaseAuthentication": "IAMDatabaseAuthenticationEnabled",
    "EnablePerformanceInsights": "PerformanceInsightsEnabled",
    "EnableHttpEndpoint": "HttpEndpointEnabled",
}
# Pending changes that the description's own value hides.
_UNKNOWN: Final = object()


def state(kind: Kind, description: Description) -> str:
    """The state of a resource."""
    return str(description["DBInstanceStatus" if kind is Kind.INSTANCE else "Status"])


def value(description: Description, parameter: str) -> Any:
    """What a description says of a call's parameter; None also where it says nothing."""
    found = _lookup(description, parameter)
    return None if found is _UNKNOWN else found


def shows(description: Description, parameter: str) -> bool:
    """Whether a description tells anything of a call's parameter."""
    return _lookup(description, parameter) is not _UNKNOWN


def _lookup(description: Description, parameter: str) -> Any:
    if parameter in _RENAMED:
        return description.get(_RENAMED[parameter], False)
    if parameter == "DBParameterGroupName":
        return _first(description.get("DBParameterGroups"), "DBParameterGroupName")
    if parameter == "DBClusterParameterGroupName":
        return description.get("DBClusterParameterGroup", _UNKNOWN)
    if parameter == "VpcSecurityGroupIds":
        return sorted(group["VpcSecurityGroupId"] for group in description.get("VpcSecurityGroups", ()))
    if parameter == "DBSubnetGroupName":
        group = description.get("DBSubnetGroup")
        return group.get("DBSubnetGroupName") if isinstance(group, Mapping) else group
    if parameter in ("DBPortNumber", "Port"):
        return port(description)
    if parameter == "ManageMasterUserPassword":
        return "MasterUserSecret" in description
    return description.get(parameter, _UNKNOWN)


def _first(items: Any, key: str) -> Any:
    return items[0][key] if items else _UNKNOWN


def host(description: Description) -> str | None:
    """Host of the endpoint; a cluster's is that of its writer. None while there is none."""
    endpoint = description.get("Endpoint")
    return endpoint.get("Address") if isinstance(endpoint, Mapping) else endpoint


def port(description: Description) -> int | None:
    """Port of the endpoint."""
    endpoint = description.get("Endpoint")
    return endpoint.get("Port") if isinstance(endpoint, Mapping) else description.get("Port")


def arn(description: Description) -> str:
    """ARN of an instance, cluster or snapshot."""
    keys = ("DBInstanceArn", "DBClusterArn", "DBSnapshotArn", "DBClusterSnapshotArn")
    # A snapshot's description names its database by identifier only, so one ARN is there.
    return str(next(description[key] for key in keys if key in description))


def is_set(one: Any, other: Any) -> bool:
    """Whether a value of a description is the one that a call gives."""
    if isinstance(other, (list, tuple)):
        return sorted(one or ()) == sorted(other)
    if isinstance(other, bool):
        return bool(one) is other
    return str(one) == str(other)


def differences(call: Call, description: Description) -> list[str]:
    """Where an existing resource is not what the call would have made, as lines for a log.

    Tags and what a description does not show are left out.
    """
    lines = []
    for parameter, wanted in call.parameters.items():
        if parameter in ("Tags", *HOW) or not shows(description, parameter) or isinstance(wanted, Mapping):
            continue
        found = value(description, parameter)
        if not is_set(found, wanted) and not _means_same(parameter, found, wanted):
            lines.append(f"{parameter} is {found}, not {wanted}")
    return lines


def _means_same(parameter: str, found: Any, wanted: Any) -> bool:
    # Identifiers and ARNs stand for each other; whether they agree is checked elsewhere.
    return parameter.endswith("Identifier") or (parameter == "Engine" and str(found).startswith(str(wanted)))


def members(cluster: Description) -> list[str]:
    """Identifiers of a cluster's instances, the writer first."""
    found = sorted(
        cluster.get("DBClusterMembers", ()),
        key=lambda member: (not member.get("IsClusterWriter"), member["DBInstanceIdentifier"]),
    )
    return [member["DBInstanceIdentifier"] for member in found]


def writer(cluster: Description) -> str | None:
    """Identifier of a cluster's writer."""
    found = [m["DBInstanceIdentifier"] for m in cluster.get("DBClusterMembers", ()) if m.get("IsClusterWriter")]
    return found[0] if found else None


def parameter_statuses(instance: Description, cluster: Description | None = None) -> set[str]:
    """How far the parameters of an instance's own group, and of its cluster's, are applied to it."""
    found = {group.get("ParameterApplyStatus") for group in instance.get("DBParameterGroups", ())}
    for member in (cluster or {}).get("DBClusterMembers", ()):
        if member["DBInstanceIdentifier"] == instance["DBInstanceIdentifier"]:
            found.add(member.get("DBClusterParameterGroupStatus"))
    return {status for status in found if status}


def pending_reboot(instance: Description, cluster: Description | None = None) -> bool:
    """Whether parameters wait for a reboot of an instance, in its own group or in that of its cluster."""
    return "pending-reboot" in parameter_statuses(instance, cluster)


def replicas(description: Description) -> list[str]:
    """What RDS lets replicate from a resource. Replication that MySQL was told of by hand does not show here."""
    keys = ("ReadReplicaDBInstanceIdentifiers", "ReadReplicaDBClusterIdentifiers", "ReadReplicaIdentifiers")
    return [name for key in keys for name in description.get(key, ())]


def source(description: Description) -> str | None:
    """What a resource replicates from, as RDS knows it."""
    keys = (
        "ReadReplicaSourceDBInstanceIdentifier",
        "ReadReplicaSourceDBClusterIdentifier",
        "ReplicationSourceIdentifier",
    )
    return next((description[key] for key in keys if description.get(key)), None)
