"""The Redshift side: tables as they are, the state of the sync, and work in one transaction."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from airflow.providers.amazon.aws.hooks.redshift_sql import RedshiftSQLHook
from redshift_connector.error import Error as RedshiftError

from livemove.redshift import statements
from livemove.redshift.disk import Disk
from livemove.redshift.drift import TargetColumn
from livemove.redshift.statements import StateRow, TableState
from livemove.redshift.upkeep import TableHealth
from livemove.runbook.errors import NeedsPerson, TryAgain

if TYPE_CHECKING:
    from airflow.sdk import Connection

log = logging.getLogger(__name__)

# Without a name the driver looks through the caller's source files for one, which takes longer than logging in.
APPLICATION: Final = "livemove"
ATTEMPTS: Final = 5
_NO_PERMISSION = re.compile(r"permission denied|must be owner|not authorized", re.IGNORECASE)
# Undefined table; undefined schema.
_NO_SUCH_TABLE = ("42P01", "3F000")
# Error 1023, one of two that wait for each other, and two that make the same schema or table at once.
_CONFLICT = re.compile(
    r"\b1023\b|serializable isolation violation|could not serialize|deadlock detected|"
    r'duplicate key value violates unique constraint "pg_',
    re.IGNORECASE,
)


class Warehouse:
    """A session in the warehouse, in autocommit mode; `transaction` opens a transaction in it."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def run(self, statement: str, values: Sequence[Any] = ()) -> int:
        """Run a statement and return how many rows it touched, -1 if unknown."""
        with closing(self._connection.cursor()) as cursor:
            cursor.execute(statement, tuple(values) or None)
            return int(cursor.rowcount)

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run a query and return its rows."""
        with closing(self._connection.cursor()) as cursor:
            cursor.execute(statement, tuple(values) or None)
            return [tuple(row) for row in cursor.fetchall()]

    def value(self, statement: str, values: Sequence[Any] = ()) -> Any:
        """Run a query and return the first column of its first row."""
        return self.rows(statement, values)[0][0]

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Everything inside happens, or nothing.

        What stops the task (a time-out is no Exception) may find the session busy and does not wait for it: the end of
        the session is the end of the transaction.

        :raises TryAgain: Redshift ended it, as another transaction wrote the same tables.
        """
        self.run("BEGIN")
        try:
            yield
            self.run("COMMIT")
        except Exception as error:
            self._roll_back()
            if is_conflict(error):
                raise TryAgain(f"another transaction changed the same tables: {_message(error)}") from error
            raise

    def _roll_back(self) -> None:
        try:
            self.run("ROLLBACK")
        except Exception:  # The connection may be gone, and with it the transaction.
            log.info("The transaction ended with its connection.")

    # -- what is there ------------------------------------------------------------------------

    def has_table(self, schema: str, table: str) -> bool:
        """Whether there is such a table; a fifth of what asking for its columns costs."""
        found = self.rows("SELECT 1 FROM pg_tables WHERE schemaname = %s AND tablename = %s", (schema, table))
        return bool(found)

    def columns(self, schema: str, table: str) -> list[TargetColumn]:
        """Columns of a table in their order; empty if there is no such table."""
        rows = self.rows(
            "SELECT column_name, data_type, character_maximum_length, numeric_precision, numeric_scale "
            "FROM svv_columns WHERE table_schema = %s AND table_name = %s ORDER BY ordinal_position",
            (schema, table),
        )
        return [TargetColumn(name, _spell(kind, chars, digits, scale)) for name, kind, chars, digits, scale in rows]

    def primary_key(self, schema: str, table: str) -> list[str]:
        """Columns of a table's declared primary key."""
        rows = self.rows(
            "SELECT k.column_name FROM information_schema.table_constraints c "
            "JOIN information_schema.key_column_usage k ON k.constraint_name = c.constraint_name "
            "AND k.constraint_schema = c.constraint_schema AND k.table_name = c.table_name "
            "WHERE c.constraint_type = 'PRIMARY KEY' AND c.table_schema = %s AND c.table_name = %s "
            "ORDER BY k.ordinal_position",
            (schema, table),
        )
        return [name for (name,) in rows]

    def state(self, schema: str, sync: str) -> dict[str, TableState]:
        """The newest state of each table of a sync.

        Two newest lines can only be somebody else's doing; which rows they stand for is unknown, so the next run
        reads them all.
        """
        try:
            rows = self.rows(statements.read_state(schema), (sync, sync))
        except Exception as error:
            if says_no_table(error):
                return {}
            raise
        newest: dict[str, TableState] = {}
        for table, version, upper, folder, merged, at in rows:
            if table in newest:
                log.warning("%s.%s: two lines of version %s for %s.", schema, statements.STATE_TABLE, version, table)
                upper, folder = None, ""
            newest[table] = TableState(int(version), upper, folder, int(merged), at)
        return newest

    def append_state(self, schema: str, row: StateRow) -> None:
        """Add a line to the state, inside the caller's transaction."""
        self.run(statements.append_state(schema), tuple(vars(row).values()))

    def health(self, schema: str, table: str) -> TableHealth | None:
        """What `svv_table_info` says of a table; None for an empty one."""
        rows = self.rows(
            "SELECT tbl_rows, estimated_visible_rows, unsorted, stats_off, size FROM svv_table_info "
            'WHERE "schema" = %s AND "table" = %s',
            (schema, table),
        )
        if not rows:
            return None
        on_disk, visible, unsorted, stats_off, size = rows[0]
        return TableHealth(
            rows=int(on_disk),
            visible_rows=int(visible),
            unsorted=None if unsorted is None else float(unsorted),
            stats_off=float(stats_off or 0),
            size_mb=int(size),
        )

    def disk(self) -> Disk:
        """Room of a provisioned cluster, from `stv_partitions` (superusers and SYSLOG ACCESS only)."""
        capacity, used = self.rows("SELECT SUM(capacity), SUM(used - tossed) FROM stv_partitions WHERE part_begin = 0")[
            0
        ]
        return Disk(int(capacity or 0), int(used or 0), "stv_partitions")


