"""What the service does by itself all the time: restarts what died, writes heartbeats, purges binary logs."""

from __future__ import annotations

import threading
import time
import traceback
from pathlib import Path

from rehearsal.rds.store import Record
from rehearsal.rds.volumes import Volume
from rehearsal.rds.world import World

LOOK_SECONDS = 0.2


class Upkeep(threading.Thread):
    """The service's own work."""

    def __init__(self, world: World) -> None:
        super().__init__(daemon=True)
        self._world = world
        self._died: dict[str, float] = {}
        self._beaten: dict[str, float] = {}
        self._purged: dict[str, float] = {}

    def run(self) -> None:
        """Work until the stand-in ends."""
        while not self._world.ending.wait(LOOK_SECONDS):
            for volume in list(self._world.state.volumes.values()):
                try:
                    self._look(volume)
                except Exception:
                    # A server that is stopped just now, for one.
                    if volume.wanted and not self._world.ending.is_set():
                        traceback.print_exc()

    def _look(self, volume: Volume) -> None:
        if not volume.wanted:
            self._died.pop(volume.name, None)
            return
        if not self._world.volumes.server(volume).running:
            self._recover(volume)
            return
        self._died.pop(volume.name, None)
        settings = self._world.settings
        if _due(self._beaten, volume, settings.heartbeat) and not volume.aurora and volume.source is None:
            beat(self._world, volume)
        if _due(self._purged, volume, settings.purge):
            purge_by_retention(self._world, volume)

    def _recover(self, volume: Volume) -> None:
        """Start a server again that died by itself."""
        seconds = self._world.settings.recovery
        died = self._died.setdefault(volume.name, time.monotonic())
        if seconds < 0 or time.monotonic() < died + seconds:
            return
        lock = self._world.busy(volume)
        if not lock.acquire(blocking=False):
            return
        try:
            if volume.wanted and not self._world.volumes.server(volume).running:
                self._world.volumes.start(volume)
                self._tell(volume)
        finally:
            lock.release()

    def _tell(self, volume: Volume) -> None:
        for instance in self._owners(volume):
            self._world.instance_event(instance, "Recovery of the DB instance has started", "recovery")
            self._world.restarted(instance)

    def _owners(self, volume: Volume) -> list[Record]:
        instances = self._world.state.instances
        if volume.name in instances:
            return [instances[volume.name]]
        return [
            each for each in instances.values() if each.get("DBClusterIdentifier") == volume.name and each["_writer"]
        ]


def _due(last: dict[str, float], volume: Volume, seconds: float) -> bool:
    """Whether an interval is over; it begins when the volume is first seen."""
    now = time.monotonic()
    if now < last.setdefault(volume.name, now) + seconds or seconds <= 0:
        return False
    last[volume.name] = now
    return True


def beat(world: World, volume: Volume) -> None:
    """Write RDS's heartbeat, as a statement whatever the binlog_format, which advances the server's GTIDs."""
    with world.volumes.server(volume).root() as connection, connection.cursor() as cursor:
        cursor.execute("USE mysql")
        cursor.execute("SET SESSION binlog_format = 'STATEMENT'")
        now = round(time.time() * 1000)
        cursor.execute(
            "INSERT INTO mysql.rds_heartbeat2(id, value) values (1,%s) ON DUPLICATE KEY UPDATE value = %s", (now, now)
        )


def purge_by_retention(world: World, volume: Volume) -> None:
    """Begin a new binary log, and purge those whose retention is over.

    Without a retention RDS purges at once; Aurora does so lazily, here not at all (Aurora User Guide,
    "mysql.rds_set_configuration").
    """
    server = world.volumes.server(volume)
    if not server.value("SELECT @@global.log_bin"):
        return
    hours = server.value("SELECT value FROM mysql.rds_configuration WHERE name = 'binlog retention hours'")
    if hours is None and volume.aurora:
        return
    purge(world, volume, int(hours or 0) * 3600, wait_for_replicas=True)


def purge(world: World, volume: Volume, keep_seconds: float, *, wait_for_replicas: bool = False) -> list[str]:
    """Begin a new binary log and purge older ones.

    :param keep_seconds: the age from which on they go.
    :param wait_for_replicas: keep what replicas that the service manages have not read.
    :returns: the files that are left.
    """
    server = world.volumes.server(volume)
    server.execute("FLUSH BINARY LOGS")
    logs = [str(row["Log_name"]) for row in server.rows("SHOW BINARY LOGS")]
    keep = logs[-1]
    if wait_for_replicas:
        keep = min([keep, *_needed(world, volume)])
    oldest = next((log for log in logs if log >= keep or _age(server.data / log) < keep_seconds), keep)
    server.execute(f"PURGE BINARY LOGS TO '{oldest}'")
    return [log for log in logs if log >= oldest]


def _age(path: Path) -> float:
    """Seconds since the last write."""
    return time.time() - path.stat().st_mtime


def _needed(world: World, volume: Volume) -> list[str]:
    """The binary logs that managed replicas read now; the first one of all for a replica that is away."""
    found = []
    for each in world.state.volumes.values():
        if each.source == volume.name:
            try:
                rows = world.volumes.server(each).rows("SHOW REPLICA STATUS")
            except Exception:
                rows = []
            found.append(str(rows[0]["Source_Log_File"]) if rows else "")
    return found
