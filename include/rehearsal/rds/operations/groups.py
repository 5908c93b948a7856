"""Parameter groups of instances and of clusters."""

from __future__ import annotations

from typing import Any

from rehearsal.rds import parameters as catalog
from rehearsal.rds.operations.registry import Parameters, operation
from rehearsal.rds.store import Record, arn
from rehearsal.rds.wire import bad_combination, bad_value, fault
from rehearsal.rds.world import World

CHANGES_PER_CALL = 20


def default_group(world: World, family: str, *, cluster: bool) -> str:
    """The name of a family's default group, which is made at its first use."""
    name = f"default.{family}"
    groups = world.state.cluster_groups if cluster else world.state.groups
    if name not in groups:
        groups[name] = _group(name, family, f"Default parameter group for {family}", cluster=cluster)
    return name


def family_of(engine: str, version: str) -> str:
    """The family of an engine's version: `mysql8.0`, `aurora-mysql8.0`, `mysql8.4`, ..."""
    return f"{engine}{'.'.join(version.split('.')[:2])}"


def choose(world: World, name: str | None, engine: str, version: str, *, cluster: bool) -> str:
    """The group to use: the one that was named, or the default.

    :raises ApiError: it does not exist, or is for another engine or version.
    """
    family = family_of(engine, version)
    if not name:
        return default_group(world, family, cluster=cluster)
    group = _find(world, name, cluster=cluster)
    if group["DBParameterGroupFamily"] != family:
        raise bad_combination(
            f"The Parameter Group {name} with DBParameterGroupFamily {group['DBParameterGroupFamily']} "
            f"cannot be used for this instance. Please use a Parameter Group with DBParameterGroupFamily {family}"
        )
    return name


def _find(world: World, name: str, *, cluster: bool) -> Record:
    groups = world.state.cluster_groups if cluster else world.state.groups
    if name not in groups and name.startswith("default."):
        default_group(world, name.removeprefix("default."), cluster=cluster)
    if name not in groups:
        # Both kinds have this one error (API reference).
        kind = "DBClusterParameterGroup" if cluster else "DBParameterGroup"
        raise fault("DBParameterGroupNotFoundFault", f"{kind} not found: {name}")
    return groups[name]


def _group(name: str, family: str, description: str, *, cluster: bool) -> Record:
    kind = "DBClusterParameterGroup" if cluster else "DBParameterGroup"
    return {
        f"{kind}Name": name,
        f"{kind}Arn": arn("cluster-pg" if cluster else "pg", name),
        "DBParameterGroupFamily": family,
        "Description": description,
        "_values": {},
        "TagList": [],
    }


def _create(world: World, given: Parameters, *, cluster: bool) -> dict[str, Any]:
    kind = "DBClusterParameterGroup" if cluster else "DBParameterGroup"
    name = given[f"{kind}Name"].lower()
    family = given["DBParameterGroupFamily"]
    groups = world.state.cluster_groups if cluster else world.state.groups
    if name in groups:
        raise fault("DBParameterGroupAlreadyExistsFault", f"Parameter group {name} already exists")
    if not family.startswith(("mysql8.", "mysql9.", "aurora-mysql8.", "aurora-mysql9.")):
        raise bad_value(f"ParameterGroupFamily {family} is not a valid parameter group family")
    with world.store.changing():
        groups[name] = _group(name, family, given["Description"], cluster=cluster)
        groups[name]["TagList"] = given.get("Tags", [])
    return {kind: groups[name]}


@operation
def create_db_parameter_group(world: World, given: Parameters) -> dict[str, Any]:
    """CreateDBParameterGroup."""
    return _create(world, given, cluster=False)


@operation
def create_db_cluster_parameter_group(world: World, given: Parameters) -> dict[str, Any]:
    """CreateDBClusterParameterGroup."""
    return _create(world, given, cluster=True)


