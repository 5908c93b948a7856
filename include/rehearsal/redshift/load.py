"""COPY: bring files from S3 into a table, inside the client's transaction."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from . import binary, errors, text
from .ahead import Ahead
from .backend import BackendError, quote
from .columns import Column, Target, target
from .dialect.transfer import Copy
from .errors import RedshiftError
from .parquet import ParquetMismatchError, batches, open_parquet
from .sources import S3Object, StorageError
from .text import LoadError, TextLoad
from .wire import DisconnectedError, cstring, unpack_fields

if TYPE_CHECKING:
    from .session import Session

_S3_ERROR, _SCAN_ERROR = 8001, 15007
_SHOWN, _REASON = 1024, 100  # characters that stl_load_errors shows
_AHEAD = 3  # batches that are read while PostgreSQL still takes in the one before


@dataclass
class Load:
    """One run of COPY.

    :param query: its number, as `stl_load_errors.query` and `pg_last_copy_id()` have it.
    :param free_bytes: space that is left on the disk, None if that has no limit.
    :param bad: rows that were not loaded, at most MAXERROR of them.
    """

    copy: Copy
    target: Target
    query: int
    free_bytes: int | None
    bad: list[LoadError] = field(default_factory=list)
    rows: int = 0
    reader: TextLoad | None = None


def copy(session: Session, command: Copy) -> str:
    """Load files into a table, and return the command tag.

    Rows that cannot be loaded are kept in `stl_load_errors`, which survives a rollback.

    :raises RedshiftError: there is nothing to load.
    :raises BackendError: the load failed; the transaction has failed with it.
    """
    chosen = target(session.backend, command)
    query = int(session.backend.run("SELECT rs.next_query()")[0][0] or 0)
    free = session.backend.run("SELECT rs.free_bytes()")[0][0]
    before = int(session.backend.run("SELECT rs.stored_rows($1)", chosen.table_id)[0][0] or 0)
    load = Load(command, chosen, query, None if free is None else int(free))
    try:
        objects = session.warehouse.storage.objects(command)
    except StorageError as error:
        _forget_count(session)
        raise errors.internal(str(error), _S3_ERROR, "", query) from error
    try:
        _stream(session, load, objects)
    except BackendError:
        _forget_count(session)
        _keep_errors(session, load)
        raise
    _keep_errors(session, load)
    session.note_write(command.table, "COPY", load.rows, in_order=before == 0)
    if _renews_statistics(command, before):
        session.backend.run(f"ANALYZE {command.table}")
        session.backend.run("SELECT rs.settle($1, false, false, true)", chosen.table_id)
    for name, value in (("count", load.rows), ("id", query)):
        session.backend.run(f"SELECT set_config('rehearsal.last_copy_{name}', $1, false)", value)
    name = _bare(command.table)
    session.notice(f"Load into table '{name}' completed, {load.rows} record(s) loaded successfully.")
    if load.bad:
        session.notice(
            f"Load into table '{name}' completed, {len(load.bad)} record(s) could not be loaded.  "
            "Check 'stl_load_errors' system table for details."
        )
    return "COPY"


def _renews_statistics(command: Copy, rows_before: int) -> bool:
    """Whether COPY ends with ANALYZE: if told to, and, unless told not to, where the table was empty."""
    chosen = command.values.get("STATUPDATE")
    return rows_before == 0 if chosen is None else chosen in ("ON", "TRUE")


def _stream(session: Session, load: Load, objects: list[S3Object]) -> None:
    """Feed PostgreSQL's COPY.

    :raises BackendError: with PostgreSQL's error, or with ours if the data are at fault.
    """
    backend = session.backend
    backend.start(_copy_sql(load))
    _await(session, load, b"G")
    try:
        sent = 0
        for chunk in Ahead(_chunks(session, load, objects), _AHEAD):
            sent += len(chunk)
            if load.free_bytes is not None and sent > load.free_bytes:
                raise errors.internal("Disk Full", 1016, "node: 0", load.query)
            _send(session, load, chunk)
    except (RedshiftError, StorageError, ParquetMismatchError, LoadError, OSError) as error:
        backend.send(b"f", cstring("the source failed"))
        backend.send(b"H")
        backend.flush()
        _fail(session, load, error)
    backend.send(b"c")
    backend.send(b"H")
    backend.flush()
    tag = _await(session, load, b"C")
    backend.finish()
    load.rows = int(tag[:-1].decode().rsplit(" ", 1)[-1])
    if load.bad and len(load.bad) >= int(load.copy.values.get("MAXERROR", 0)):
        raise _too_many(session, load)


def _fail(session: Session, load: Load, error: Exception) -> None:
    """Wait until PostgreSQL has given up, and put our error in place of its own."""
    try:
        _await(session, load, b"C")
    except BackendError as answer:
        raise BackendError(_described(load, error).fields()) from answer
    raise DisconnectedError("PostgreSQL did not give up a failed load")


def _described(load: Load, error: Exception) -> RedshiftError:
    if isinstance(error, RedshiftError):
        return error
    if isinstance(error, LoadError):
        load.bad.append(error)
        return _failed_load(load)
    if isinstance(error, ParquetMismatchError):
        load.bad.append(LoadError(str(error), code=_SCAN_ERROR, column=error.column))
        return errors.internal("Spectrum Scan Error", _SCAN_ERROR, str(error), load.query)
    return errors.internal(f"S3ServiceException: {error}", _S3_ERROR, "", load.query)


def _failed_load(load: Load) -> RedshiftError:
    return RedshiftError(
        f"Load into table '{_bare(load.copy.table)}' failed.  Check 'stl_load_errors' system table for details.",
        code=errors.INTERNAL,
    )


def _too_many(session: Session, load: Load) -> BackendError:
    """Fail the transaction after more bad rows than MAXERROR allows."""
    error = _failed_load(load)
    try:
        session.backend.run("SELECT rs.raise($1, $2, '', '')", error.message, error.code)
    except BackendError as raised:
        return raised
    raise DisconnectedError("PostgreSQL did not raise an error")


def _await(session: Session, load: Load, wanted: bytes) -> bytes:
    """Read PostgreSQL's messages up to one kind.

    :raises BackendError: it refuses a row, which is then noted, or the command as a whole.
    """
    while True:
        kind, body = session.backend.receive()
        if kind == wanted:
            return body
        if kind == b"N":
            _skipped(load, unpack_fields(body))
        elif kind == b"E":
            raise _refused(load, unpack_fields(body))


def _send(session: Session, load: Load, chunk: bytes) -> None:
    if session.client.is_closed():
        raise DisconnectedError("the client has left during COPY")
    session.backend.send(b"d", chunk)
    session.backend.flush_while_reading()
    while session.backend.has_message():
        kind, body = session.backend.receive()
        if kind == b"E":
            raise _refused(load, unpack_fields(body))
        if kind == b"N":
            _skipped(load, unpack_fields(body))


def _skipped(load: Load, fields: dict[str, str]) -> None:
    error = text.skipped_row(fields, load.target.columns, load.reader)
    if error is not None:
        load.bad.append(error)


def _refused(load: Load, fields: dict[str, str]) -> BackendError:
    error = text.refused_row(fields, load.target.columns, load.reader)
    if error is None:
        return BackendError(fields)
    load.bad.append(error)
    if load.copy.format == "parquet":
        if fields.get("C") == "23502":
            return BackendError(fields)
        return BackendError(errors.internal("Spectrum Scan Error", _SCAN_ERROR, str(error), load.query).fields())
    return BackendError(_failed_load(load).fields())


def _copy_sql(load: Load) -> str:
    names = ", ".join(quote(column.name) for column in load.target.columns)
    if load.copy.format == "parquet":
        options = "FORMAT binary" if binary.is_fixed(load.target.columns) else "FORMAT csv, NULL ''"
    else:
        options = "FORMAT text"
        if load.copy.values.get("MAXERROR", 0):
            options += ", ON_ERROR ignore, LOG_VERBOSITY verbose"
    return f"COPY {load.copy.table} ({names}) FROM STDIN ({options})"


def _chunks(session: Session, load: Load, objects: list[S3Object]) -> Iterator[bytes]:
    storage = session.warehouse.storage
    if load.copy.format != "parquet":
        load.reader = TextLoad(load.copy, load.target.columns, load.bad)
        for found in objects:
            yield from load.reader.chunks(storage.open_stream(found), found.url)
        return
    columns = load.target.columns
    fixed = binary.is_fixed(columns)
    if fixed:
        yield binary.HEADER
    serialize = "SERIALIZETOJSON" in load.copy.flags
    for found in objects:
        with storage.open_random(found) as file:
            parquet = open_parquet(file, found.url, columns, serialize=serialize)
            yield from batches(parquet, found.url, columns, load.copy.values.get("ACCEPTINVCHARS"))
    if fixed:
        yield binary.TRAILER


def _forget_count(session: Session) -> None:
    """pg_last_copy_count() is 0 after a load that failed; it can be set once the transaction is over."""
    session.when_idle.append(("SELECT set_config('rehearsal.last_copy_count', '0', false)",))


def _keep_errors(session: Session, load: Load) -> None:
    """Write `stl_load_errors` on a connection of its own, so that a rollback leaves it."""
    if not load.bad:
        return
    by_name = {column.name: column for column in load.target.columns}
    with session.warehouse.connect() as writer:
        for error in load.bad:
            column = by_name.get(error.column, Column("", ""))
            writer.command(
                "INSERT INTO rs.load_errors "
                "VALUES (100, $1, clock_timestamp(), $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
                load.target.table_id,
                session.pid,
                load.query,
                error.file or load.copy.source,
                error.line,
                error.column,
                column.redshift_type.lower(),
                column.length or "",
                error.position,
                error.raw_line[:_SHOWN],
                error.raw_value[:_SHOWN],
                error.code,
                str(error)[:_REASON],
            )


def _bare(table: str) -> str:
    return table.rsplit(".", 1)[-1].strip('"')
