"""Look at the world of a migration, for its plan and its calls. Changes nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from livemove.migration.settings import Role
from livemove.migration.topology import Servers
from livemove.migration.wanted import CARRIED, Known
from livemove.rds import facts
from livemove.runbook.errors import NeedsPerson

NEW_ROLES = (Role.TARGET, Role.CDC, Role.FALLBACK)


def find(servers: Servers) -> Known:
    """Find what exists.

    :raises NeedsPerson: there is no source, or it is no RDS MySQL instance of its own.
    """
    described = {role: servers.describe(role) for role in Role}
    source = described[Role.SOURCE]
    if source is None:
        raise NeedsPerson(
            f"source.identifier: there is no RDS instance {servers.settings.source.identifier!r}. Check the name, and "
            f"the Region of the AWS connection {servers.settings.aws_conn(Role.SOURCE)}."
        )
    _require_mysql_instance(source)
    there = {role: found for role, found in described.items() if found is not None}
    endpoints = {role: facts.host(found) for role, found in there.items()}
    return Known(
        source_arn=facts.arn(source),
        source_version=source["EngineVersion"],
        there=frozenset(there),
        made={role: _stamp(found) for role, found in there.items()},
        parameters=_groups(servers),
        carried=_carried(servers, source),
        endpoints={
            role: (host, int(facts.port(there[role]) or 0)) for role, host in endpoints.items() if host is not None
        },
    )


def _require_mysql_instance(source: Mapping[str, Any]) -> None:
    name = source["DBInstanceIdentifier"]
    if source["Engine"] != "mysql":
        raise NeedsPerson(
            f"source.identifier: {name} is of engine {source['Engine']}; the source is an RDS for MySQL instance. To "
            "move an Aurora cluster, use aurora_clone_replication."
        )
    if facts.source(source) is not None:
        raise NeedsPerson(
            f"source.identifier: {name} is a replica of {facts.source(source)}; name the instance that takes writes."
        )


def _stamp(found: Mapping[str, Any]) -> str:
    """When a database was made, to the second, as names of snapshots take it."""
    made = found.get("ClusterCreateTime") or found.get("InstanceCreateTime")
    return made.strftime("%Y%m%d%H%M%S") if made else ""


def _carried(servers: Servers, source: Mapping[str, Any]) -> dict[str, str]:
    """What somebody has set in the source's parameter group and is to be the same where the application goes."""
    group = facts.value(source, "DBParameterGroupName")
    rows = servers.rds(Role.SOURCE).parameters(group, cluster=False) if group else []
    return {
        row["ParameterName"]: row["ParameterValue"]
        for row in rows
        if row.get("Source") == "user" and row["ParameterName"] in CARRIED and "ParameterValue" in row
    }


def _groups(servers: Servers) -> dict[Role, Sequence[Mapping[str, Any]]]:
    found: dict[Role, Sequence[Mapping[str, Any]]] = {}
    for role in NEW_ROLES:
        group, hook = servers.settings.new_server(role).parameter_group, servers.rds(role)
        if hook.parameter_group(group, cluster=role.is_cluster) is not None:
            found[role] = hook.parameters(group, cluster=role.is_cluster)
    return found