def _delete(world: World, name: str, *, cluster: bool) -> dict[str, Any]:
    _find(world, name, cluster=cluster)
    used = name.startswith("default.") or bool(_users(world, name, cluster=cluster))
    if used:
        raise fault("InvalidDBParameterGroupStateFault", f"One or more database instances are still using {name}")
    with world.store.changing() as state:
        del (state.cluster_groups if cluster else state.groups)[name]
    return {}


@operation
def delete_db_parameter_group(world: World, given: Parameters) -> dict[str, Any]:
    """DeleteDBParameterGroup."""
    return _delete(world, given["DBParameterGroupName"], cluster=False)


@operation
def delete_db_cluster_parameter_group(world: World, given: Parameters) -> dict[str, Any]:
    """DeleteDBClusterParameterGroup."""
    return _delete(world, given["DBClusterParameterGroupName"], cluster=True)


def _users(world: World, name: str, *, cluster: bool) -> list[Record]:
    """The instances, or the clusters, that use a group."""
    if cluster:
        return [each for each in world.state.clusters.values() if each["DBClusterParameterGroup"] == name]
    return [
        each for each in world.state.instances.values() if each["DBParameterGroups"][0]["DBParameterGroupName"] == name
    ]


def _modify(world: World, name: str, changes: list[Record], *, cluster: bool) -> None:
    group = _find(world, name, cluster=cluster)
    if name.startswith("default."):
        raise fault("InvalidDBParameterGroupStateFault", f"You cannot modify a default parameter group: {name}")
    if len(changes) > CHANGES_PER_CALL:
        raise bad_value(f"At most {CHANGES_PER_CALL} parameters can be modified in a single request.")
    known = catalog.catalog(group["DBParameterGroupFamily"])
    for change in changes:
        _check(known, change)
    with world.store.changing():
        for change in changes:
            group["_values"][change["ParameterName"]] = {
                "value": change["ParameterValue"],
                "method": change["ApplyMethod"],
            }
    for change in changes:
        _apply(world, name, known, change, cluster=cluster)


def _check(known: Any, change: Record) -> None:
    name, value = change.get("ParameterName"), change.get("ParameterValue")
    if name not in known:
        raise bad_value(f"Could not find parameter with name: {name}")
    parameter: catalog.Parameter = known[name]
    if not parameter.modifiable:
        raise bad_value(f"The parameter {name} cannot be modified.")
    if value is None or (parameter.allowed and value not in parameter.allowed.split(",")):
        raise bad_value(f"Invalid parameter value: {value} for: {name} allowed values are: {parameter.allowed}")
    if change.get("ApplyMethod") not in ("immediate", "pending-reboot"):
        raise bad_value(f"The parameter {name} needs an ApplyMethod of immediate or pending-reboot.")
    if parameter.apply_type == catalog.STATIC and change["ApplyMethod"] == "immediate":
        raise bad_combination(f"cannot use immediate apply method for static parameter {name}")


def _apply(world: World, group: str, known: Any, change: Record, *, cluster: bool) -> None:
    """Let a change take effect on all that use the group, or mark that it waits for a restart."""
    immediate = change["ApplyMethod"] == "immediate"
    for owner in _users(world, group, cluster=cluster):
        if immediate:
            _set_now(world, owner, change["ParameterName"], known[change["ParameterName"]])
        else:
            with world.store.changing():
                for each in world.members(owner) if cluster else [owner]:
                    if cluster:
                        each["_cluster_group_status"] = "pending-reboot"
                    else:
                        each["DBParameterGroups"][0]["ParameterApplyStatus"] = "pending-reboot"


def _set_now(world: World, owner: Record, name: str, parameter: catalog.Parameter) -> None:
    serving = world.serving(owner)
    volume = world.volume(serving)
    server = world.volumes.server(volume)
    if not parameter.passed or not server.running:
        return
    option = catalog.option_name(name)
    value = world.boot_options(serving)[option] or ""
    with server.root() as connection, connection.cursor() as cursor:
        cursor.execute(f"SET GLOBAL {option} = %s", (int(value) if value.isdigit() else value,))
    with world.store.changing():
        volume.options[option] = value


