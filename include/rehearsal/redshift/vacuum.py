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
        raise RedshiftError("VACUUM is running", code="55006", hint="re-execute after other vacuum finished")
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
    rows = session.backend.run("SELECT * FROM rs.vacuum_tables($1::text::regclass)", command.table)
    found = []
    for table_id, name, short, allowed in rows:
        if allowed == "t":
            found.append((str(table_id), str(name)))
        elif command.table:
            session.notice(f'skipping "{short}" --- only table or database owner can vacuum it')
    return found


def _vacuum_one(worker: Backend, table_id: str, name: str, command: Vacuum) -> None:
    row = worker.command("SELECT stored, deleted, unsorted, sortable FROM rs.vacuum_state($1)", table_id)[0]
    rows, gone, loose = (int(value or 0) for value in row[:3])
    allowed = rows * (100 - command.threshold) / 100
    deletes = command.deletes and gone > allowed
    sorts = command.sorts and row[3] == "t" and loose > allowed
    query = worker.command("SELECT rs.vacuum_begins($1, $2, $3, $4)", table_id, command.form, rows, rows - loose)[0][0]
    if deletes or sorts:
        _rewrite(worker, name)
        worker.command("SELECT rs.settle($1, $2, $3, false)", table_id, _flag(deletes), _flag(sorts))
        worker.command("SELECT rs.compact($1)", table_id)
    status = "Complete" if deletes or sorts else f"Skipped(sorted>={command.threshold}%)"
    left_sorted = rows if sorts else rows - loose
    worker.command("SELECT rs.vacuum_ends($1, $2, $3, $4)", query, status, gone if deletes else 0, left_sorted)


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
