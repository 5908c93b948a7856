"""Our own heartbeat: a row that is written on the serving server and travels along the chain.

It is the gate of every step that must know that a replica has all of its source, as Seconds_Behind alone is 0 on a
replica whose receiver is stuck. The row lies in a schema of ours, as Aurora does not replicate changes of `mysql`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime

from livemove.mysql.errors import ServerError
from livemove.mysql.hook import RdsMySqlHook
from livemove.mysql.names import quoted

SCHEMA = "livemove"
# redshift_sync keeps a table `heartbeat` of another shape in this schema.
NAME = "migration_heartbeat"
TABLE = quoted(SCHEMA, NAME)
_NO_SUCH = (1049, 1146)


@dataclass(frozen=True)
class Beat:
    """A heartbeat as a server shows it.

    :param number: grows by one with each beat.
    :param written_at: by the clock of the server that wrote it, UTC.
    """

    number: int
    written_at: datetime | None = None


NEVER = Beat(0)


def install(hook: RdsMySqlHook) -> None:
    """Make schema and table on the serving server; they replicate. Nothing to do where they are there."""
    if has_table(hook, NAME):
        return
    install_schema(hook)
    hook.execute(
        f"CREATE TABLE IF NOT EXISTS {TABLE} (name VARCHAR(128) NOT NULL PRIMARY KEY, beat BIGINT NOT NULL, "
        "written_at DATETIME(6) NOT NULL) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4"
    )


def has_table(hook: RdsMySqlHook, name: str) -> bool:
    """Whether the schema `livemove` has this table: a CREATE that would do nothing takes a GTID all the same."""
    wanted = "SELECT 1 FROM information_schema.tables WHERE table_schema = %s AND table_name = %s"
    return bool(hook.rows(wanted, (SCHEMA, name)))


def install_schema(hook: RdsMySqlHook) -> None:
    """Make the schema `livemove`; a CREATE that would do nothing is not sent, as it would take a GTID."""
    if not hook.rows("SELECT 1 FROM information_schema.schemata WHERE schema_name = %s", (SCHEMA,)):
        hook.execute(f"CREATE DATABASE IF NOT EXISTS {quoted(SCHEMA)} DEFAULT CHARACTER SET utf8mb4")


def beat(hook: RdsMySqlHook, name: str) -> int:
    """Write the next beat on the serving server and return its number.

    :param name: whose heartbeat it is, such as the migration's.
    """
    with hook.connection():
        hook.execute(
            f"INSERT INTO {TABLE} (name, beat, written_at) VALUES (%s, LAST_INSERT_ID(1), UTC_TIMESTAMP(6)) "
            "ON DUPLICATE KEY UPDATE beat = LAST_INSERT_ID(beat + 1), written_at = UTC_TIMESTAMP(6)",
            (name,),
        )
        return int(hook.value("SELECT LAST_INSERT_ID()"))


def look(hook: RdsMySqlHook, name: str) -> Beat:
    """The newest beat that a server shows; NEVER if there is none."""
    try:
        rows = hook.rows(f"SELECT beat, written_at FROM {TABLE} WHERE name = %s", (name,))
    except ServerError as error:
        if error.code not in _NO_SUCH:
            raise
        return NEVER
    return Beat(int(rows[0]["beat"]), rows[0]["written_at"]) if rows else NEVER


def seen(hook: RdsMySqlHook, name: str) -> int:
    """The number of the newest beat that a server shows; 0 if there is none."""
    return look(hook, name).number


def lag_seconds(source: RdsMySqlHook, replica: RdsMySqlHook, name: str) -> float | None:
    """How far a replica is behind its source, by the beats that both show.

    Both times come from the clock of the server that wrote the beats, so clocks need not agree. The lag is that
    of the beat, at least: while nobody beats, a replica that stands still looks like one that has caught up, so
    call `beat` first.

    :returns: seconds; None if either shows no beat yet.
    """
    theirs, ours = look(source, name), look(replica, name)
    if theirs.written_at is None or ours.written_at is None:
        return None
    if ours.number >= theirs.number:
        return 0.0
    now: datetime = source.value("SELECT UTC_TIMESTAMP(6)")
    return max(0.0, (now - ours.written_at).total_seconds())


def wait_seen(hook: RdsMySqlHook, name: str, number: int, seconds: float, poll_seconds: float = 0.1) -> bool:
    """Wait until a server shows this beat or a later one, and say whether it does."""
    ends = time.monotonic() + seconds
    with hook.connection():
        while seen(hook, name) < number:
            if time.monotonic() > ends:
                return False
            time.sleep(poll_seconds)
    return True
