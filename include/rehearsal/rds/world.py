"""What operations work with: the state, the servers, and work that goes on after an answer was given."""

from __future__ import annotations

import shutil
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rehearsal.ports import LOOPBACK
from rehearsal.rds import parameters as catalog
from rehearsal.rds.store import Record, Settings, State, Store, identifier_of
from rehearsal.rds.volumes import Image, Position, Volume, Volumes
from rehearsal.rds.wire import bad_combination, fault


class World:
    """One stand-in.

    :param folder: holds all that it keeps.
    :param store: what it knows.
    :param volumes: its servers.
    """

    def __init__(self, folder: Path, store: Store, volumes: Volumes) -> None:
        self.folder = folder
        self.store = store
        self.volumes = volumes
        self.ending = threading.Event()
        # Held during each call of the API.
        self.calls = threading.RLock()
        self._jobs: set[threading.Thread] = set()
        # Held while a volume's server is stopped and started on purpose.
        self._busy: dict[str, threading.RLock] = {}

    @property
    def state(self) -> State:
        """All resources."""
        return self.store.state

    @property
    def settings(self) -> Settings:
        """What the rehearsal has set."""
        return self.store.state.settings

    def busy(self, volume: Volume) -> threading.RLock:
        """The lock of those who start and stop a volume's server."""
        with self.store.lock:
            return self._busy.setdefault(volume.name, threading.RLock())

    # -- finding ------------------------------------------------------------------------------

    def instance(self, name: str) -> Record:
        """An instance by identifier or ARN.

        :raises ApiError: DBInstanceNotFound.
        """
        found = self.state.instances.get(identifier_of(name).lower())
        if found is None:
            raise fault("DBInstanceNotFoundFault", f"DBInstance {identifier_of(name)} not found.")
        return found

    def cluster(self, name: str) -> Record:
        """A cluster by identifier or ARN.

        :raises ApiError: DBClusterNotFoundFault.
        """
        found = self.state.clusters.get(identifier_of(name).lower())
        if found is None:
            raise fault("DBClusterNotFoundFault", f"DBCluster {identifier_of(name)} not found.")
        return found

    def available_instance(self, name: str, what: str = "instance") -> Record:
        """An instance that takes changes.

        :raises ApiError: InvalidDBInstanceState.
        """
        found = self.instance(name)
        if found["DBInstanceStatus"] != "available":
            raise fault(
                "InvalidDBInstanceStateFault",
                f"Database {what} {found['DBInstanceIdentifier']} is not in available state.",
            )
        return found

    def available_cluster(self, name: str) -> Record:
        """A cluster that takes changes.

        :raises ApiError: InvalidDBClusterStateFault.
        """
        found = self.cluster(name)
        if found["Status"] != "available":
            raise fault(
                "InvalidDBClusterStateFault",
                f"The operation cannot be performed on cluster {found['DBClusterIdentifier']} "
                f"in state {found['Status']}: it must be available.",
            )
        return found

    def members(self, cluster: Record) -> list[Record]:
        """The instances of a cluster, its writer first."""
        name = cluster["DBClusterIdentifier"]
        found = [each for each in self.state.instances.values() if each.get("DBClusterIdentifier") == name]
        return sorted(found, key=lambda each: not each["_writer"])

    def volume(self, owner: Record) -> Volume:
        """The server behind an instance or a cluster."""
        name = owner.get("DBClusterIdentifier") or owner["DBInstanceIdentifier"]
        return self.state.volumes[name]

    def port(self, owner: Record) -> int:
        """The port of the server behind an instance or a cluster."""
        return self.volumes.server(self.volume(owner)).port

    def endpoint(self, owner: Record) -> Record:
        """Where clients find an instance."""
        return {"Address": LOOPBACK, "Port": self.port(owner), "HostedZoneId": "Z00000000000000000000"}

    # -- parameters ---------------------------------------------------------------------------

    def group_values(self, owner: Record) -> list[dict[str, str]]:
        """The values of an instance's or a cluster's groups, in the order of their strength."""
        found = []
        if "Status" in owner:
            instances = self.members(owner)[:1]
            found.append(self.state.cluster_groups[owner["DBClusterParameterGroup"]]["_values"])
        else:
            instances = [owner]
        found += [
            self.state.groups[each["DBParameterGroups"][0]["DBParameterGroupName"]]["_values"] for each in instances
        ]
        return [{name: value["value"] for name, value in group.items()} for group in found]

    def parameter_values(self, owner: Record) -> dict[str, str]:
        """The value of every parameter of an instance or a cluster."""
        return catalog.effective(owner["Engine"], *self.group_values(owner))

    def boot_options(self, owner: Record) -> dict[str, str | None]:
        """What the server behind an instance or a cluster shall start with."""
        return catalog.options(
            catalog.AURORA if "Status" in owner else catalog.RDS,
            self.parameter_values(owner),
            replica=self.volume(owner).source is not None,
            backups=int(owner.get("BackupRetentionPeriod", 0)) > 0,
        )

    def serving(self, instance: Record) -> Record:
        """The owner of the server behind an instance: its cluster, if it is a member of one."""
        return self.cluster(instance["DBClusterIdentifier"]) if "DBClusterIdentifier" in instance else instance

    # -- servers ------------------------------------------------------------------------------

    def start(self, owner: Record) -> None:
        """Start the server behind an instance or a cluster as its groups say."""
        volume = self.volume(owner)
        with self.busy(volume):
            with self.store.changing():
                volume.options = self.boot_options(owner)
                volume.wanted = True
                self._groups_applied(owner)
            self.volumes.start(volume)

    def first_start(self, owner: Record) -> None:
        """Start a new server, and its replication if it is to be a replica that the service manages."""
        self.start(owner)
        volume = self.volume(owner)
        if volume.source is not None and owner.get("_replicate_from") is not None:
            place = owner["_replicate_from"]
            position = Position(place["file"], place["position"]) if place else None
            self.volumes.replicate(volume, self.state.volumes[volume.source], position)
            with self.store.changing():
                owner["_replicate_from"] = None

    def stop(self, owner: Record) -> None:
        """Shut the server behind an instance or a cluster down."""
        volume = self.volume(owner)
        with self.busy(volume):
            with self.store.changing():
                volume.wanted = False
            self.volumes.stop(volume)

    def restart(self, owner: Record) -> None:
        """Restart the server behind an instance or a cluster with what its groups say."""
        with self.busy(self.volume(owner)):
            self.stop(owner)
            self.start(owner)

    def remove_volume(self, owner: Record) -> None:
        """End the server behind an instance or a cluster for good, with its data; replicas of it stand alone."""
        volume = self.volume(owner)
        with self.busy(volume):
            with self.store.changing():
                volume.wanted = False
            self.volumes.remove(volume)
        with self.store.changing() as state:
            state.volumes.pop(volume.name, None)
            for each in state.volumes.values():
                if each.source == volume.name:
                    each.source = None

    @staticmethod
    def drop_image(image: Image) -> None:
        """Remove a copy that was made for one use."""
        shutil.rmtree(image.data.parent, ignore_errors=True)

    def _groups_applied(self, owner: Record) -> None:
        for each in self.members(owner) if "Status" in owner else [owner]:
            each["DBParameterGroups"][0]["ParameterApplyStatus"] = "in-sync"
            each["_cluster_group_status"] = "in-sync"

    def new_volume(self, name: str, version: str, flavour: str, master: str) -> Volume:
        """Register a volume, to be called with the state held for changing."""
        number = self.state.next_server_id
        self.state.next_server_id += 1
        self.state.volumes[name] = Volume(name, version, flavour, number, master)
        return self.state.volumes[name]

    # -- what takes time ----------------------------------------------------------------------

    def status(self, record: Record, status: str) -> None:
        """Change the status of an instance or a cluster, and log it."""
        cluster = "Status" in record
        name = record["DBClusterIdentifier" if cluster else "DBInstanceIdentifier"]
        with self.store.changing():
            record["Status" if cluster else "DBInstanceStatus"] = status
        self.store.log("state", resource="cluster" if cluster else "instance", identifier=name, status=status)

    def begin(self, work: Callable[[], None], *records: Record, broken: str = "failed") -> None:
        """Go on with some work after the answer was given.

        :param records: get the status `broken` when the work fails.
        """

        def run() -> None:
            try:
                work()
            except Exception as error:
                traceback.print_exc()
                if not self.ending.is_set():
                    self.store.log("failure", error=f"{type(error).__name__}: {error}")
                    for record in records:
                        self.status(record, broken)
            finally:
                with self.store.lock:
                    self._jobs.discard(threading.current_thread())

        thread = threading.Thread(target=run, daemon=True)
        with self.store.lock:
            self._jobs.add(thread)
        thread.start()

    @contextmanager
    def taking(self, seconds: float) -> Iterator[float]:
        """Make a block take this long at least."""
        began = time.monotonic()
        yield began
        self.ending.wait(max(0.0, began + seconds - time.monotonic()))

    def wait_idle(self, seconds: float) -> bool:
        """Wait until no work goes on.

        :returns: whether that came to be in time.
        """
        ends = time.monotonic() + seconds
        while True:
            with self.store.lock:
                jobs = list(self._jobs)
            if not jobs:
                return True
            jobs[0].join(max(0.0, ends - time.monotonic()))
            if time.monotonic() >= ends:
                return False

    def restarted(self, instance: Record) -> None:
        """Tell of a restart, and of the binlog's position where Aurora does."""
        self.instance_event(instance, "DB instance restarted", "availability")
        if not (instance["_writer"] and self.settings.position_at_restart):
            return
        rows = self.volumes.server(self.volume(instance)).rows("SHOW VARIABLES LIKE 'log_bin'")
        logs = self.volumes.server(self.volume(instance)).rows("SHOW BINARY LOGS") if rows[0]["Value"] == "ON" else []
        # The start has begun a new file: recovery ended in the one before.
        if len(logs) > 1:
            self.recovered(instance, f"{logs[-2]['Log_name']} {logs[-2]['File_size']}")

    def recovered(self, instance: Record, position: str) -> None:
        """Tell where in the binlog crash recovery ended; this event has no category (Aurora User Guide)."""
        self.instance_event(instance, f"Binlog position from crash recovery is {position}")

    def instance_event(self, instance: Record, message: str, *categories: str) -> None:
        """Add an event of an instance."""
        name = instance["DBInstanceIdentifier"]
        self.store.event("db-instance", name, instance["DBInstanceArn"], message, *categories)

    def cluster_event(self, cluster: Record, message: str, *categories: str) -> None:
        """Add an event of a cluster."""
        self.store.event("db-cluster", cluster["DBClusterIdentifier"], cluster["DBClusterArn"], message, *categories)


def free_identifier(world: World, identifier: str, *, cluster: bool) -> str:
    """The identifier of something new, in small letters.

    :raises ApiError: it is taken.
    """
    name = identifier.lower()
    taken = f"DB {'cluster' if cluster else 'instance'} already exists"
    if cluster and (name in world.state.clusters or name in world.state.volumes):
        raise fault("DBClusterAlreadyExistsFault", taken)
    if not cluster and (name in world.state.instances or name in world.state.volumes):
        raise fault("DBInstanceAlreadyExistsFault", taken)
    return name


def protect(record: Record, what: str) -> None:
    """Refuse to delete what is protected.

    :raises ApiError: it is.
    """
    if record.get("DeletionProtection"):
        raise bad_combination(f"Cannot delete protected {what}, please disable deletion protection and try again.")
