"""Run the stand-in in the foreground: `python -m rehearsal.rds --port ... --stack ... --state ...`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from pathlib import Path

from rehearsal.credentials import password
from rehearsal.errors import RehearsalError
from rehearsal.locks import exclusive
from rehearsal.paths import Layout
from rehearsal.rds.server import Api
from rehearsal.rds.store import Store
from rehearsal.rds.upkeep import Upkeep
from rehearsal.rds.volumes import Volumes
from rehearsal.rds.world import World
from rehearsal.services import Folder


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; print `ready` once clients are served."""
    options = _parser().parse_args(argv)
    layout = Layout(options.state)
    stack = Folder(options.stack)
    folder = stack.path / "rds"
    folder.mkdir(parents=True, exist_ok=True)
    stopping, stop = os.pipe()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os.write(stop, b"."))
    try:
        # Two on one folder would destroy the data.
        with exclusive(folder / "lock", f"the RDS stand-in {folder}", seconds=5):
            secret = password(folder / "credentials.json", "replication")
            volumes = Volumes(folder, stack.runs, stack.path / "log", layout, secret)
            world = World(folder, Store(folder), volumes)
            resume(world)
            api = Api(options.port, world)
            threading.Thread(target=api.serve_forever, daemon=True).start()
            Upkeep(world).start()
            print("ready", flush=True)
            os.read(stopping, 1)
            world.ending.set()
            api.shutdown()
            end(world)
    except RehearsalError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def resume(world: World) -> None:
    """Start the servers that ran, and finish what a stand-in that ended had begun.

    What was being made has failed; everything else is available again.
    """
    for volume in world.state.volumes.values():
        if volume.wanted:
            world.volumes.start(volume)
    for cluster in list(world.state.clusters.values()):
        if cluster["Status"] != "available":
            world.status(cluster, "failed" if cluster["Status"] == "creating" else "available")
    for instance in list(world.state.instances.values()):
        if instance["DBInstanceStatus"] != "available":
            made = instance["_endpoint"] and instance["DBInstanceStatus"] != "failed"
            world.status(instance, "available" if made else "failed")


def end(world: World) -> None:
    """End all servers at once; what was committed is in the system's cache, so nothing is lost."""
    for volume in world.state.volumes.values():
        world.volumes.server(volume).kill()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m rehearsal.rds",
        description="A stand-in for the RDS API over real MySQL servers, on the loopback interface.",
    )
    parser.add_argument("--port", type=int, required=True, help="port of the API")
    parser.add_argument("--stack", type=Path, required=True, help="the stack's folder; all is kept in rds/ below it")
    parser.add_argument("--state", type=Path, required=True, help="the state folder, where MySQL is installed")
    return parser


if __name__ == "__main__":
    sys.exit(main())
