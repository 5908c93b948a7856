"""What the service knows: its resources in the API's own words, kept in one file that survives a restart."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeAlias

from rehearsal.files import read_json, write_private
from rehearsal.rds.volumes import Volume

REGION, ACCOUNT = "ap-northeast-1", "123456789012"
EVENTS_KEPT_SECONDS = 14 * 86400
# A resource as the API describes it. Keys that begin with "_" are ours and never shown.
Record: TypeAlias = "dict[str, Any]"


@dataclass
class Settings:
    """What a rehearsal may set; seconds unless the name says otherwise.

    :ivar promote: from the acceptance of a promotion until the writer answers again.
    :ivar heartbeat: between two heartbeats of RDS; 0 for none.
    :ivar purge: between two looks for binary logs whose retention is over; 0 for none.
    :ivar recovery: until a server that died is started again; a negative number for never.
    :ivar copied_channels: whether replication that a person set up goes on in a copy of the data.
    :ivar position_at_restart: whether a restarted Aurora writer tells its binlog position as a restored one does; the
        manual says so of restores alone.
    """

    create: float = 3.0
    restore: float = 3.0
    snapshot: float = 2.0
    backup: float = 1.0
    modify: float = 1.0
    multi_az: float = 4.0
    reboot: float = 1.0
    promote: float = 5.0
    failover: float = 2.0
    delete: float = 1.0
    heartbeat: float = 300.0
    purge: float = 300.0
    recovery: float = 2.0
    copied_channels: bool = True
    position_at_restart: bool = True

    def change(self, values: Mapping[str, Any]) -> None:
        """Set some of them.

        :raises ValueError: one of this name does not exist.
        """
        known = {each.name for each in fields(self)}
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"no setting {name}; there are {', '.join(sorted(known))}")
            setattr(self, name, value)


@dataclass
class State:
    """All that is kept."""

    settings: Settings = field(default_factory=Settings)
    instances: dict[str, Record] = field(default_factory=dict)
    clusters: dict[str, Record] = field(default_factory=dict)
    snapshots: dict[str, Record] = field(default_factory=dict)
    cluster_snapshots: dict[str, Record] = field(default_factory=dict)
    groups: dict[str, Record] = field(default_factory=dict)
    cluster_groups: dict[str, Record] = field(default_factory=dict)
    volumes: dict[str, Volume] = field(default_factory=dict)
    events: list[Record] = field(default_factory=list)
    faults: list[Record] = field(default_factory=list)
    next_server_id: int = 1001


class Store:
    """The state, its file and the log of what happened.

    :param folder: holds `state.json` and `log.jsonl`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.lock = threading.RLock()
        self.state = _load(read_json(folder / "state.json"))

    @contextmanager
    def changing(self) -> Iterator[State]:
        """Change the state alone, and keep it at the end of the block."""
        with self.lock:
            yield self.state
            self.save()

    def save(self) -> None:
        """Write the file."""
        with self.lock:
            write_private(self._folder / "state.json", json.dumps(asdict(self.state), indent=1) + "\n")

    def log(self, kind: str, **values: Any) -> None:
        """Add a line to the log, with the time in seconds since 1970."""
        with self.lock, (self._folder / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"at": round(time.time(), 3), "kind": kind, **values}, default=str) + "\n")

    def forget_all(self) -> None:
        """Forget every resource and event; settings go back to their defaults."""
        with self.lock:
            self.state = State(next_server_id=self.state.next_server_id)
            self.save()

    def event(self, source_type: str, identifier: str, arn: str, message: str, *categories: str) -> None:
        """Add an event, as DescribeEvents gives it."""
        now = time.time()
        with self.changing() as state:
            state.events = [event for event in state.events if event["Date"] > now - EVENTS_KEPT_SECONDS]
            state.events.append(
                {
                    "SourceType": source_type,
                    "SourceIdentifier": identifier,
                    "SourceArn": arn,
                    "Message": message,
                    "EventCategories": list(categories),
                    "Date": now,
                }
            )
        self.log("event", source_type=source_type, identifier=identifier, message=message)


def _load(found: dict[str, Any] | None) -> State:
    if found is None:
        return State()
    known = {each.name for each in fields(State)}
    values = {name: value for name, value in found.items() if name in known}
    settings = Settings(**values.pop("settings"))
    volumes = {name: Volume(**value) for name, value in values.pop("volumes").items()}
    return State(settings=settings, volumes=volumes, **values)


def arn(kind: str, identifier: str) -> str:
    """The ARN of a resource: kind is `db`, `cluster`, `snapshot`, `cluster-snapshot`, `pg` or `cluster-pg`."""
    return f"arn:aws:rds:{REGION}:{ACCOUNT}:{kind}:{identifier}"


def identifier_of(text: str) -> str:
    """The identifier in an ARN, or the text itself."""
    return text.rsplit(":", 1)[1] if text.startswith("arn:") else text
