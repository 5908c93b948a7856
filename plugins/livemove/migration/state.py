"""The record of a migration: an append-only journal on the serving server, which replicates along the chain."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

SCHEMA = "livemove"
TABLE = f"{SCHEMA}.migration_journal"

Outcome = Literal["open", "cut_over", "fallen_back", "finished"]
# Steps that decide what the migration has come to; the order is the order in which they can happen.
OUTCOMES: tuple[Outcome, ...] = ("open", "cut_over", "fallen_back", "finished")

CREATE = (
    f"CREATE DATABASE IF NOT EXISTS {SCHEMA}",
    f"CREATE TABLE IF NOT EXISTS {TABLE} (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, "
    "migration VARCHAR(64) NOT NULL, at DATETIME(6) NOT NULL, step VARCHAR(64) NOT NULL, detail JSON NOT NULL, "
    "KEY (migration, step))",
)


class Queries(Protocol):
    """What the journal needs of a server."""

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Run a query."""

    def execute(self, sql: str, params: Sequence[Any] = ()) -> Any:
        """Run a statement, committed at once."""


@dataclass(frozen=True)
class Entry:
    """One line of the journal.

    :ivar at: UTC, ISO 8601.
    """

    id: int
    at: str
    step: str
    detail: dict[str, Any]


def install(hook: Queries) -> None:
    """Make the journal's table, if it is missing; run on the serving server only."""
    for name, exists in _there(hook).items():
        if not exists:
            hook.execute(CREATE[0] if name == SCHEMA else CREATE[1])


def _there(hook: Queries) -> dict[str, bool]:
    """Which of schema and table exist; a `CREATE … IF NOT EXISTS` would use up a GTID each time."""
    schemas = hook.rows("SELECT 1 FROM information_schema.schemata WHERE schema_name = %s", (SCHEMA,))
    return {SCHEMA: bool(schemas), TABLE: installed(hook)}


def installed(hook: Queries) -> bool:
    """Whether the journal's table is there."""
    found = hook.rows(
        "SELECT 1 FROM information_schema.tables WHERE table_schema = %s AND table_name = 'migration_journal'",
        (SCHEMA,),
    )
    return bool(found)


def record(hook: Queries, migration: str, step: str, detail: Mapping[str, Any] | None = None) -> None:
    """Append an entry. The server must be the one that serves: all others would get an errant GTID."""
    hook.execute(
        f"INSERT INTO {TABLE} (migration, at, step, detail) VALUES (%s, UTC_TIMESTAMP(6), %s, %s)",
        (migration, step, json.dumps(dict(detail or {}), sort_keys=True)),
    )


def entries(hook: Queries, migration: str) -> list[Entry]:
    """All entries of a migration that this server has, oldest first; none if there is no journal."""
    if not installed(hook):
        return []
    rows = hook.rows(
        f"SELECT id, DATE_FORMAT(at, '%%Y-%%m-%%dT%%H:%%i:%%s.%%f') AS at, step, CAST(detail AS CHAR) AS detail "
        f"FROM {TABLE} WHERE migration = %s ORDER BY id",
        (migration,),
    )
    return [Entry(int(row["id"]), _text(row["at"]), _text(row["step"]), json.loads(row["detail"])) for row in rows]


def last(hook: Queries, migration: str, step: str) -> Entry | None:
    """The newest entry of a step."""
    found = [entry for entry in entries(hook, migration) if entry.step == step]
    return found[-1] if found else None


def outcome(hook: Queries, migration: str) -> Outcome:
    """What the migration has come to, as far as this server knows."""
    return furthest(entry.step for entry in entries(hook, migration))


def furthest(steps: Iterable[str]) -> Outcome:
    """The latest outcome among steps; `open` if none of them is an outcome."""
    places = [OUTCOMES.index(step) for step in steps if step in OUTCOMES]
    return OUTCOMES[max(places, default=0)]


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
