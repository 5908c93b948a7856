"""Statements that PostgreSQL does not have or that mean something else there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import load, unload
from .dialect.statement import Analyze, Append, Special, Truncate, Vacuum
from .dialect.transfer import Copy
from .results import changed_rows
from .vacuum import vacuum

if TYPE_CHECKING:
    from .session import Session


def perform(session: Session, command: Special) -> str:
    """Run a special statement and return its command tag.

    :raises RedshiftError: Redshift would refuse it.
    :raises BackendError: PostgreSQL refuses a part of it.
    """
    if isinstance(command, Copy):
        return load.copy(session, command)
    if isinstance(command, Truncate):
        return _truncate(session, command)
    if isinstance(command, Append):
        return _append(session, command)
    if isinstance(command, Vacuum):
        return vacuum(session, command)
    if isinstance(command, Analyze):
        return _analyze(session, command)
    return unload.unload(session, command)


def _truncate(session: Session, command: Truncate) -> str:
    """Empty a table and commit, also what the transaction did before (Developer Guide, TRUNCATE)."""
    session.begin()
    _empty(session, command.table)
    session.commit()
    _forget_rows(session, command.table)
    return "TRUNCATE TABLE"


def _append(session: Session, command: Append) -> str:
    """Move all rows of one table to another and commit (Developer Guide, ALTER TABLE APPEND)."""
    session.lock(command.table)
    session.lock(command.source)
    columns = session.backend.run(
        "SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute "
        "WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped",
        command.source,
    )[0][0]
    session.backend.run(
        f"INSERT INTO {command.table} ({columns}) SELECT {columns} FROM {command.source}"  # noqa: S608
    )
    session.note_write(command.table, "INSERT", changed_rows(session.backend.tag))
    _empty(session, command.source)
    session.commit()
    _forget_rows(session, command.source)
    return "ALTER TABLE APPEND"


def _empty(session: Session, table: str) -> None:
    session.backend.run(f"TRUNCATE {table}")
    session.backend.run("SELECT rs.quiet_keys()")  # TRUNCATE makes new indexes, and puts them into service


def _forget_rows(session: Session, table: str) -> None:
    """Forget the table's changes, in a new transaction, whose snapshot has all of them."""
    session.backend.run("SELECT rs.forget_rows($1::text::regclass)", table)


def _analyze(session: Session, command: Analyze) -> str:
    """Renew statistics, unless too few rows have changed (Developer Guide, ANALYZE)."""
    session.begin()
    if command.table is None:
        session.backend.run("ANALYZE")
        session.backend.run("SELECT rs.settle_all_analyzed()")
        return "ANALYZE"
    threshold = session.settings.get("analyze_threshold_percent", "10")
    sql = "SELECT rs.stats_off($1::text::regclass) < $2::numeric AND rs.stored_rows($1::text::regclass) > 0"
    if session.backend.run(sql, command.table, threshold)[0][0] == "t":
        return "ANALYZE SKIP"
    columns = f"({', '.join(command.columns)})" if command.columns else ""
    session.backend.run(f"ANALYZE {command.table} {columns}")
    session.backend.run("SELECT rs.settle($1::text::regclass, false, false, true)", command.table)
    return "ANALYZE"