@operation
def modify_db_parameter_group(world: World, given: Parameters) -> dict[str, Any]:
    """ModifyDBParameterGroup."""
    _modify(world, given["DBParameterGroupName"], given["Parameters"], cluster=False)
    return {"DBParameterGroupName": given["DBParameterGroupName"]}


@operation
def modify_db_cluster_parameter_group(world: World, given: Parameters) -> dict[str, Any]:
    """ModifyDBClusterParameterGroup."""
    _modify(world, given["DBClusterParameterGroupName"], given["Parameters"], cluster=True)
    return {"DBClusterParameterGroupName": given["DBClusterParameterGroupName"]}


def _parameters(world: World, name: str, source: str | None, *, cluster: bool) -> dict[str, Any]:
    group = _find(world, name, cluster=cluster)
    found = []
    for parameter, about in catalog.catalog(group["DBParameterGroupFamily"]).items():
        own = group["_values"].get(parameter)
        origin = "user" if own else "engine-default"
        if source in (None, origin):
            found.append(
                {
                    "ParameterName": parameter,
                    "ParameterValue": own["value"] if own else about.default,
                    "ApplyType": about.apply_type,
                    "ApplyMethod": own["method"] if own else "pending-reboot",
                    "AllowedValues": about.allowed or None,
                    "IsModifiable": about.modifiable,
                    "Source": origin,
                    "DataType": "string",
                }
            )
    return {"Parameters": found}


@operation
def describe_db_parameters(world: World, given: Parameters) -> dict[str, Any]:
    """DescribeDBParameters."""
    return _parameters(world, given["DBParameterGroupName"], given.get("Source"), cluster=False)


@operation
def describe_db_cluster_parameters(world: World, given: Parameters) -> dict[str, Any]:
    """DescribeDBClusterParameters."""
    return _parameters(world, given["DBClusterParameterGroupName"], given.get("Source"), cluster=True)


@operation
def describe_db_parameter_groups(world: World, given: Parameters) -> dict[str, Any]:
    """DescribeDBParameterGroups."""
    name = given.get("DBParameterGroupName")
    return {"DBParameterGroups": [_find(world, name, cluster=False)] if name else list(world.state.groups.values())}


@operation
def describe_db_cluster_parameter_groups(world: World, given: Parameters) -> dict[str, Any]:
    """DescribeDBClusterParameterGroups."""
    name = given.get("DBClusterParameterGroupName")
    groups = [_find(world, name, cluster=True)] if name else list(world.state.cluster_groups.values())
    return {"DBClusterParameterGroups": groups}


def _reset(world: World, given: Parameters, name: str, *, cluster: bool) -> None:
    group = _find(world, name, cluster=cluster)
    everything = bool(given.get("ResetAllParameters"))
    names = [each["ParameterName"] for each in given.get("Parameters", [])]
    with world.store.changing():
        for parameter in list(group["_values"]) if everything else names:
            group["_values"].pop(parameter, None)
        for owner in _users(world, name, cluster=cluster):
            for each in world.members(owner) if cluster else [owner]:
                each["DBParameterGroups"][0]["ParameterApplyStatus"] = "pending-reboot"


@operation
def reset_db_parameter_group(world: World, given: Parameters) -> dict[str, Any]:
    """ResetDBParameterGroup; takes effect at the next restart."""
    _reset(world, given, given["DBParameterGroupName"], cluster=False)
    return {"DBParameterGroupName": given["DBParameterGroupName"]}


@operation
def reset_db_cluster_parameter_group(world: World, given: Parameters) -> dict[str, Any]:
    """ResetDBClusterParameterGroup; takes effect at the next restart."""
    _reset(world, given, given["DBClusterParameterGroupName"], cluster=True)
    return {"DBClusterParameterGroupName": given["DBClusterParameterGroupName"]}
