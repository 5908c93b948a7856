"""The MySQL side: what tables look like, what the writer is busy with, and rows as they are stored."""

from __future__ import annotations

import random
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from typing import Any

from airflow.providers.mysql.hooks.mysql import MySqlHook

from livemove.redshift import names
from livemove.redshift.plans import SourceTable
from livemove.redshift.types import SourceColumn
from livemove.redshift.window import Look, OpenTransaction
from livemove.runbook.errors import NeedsPerson, TryAgain

HEARTBEAT_TABLE = "heartbeat"
FRESH_LIST_SECONDS = 20.0
# Not statements of applications: the event scheduler, replicas that read the binlog, idle connections.
_NO_STATEMENTS = ("Sleep", "Daemon", "Binlog Dump", "Binlog Dump GTID", "Register Slave", "Register Replica")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
# Errors of MySQL that a second attempt does not heal: no such database, access denied, no such table.
_NEEDS_PERSON = {1044, 1045, 1049, 1142, 1143, 1146, 1227, 1370}


class SourceHook(MySqlHook):
    """A MySQL server that tables are read from.

    TLS is required unless the server is on this host, or the connection's extra says otherwise
    (`{"ssl_mode": "DISABLED"}`).

    :param mysql_conn_id: Airflow connection of type mysql.
    """

    def _get_conn_config_mysql_client(self, conn: Any) -> dict[str, Any]:
        config: dict[str, Any] = super()._get_conn_config_mysql_client(conn)
        local = "unix_socket" in config or config["host"] in _LOOPBACK
        if not local and "ssl" not in config:
            config.setdefault("ssl_mode", "REQUIRED")
        config.setdefault("connect_timeout", 20)
        return config

    @contextmanager
    def session(self) -> Iterator[Any]:
        """A connection in autocommit mode whose times are in UTC; a cursor's rows are tuples.

        :raises NeedsPerson: access is denied or something named does not exist.
        """
        with _explained(self), closing(self._connect(charset="utf8mb4")) as connection:
            connection.autocommit(True)
            connection.query("SET SESSION time_zone = '+00:00'")
            yield connection

    @contextmanager
    def raw_session(self) -> Iterator[Any]:
        """A connection that gives every value as the bytes that are stored, in autocommit mode.

        `character_set_results = NULL` keeps the server from converting text, which would turn what does
        not fit into question marks. The server waits an hour for a client that is busy uploading
        (`net_write_timeout`, 60 s by default).
        """
        with (
            _explained(self),
            closing(self._connect(charset="utf8mb4", conv={}, use_unicode=False)) as connection,
        ):
            connection.autocommit(True)
            connection.query(
                "SET SESSION time_zone = '+00:00', transaction_isolation = 'REPEATABLE-READ', "
                "net_write_timeout = 3600, character_set_connection = latin1, character_set_results = NULL"
            )
            yield connection

    def _connect(self, **options: Any) -> Any:
        import MySQLdb

        connection = self.connection or self.get_connection(self.get_conn_id())
        return MySQLdb.connect(**{**self._get_conn_config_mysql_client(connection), **options})

    def describe(self, database: str, tables: Sequence[str]) -> dict[str, SourceTable]:
        """Describe tables; those that do not exist are absent from the answer.

        :raises NeedsPerson: the database does not exist or this user sees nothing of it.
        """
        with self.session() as connection:
            seen = _rows(
                connection,
                "SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = %s",
                database,
            )
            if not seen[0][0]:
                raise NeedsPerson(
                    f"source.database: connection {self.get_conn_id()} sees no database {database!r}. Correct the "
                    f"name, or run on the source: GRANT SELECT ON {names.mysql(database)}.* TO <its user>;"
                )
            return _describe(connection, database, tables)

    def look(self) -> Look:
        """Look at the clock, then at running statements, then at open transactions: the order makes the bound safe.

        A statement that began before the clock was read is still running, or has left a transaction that is
        open, or is committed.

        :raises NeedsPerson: the user lacks the privilege PROCESS.
        :raises TryAgain: InnoDB shows a list of transactions that is older than the look.
        """
        with self.session() as connection:
            clock = _rows(connection, "SELECT UTC_TIMESTAMP(6)")[0][0]
            me = connection.thread_id()
            found = [*_running_statements(connection, clock), *_open_transactions(connection, me)]
            return Look(clock, tuple(each for each in found if each.thread != me))

    def require_process_privilege(self) -> None:
        """Check the privilege PROCESS by using it.

        Without it `innodb_trx` is refused, and `processlist` shows a user's own statements only.

        :raises NeedsPerson: it is missing.
        """
        with self.session() as connection:
            # Not innodb_trx itself: whoever reads it keeps InnoDB from renewing it.
            _rows(connection, "SELECT COUNT(*) FROM information_schema.innodb_metrics")

    def require_no_replica(self) -> None:
        """Check that the server does not replicate from another.

        What a replica has not applied yet shows neither on its clock nor among its transactions.

        :raises NeedsPerson: it does.
        """
        with self.session() as connection:
            rows = _rows(connection, "SELECT host FROM performance_schema.replication_connection_configuration")
            if any(host for (host,) in rows):
                raise NeedsPerson(
                    f"source.writer_conn_id: the server behind {self.get_conn_id()} replicates from {rows[0][0]!r}, "
                    "so its open transactions do not tell what is still to come. Name the connection of the "
                    "server that takes the writes; this one may be `reader_conn_id`."
                )

    def local_time(self, moment: datetime, zone: str | None) -> tuple[str, int]:
        """Return a UTC moment on the clock that DATETIME columns are written by, and its offset in minutes.

        :param zone: an offset; None for the server's own time zone.
        """
        epoch = int((moment - datetime(1970, 1, 1)).total_seconds())
        with self.session() as connection:
            if zone is None:
                connection.query("SET SESSION time_zone = @@GLOBAL.time_zone")
            else:
                _rows(connection, "SET SESSION time_zone = %s", zone)
            local = _rows(connection, "SELECT FROM_UNIXTIME(%s)", epoch)[0][0]
        return str(local), int((local - moment).total_seconds() // 60)

    def highest(self, database: str, columns: dict[str, str]) -> dict[str, int | None]:
        """The highest value of an integer column of each table, by table."""
        with self.session() as connection:
            return {
                table: _rows(connection, f"SELECT MAX({names.mysql(column)}) FROM {names.mysql(database, table)}")[0][0]
                for table, column in columns.items()
            }

    def write_heartbeat(self, schema: str, name: str) -> str:
        """Write a heartbeat row and return its time, as `read_heartbeat` will.

        :param name: whose heartbeat it is: each sync has a row of its own.
        """
        table = names.mysql(schema, HEARTBEAT_TABLE)
        with self.session() as connection:
            if not _rows(
                connection,
                "SELECT 1 FROM information_schema.tables WHERE table_schema = %s AND table_name = %s",
                schema, HEARTBEAT_TABLE,
            ):  # fmt: skip
                connection.query(f"CREATE DATABASE IF NOT EXISTS {names.mysql(schema)}")
                connection.query(
                    f"CREATE TABLE IF NOT EXISTS {table} "
                    "(name VARCHAR(128) NOT NULL PRIMARY KEY, beat DATETIME(6) NOT NULL)"
                )
            _rows(
                connection,
                f"INSERT INTO {table} (name, beat) VALUES (%s, UTC_TIMESTAMP(6)) "
                "ON DUPLICATE KEY UPDATE beat = GREATEST(beat + INTERVAL 1 MICROSECOND, UTC_TIMESTAMP(6))",
                name,
            )
            return read_heartbeat(connection, schema, name) or ""

    def shows_heartbeat(self, schema: str, name: str, beat: str) -> tuple[bool, str | None]:
        """Whether this server shows a heartbeat at least as new as `beat`, and the newest that it shows."""
        with self.session() as connection:
            seen = read_heartbeat(connection, schema, name)
        return seen is not None and seen >= beat, seen


def read_heartbeat(connection: Any, schema: str, name: str) -> str | None:
    """The newest heartbeat as sortable text; None if there is none yet.

    :param connection: any MySQLdb connection, raw or not.
    """
    import MySQLdb

    cast = "CAST(DATE_FORMAT(beat, '%%Y-%%m-%%d %%H:%%i:%%s.%%f') AS CHAR)"
    try:
        rows = _rows(connection, f"SELECT {cast} FROM {names.mysql(schema, HEARTBEAT_TABLE)} WHERE name = %s", name)
    except MySQLdb.ProgrammingError as error:
        if error.args[0] in (1049, 1146):  # The reader has not yet seen the schema or the table.
            return None
        raise
    if not rows:
        return None
    beat = rows[0][0]
    return beat.decode() if isinstance(beat, bytes) else str(beat)


def await_heartbeat(connection: Any, schema: str, name: str, beat: str, *, seconds: float = 30) -> None:
    """Wait until the server behind this very connection shows the heartbeat.

    A reader endpoint leads to several servers: that another one had caught up proves nothing for this.

    :raises TryAgain: it did not within `seconds`.
    """
    ends = time.monotonic() + seconds
    while (seen := read_heartbeat(connection, schema, name)) is None or seen < beat:
        if time.monotonic() > ends:
            raise TryAgain(f"This reader shows heartbeat {seen}, and {beat} is needed; it lags behind the others.")
        time.sleep(0.2)


def _describe(connection: Any, database: str, tables: Sequence[str]) -> dict[str, SourceTable]:
    wanted = tuple(tables)
    columns: dict[str, list[SourceColumn]] = defaultdict(list)
    for table, *column in _rows(connection, _COLUMNS, database, wanted):
        columns[table].append(_column(column))
    indexes: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    unique: dict[str, set[str]] = defaultdict(set)
    for table, index, column, non_unique in _rows(connection, _INDEXES, database, wanted):
        indexes[table][index].append(column)
        if not non_unique:
            unique[table].add(index)
    found = {}
    for table, engine, rows, size in _rows(connection, _TABLES, database, wanted):
        nullable = {column.name for column in columns[table] if column.nullable}
        found[table] = SourceTable(
            name=table,
            columns=tuple(columns[table]),
            primary_key=tuple(indexes[table].get("PRIMARY", ())),
            unique_keys=tuple(tuple(indexes[table][name]) for name in sorted(unique[table])
                              if not nullable & set(indexes[table][name])),
            indexed_first=frozenset(index[0] for index in indexes[table].values()),
            engine=engine or "a view",
            estimated_rows=int(rows or 0),
            data_bytes=int(size or 0),
        )  # fmt: skip
    return found


_COLUMNS = """
SELECT table_name, column_name, LOWER(data_type), LOWER(column_type), is_nullable = 'YES',
       character_maximum_length, character_octet_length, numeric_precision, numeric_scale,
       character_set_name, column_default
FROM information_schema.columns WHERE table_schema = %s AND table_name IN %s
ORDER BY table_name, ordinal_position
"""
_INDEXES = """
SELECT table_name, index_name, column_name, MIN(non_unique) FROM information_schema.statistics
WHERE table_schema = %s AND table_name IN %s AND column_name IS NOT NULL
GROUP BY table_name, index_name, column_name, seq_in_index ORDER BY table_name, index_name, seq_in_index
"""
_TABLES = """
SELECT table_name, engine, table_rows, data_length FROM information_schema.tables
WHERE table_schema = %s AND table_name IN %s
"""


def _column(row: Sequence[Any]) -> SourceColumn:
    name, data_type, column_type, nullable, chars, octets, precision, scale, charset, default = row
    return SourceColumn(
        name=name,
        data_type=_text(data_type),
        column_type=_text(column_type),
        nullable=bool(nullable),
        char_length=_number(chars),
        octet_length=_number(octets),
        precision=_number(precision),
        scale=_number(scale),
        charset=charset,
        default=_text(default),
    )


def _number(value: Any) -> int | None:
    return None if value is None else int(value)


def _text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


def _open_transactions(connection: Any, me: int) -> Iterator[OpenTransaction]:
    """Open transactions, from a list that is newer than the call.

    InnoDB shows them from a cache, which it renews only when nobody has read it for 0.1 s (manual,
    "Internal Locking Data in INFORMATION_SCHEMA"); a monitor that polls faster keeps it old. So a
    transaction of our own is opened first: a list that has it is newer.

    :param me: this connection's thread.
    :raises TryAgain: no such list was seen.
    """
    connection.query("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
    connection.query("START TRANSACTION WITH CONSISTENT SNAPSHOT")
    ends = time.monotonic() + FRESH_LIST_SECONDS
    try:
        rows = _rows(connection, _TRANSACTIONS)
        while me not in [thread for thread, *_ in rows]:
            if time.monotonic() > ends:
                raise TryAgain(
                    f"For {FRESH_LIST_SECONDS:.0f} s InnoDB has shown an old list of transactions: something reads "
                    "information_schema.innodb_trx more than ten times a second. Let that monitor read it less often."
                )
            time.sleep(random.uniform(0.11, 0.2))  # noqa: S311 - other syncs, too, wait for a moment without readers
            rows = _rows(connection, _TRANSACTIONS)
    finally:
        connection.rollback()
    return (OpenTransaction(int(thread), str(user), started, bool(idle)) for thread, user, started, idle in rows)


_TRANSACTIONS = """
SELECT t.trx_mysql_thread_id, COALESCE(p.user, '?'), t.trx_started, COALESCE(p.command, '') = 'Sleep'
FROM information_schema.innodb_trx t LEFT JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id
"""


def _running_statements(connection: Any, clock: datetime) -> Iterator[OpenTransaction]:
    statements = _rows(
        connection,
        "SELECT id, user, time FROM information_schema.processlist "
        "WHERE user NOT IN ('system user', 'event_scheduler') AND command NOT IN %s",
        _NO_STATEMENTS,
    )
    for thread, user, seconds in statements:
        started = clock - timedelta(seconds=max(0, int(seconds or 0)) + 1)
        yield OpenTransaction(int(thread), str(user), started.replace(microsecond=0))


def _rows(connection: Any, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with closing(connection.cursor()) as cursor:
        cursor.execute(statement, values or None)
        return list(cursor.fetchall())


@contextmanager
def _explained(hook: SourceHook) -> Iterator[None]:
    """Turn MySQL's errors that no retry heals into one that says what to do."""
    import MySQLdb

    try:
        yield
    except MySQLdb.Error as error:
        if not error.args or error.args[0] not in _NEEDS_PERSON:
            raise
        refused = f"connection {hook.get_conn_id()}: MySQL refuses: {error.args[-1]} (error {error.args[0]}). "
        if "could not be loaded" in str(error.args[-1]):
            raise NeedsPerson(
                f"{refused}It is the client library that lacks this login plugin: install libmariadb3's plugins (with "
                "Debian's package libmariadb3 they come along), or name their folder in MARIADB_PLUGIN_DIR."
            ) from error
        raise NeedsPerson(
            f"{refused}The user needs SELECT on the tables, PROCESS on the writer, and on the heartbeat's "
            "schema CREATE, SELECT, INSERT and UPDATE; see include/sql/grants_for_sync.sql."
        ) from error
