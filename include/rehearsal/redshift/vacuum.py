"""VACUUM: reclaim the space of deleted rows, and put rows in order (Developer Guide, VACUUM)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .backend import Backend, BackendError
from .dialect.statement import Vacuum
from .errors import RedshiftError

if TYPE_CHECKING:
    from .session import Session

_LOCK_NOT_AVAILABLE = "55P03"


def vacuum(session: Session, command: Vacuum) -> str:
    """Vacuum a table, or all tables of the user, and return the command tag.

    :raises RedshiftError: another VACUUM runs; there is one at a time in a cluster.
    """
    tables = _tables(session, command)
    session.backend.sync()  # lets go of the snapshot, which would keep deleted rows
    if not session.warehouse.vacuum_lock.acquire(blocking=False):
        raise RedshiftError(
            "VACUUM is running", code="55006", hint="re-execute after other vacuum finished"
        )
    try:
        with session.warehouse.connect() as worker:
            worker.command("SET lock_timeout = '1s'")
            for table_id, name in tables:
                _vacuum_one(worker, table_id, name, command)
    finally:
        session.warehouse.vacuum_lock.release()
    return "VACUUM"


def _tables(session: Session, command: Vacuum) -> list[tuple[str, str]]:
    """Find the tables to vacuum; for those of others there is a notice and no effect."""
    chosen = "c.oid = $1::text::regclass" if command.table else "$1::text IS NULL AND n.nspname !~ '^(pg_|rs$|information_)'"
    rows = session.backend.run(
        "SELECT c.oid, format('%I.%I', n.nspname, c.relname), c.relname, "
        "       pg_has_role(c.relowner, 'USAGE') OR (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) "
        "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        f"WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND {chosen}",
        command.table,
    )
    found = []
    for table_id, name, short, allowed in rows:
        if allowed == "t":
            found.append((str(table_id), str(name)))
        elif command.table:
            session.notice(f'skipping "{short}" --- only table or database owner can vacuum it')
    return found


def _vacuum_one(worker: Backend, table_id: str, name: str, command: Vacuum) -> None:
    stored, deleted, unsorted, sorting = worker.command(
        "SELECT coalesce(stored, 0), coalesce(deleted, 0), coalesce(unsorted, 0), coalesce(l.sorting, '') "
        "FROM (SELECT $1::oid AS relid) AS one LEFT JOIN rs.totals USING (relid) LEFT JOIN rs.layout l USING (relid)",
        table_id,
    )[0]
    rows, gone, loose = int(stored or 0), int(deleted or 0), int(unsorted or 0)
    allowed = (100 - command.threshold) / 100
    deletes = command.deletes and gone > rows * allowed
    sorts = command.sorts and bool(sorting) and loose > rows * allowed
    status = "Complete" if deletes or sorts else f"Skipped(sorted>={command.threshold}%)"
    query = worker.command(
        "INSERT INTO rs.vacuums SELECT 100, rs.next_query(), $1, n.nspname, c.relname, $2, 'Running', "
        "clock_timestamp(), NULL, $3, 0, $4, $4, pg_total_relation_size($1::oid) / 1048576 "
        "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::oid RETURNING query",
        table_id, command.form, rows, rows - loose,
    )  # fmt: skip
    if deletes or sorts:
        _rewrite(worker, name)
        worker.command("SELECT rs.settle($1, $2, $3, false)", table_id, _flag(deletes), _flag(sorts))
        worker.command("SELECT rs.compact($1)", table_id)
    worker.command(
        "UPDATE rs.vacuums SET status = $2, end_time = clock_timestamp(), reclaimed_rows = $3, sorted_after = $4, "
        "size_after = pg_total_relation_size(relid) / 1048576 WHERE query = $1",
        query[0][0] if query else None, status, gone if deletes else 0, rows if sorts else rows - loose,
    )  # fmt: skip


def _rewrite(worker: Backend, name: str) -> None:
    """Give the space back to the disk, or at least to the table if somebody reads it.

    Redshift blocks no readers, while VACUUM FULL of PostgreSQL does: it waits for them a second.
    """
    try:
        worker.command(f"VACUUM FULL {name}")
        worker.command("SELECT rs.quiet_keys()")  # new indexes are in service
    except BackendError as error:
        if error.fields.get("C") != _LOCK_NOT_AVAILABLE:
            raise
        worker.command(f"VACUUM {name}")


def _flag(value: bool) -> str:
    return "t" if value else "f"
