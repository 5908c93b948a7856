"""What a rehearsal does to the service from outside: settings, faults, cut links, kills, purges."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeAlias

from rehearsal.ports import LOOPBACK
from rehearsal.rds import upkeep
from rehearsal.rds.store import Record
from rehearsal.rds.volumes import Volume
from rehearsal.rds.wire import ApiError, fault
from rehearsal.rds.world import World

Control: TypeAlias = "Callable[..., Any]"
CONTROLS: dict[str, Control] = {}
# Documentation addresses (RFC 5737) belong to no interface, so nothing can connect from one.
NOWHERE = "192.0.2.1"
# Errors that the service model does not name (RDS API Reference, "Common errors").
COMMON = {"Throttling": ("Rate exceeded", 400), "ServiceUnavailable": ("Service Unavailable", 503)}


def _offer(function: Control) -> Control:
    CONTROLS[function.__name__] = function
    return function


def strike(world: World, operation: str) -> None:
    """Answer with an injected fault, if one is due.

    :raises ApiError: the fault.
    """
    with world.store.changing() as state:
        for each in state.faults:
            if re.fullmatch(each["operation"], operation) and each["count"] != 0:
                each["count"] -= 1
                state.faults = [left for left in state.faults if left["count"] != 0]
                code = each["code"]
                break
        else:
            return
    if code in COMMON:
        message, status = COMMON[code]
        raise ApiError(code, message, status)
    raise fault(code, "An injected fault.")


@_offer
def settings(world: World, **values: Any) -> dict[str, Any]:
    """Change settings, see `Settings`; returns all."""
    with world.store.changing() as state:
        state.settings.change(values)
        return asdict(state.settings)


@_offer
def faults(world: World, operation: str, code: str = "Throttling", count: int = 1) -> list[Record]:
    """Let the next calls of an operation fail.

    :param operation: a regular expression of names.
    :param code: `Throttling`, `ServiceUnavailable` or the name of an exception of the API.
    :param count: how many calls; a negative number for all.
    """
    if code not in COMMON:
        fault(code, "")  # an unknown name fails here
    with world.store.changing() as state:
        state.faults.append({"operation": operation, "code": code, "count": count})
        return list(state.faults)


@_offer
def clear_faults(world: World) -> None:
    """Forget all faults of the API that have not struck."""
    with world.store.changing() as state:
        state.faults = []


def find(world: World, identifier: str) -> Volume:
    """The volume of an instance or a cluster.

    :raises KeyError: there is none.
    """
    state = world.state
    if identifier in state.volumes:
        return state.volumes[identifier]
    return world.volume(state.instances[identifier])


@_offer
def servers(world: World) -> dict[str, Any]:
    """All servers, by the identifier of the instance or the cluster."""
    found = {}
    for name, volume in list(world.state.volumes.items()):
        server = world.volumes.server(volume)
        found[name] = {
            **asdict(volume),
            "host": LOOPBACK,
            "port": server.port,
            "folder": str(server.folder),
            "running": server.running,
        }
    return found


@_offer
def purge(world: World, identifier: str, keep_seconds: float = 0) -> list[str]:
    """Purge binary logs now, whatever the retention says; a new one is begun first.

    :returns: the files that are left.
    """
    return upkeep.purge(world, find(world, identifier), keep_seconds)


@_offer
def heartbeat(world: World, identifier: str, count: int = 1) -> None:
    """Write RDS's heartbeat now, this many times."""
    for _ in range(count):
        upkeep.beat(world, find(world, identifier))


@_offer
def cut(world: World, replica: str) -> None:
    """Cut the link from a replica to its source: its receiver finds no way there, while clients do."""
    _bind(world, find(world, replica), NOWHERE)


@_offer
def mend(world: World, replica: str) -> None:
    """Mend the link from a replica to its source."""
    _bind(world, find(world, replica), "")


def _bind(world: World, volume: Volume, address: str) -> None:
    server = world.volumes.server(volume)
    rows = server.rows("SHOW REPLICA STATUS")
    if not rows:
        raise ValueError(f"{volume.name} is no replica")
    received = rows[0]["Replica_IO_Running"] != "No"
    server.execute(
        "STOP REPLICA IO_THREAD",
        f"CHANGE REPLICATION SOURCE TO SOURCE_BIND = '{address}'",
        *(["START REPLICA IO_THREAD"] if received else []),
    )


@_offer
def kill(world: World, identifier: str, recover: bool = True) -> None:
    """Kill a server with SIGKILL, as a crash of its host does.

    :param recover: let the service start it again after the setting `recovery`.
    """
    volume = find(world, identifier)
    with world.busy(volume):
        if not recover:
            with world.store.changing():
                volume.wanted = False
        world.volumes.server(volume).kill()


@_offer
def recover(world: World, identifier: str) -> None:
    """Start a server that was killed without recovery."""
    volume = find(world, identifier)
    with world.busy(volume):
        with world.store.changing():
            volume.wanted = True
        world.volumes.start(volume)


@_offer
def collation_trap(world: World, identifier: str, on: bool = True) -> None:
    """Let the procedures fail with error 1267, as on instances that were upgraded over many years."""
    collation = "utf8mb3_unicode_ci" if on else "utf8mb3_general_ci"
    world.volumes.server(find(world, identifier)).execute(
        "SET sql_log_bin = 0",
        "ALTER TABLE mysql.rdslocal_setting MODIFY name varchar(40) CHARACTER SET utf8mb3 "
        f"COLLATE {collation} NOT NULL",
    )


@_offer
def start_failure(world: World, identifier: str, how: str = "error") -> None:
    """How `rds_start_replication` tells of a failure: `error` (1644) or `row`."""
    if how not in ("error", "row"):
        raise ValueError("how must be error or row")
    world.volumes.server(find(world, identifier)).execute(
        "SET sql_log_bin = 0",
        f"UPDATE mysql.rdslocal_setting SET value = '{how}' WHERE name = 'start failure'",
    )


@_offer
def wait(world: World, seconds: float = 60) -> bool:
    """Wait until no resource changes its state any more."""
    return world.wait_idle(seconds)


@_offer
def reset(world: World) -> None:
    """Delete everything at once, without states in between; settings go back to their defaults."""
    with world.calls:
        world.wait_idle(60)
        volumes = list(world.state.volumes.values())
        with world.store.changing():
            # Or the service would start again what is removed here.
            for volume in volumes:
                volume.wanted = False
        for volume in volumes:
            with world.busy(volume):
                world.volumes.remove(volume)
        for leftover in (".snapshots", ".copies"):
            shutil.rmtree(world.folder / leftover, ignore_errors=True)
        world.store.forget_all()