class WarehouseHook(RedshiftSQLHook):
    """Airflow's Redshift hook, with sessions as the sync uses them.

    :param redshift_conn_id: Airflow connection of type redshift. TLS is on unless its extra says otherwise.
    """

    @cached_property
    def conn(self) -> Connection:
        """The Airflow connection; sessions bear the name livemove (`sys_connection_log`), unless its extra has one."""
        connection = self.get_connection(self.get_conn_id())
        connection.extra = json.dumps({"application_name": APPLICATION, **connection.extra_dejson})
        return connection

    @contextmanager
    def session(self) -> Iterator[Warehouse]:
        """Open a session.

        :raises NeedsPerson: a permission is missing.
        """
        with closing(self.get_conn()) as connection:
            connection.autocommit = True
            try:
                yield Warehouse(connection)
            except RedshiftError as error:  # MySQL and S3 refuse things, too, in other words
                if not _NO_PERMISSION.search(str(error)):
                    raise
                raise NeedsPerson(
                    f"connection {self.get_conn_id()}: Redshift refuses: {_message(error)}. The user must own the "
                    "target tables and the state's schema; see include/sql/grants_for_sync.sql."
                ) from error


def is_conflict(error: BaseException) -> bool:
    """Whether Redshift reports a conflict with another transaction, which a second attempt heals."""
    if isinstance(error, NeedsPerson):
        return False
    return isinstance(error, TryAgain) or bool(_CONFLICT.search(str(error)))


def says_no_table(error: BaseException) -> bool:
    """Whether Redshift reports that a table, or its schema, does not exist."""
    detail = error.args[0] if error.args else ""
    return isinstance(detail, dict) and detail.get("C") in _NO_SUCH_TABLE


def retry_conflicts(work: Any, *, attempts: int = ATTEMPTS, wait_seconds: float = 1.0) -> Any:
    """Run `work` again, whole, while it ends in a conflict (guide, c_serial_isolation)."""
    for attempt in range(1, attempts + 1):
        try:
            return work()
        except Exception as conflict:
            if attempt == attempts or not is_conflict(conflict):
                raise
            log.info("Attempt %s of %s: %s. Again in %.0f s.", attempt, attempts, conflict, wait_seconds * attempt)
            time.sleep(wait_seconds * attempt)
    return None


def _message(error: BaseException) -> str:
    detail = error.args[0] if error.args else ""
    return str(detail.get("M", detail)) if isinstance(detail, dict) else str(detail)


def _spell(kind: str, chars: Any, digits: Any, scale: Any) -> str:
    if kind in ("character varying", "character", "varbyte", "binary varying") and chars is not None:
        return f"{kind}({chars})"
    if kind == "numeric" and digits is not None:
        return f"{kind}({digits},{scale})"
    return str(kind)
