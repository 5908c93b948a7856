"""A MySQL connection that stays open while writes are stopped, and is opened again when it breaks.

It needs no Airflow, so that the dead-man's process can use it; it answers like `RdsMySqlHook` where both have a
method.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any

from livemove.mysql.errors import explained
from livemove.mysql.gtid import GtidSet

# While writes are stopped no statement may hang: neither for the network nor for a lock.
CONNECT_SECONDS, ANSWER_SECONDS, LOCK_SECONDS = 2, 8, 5


class Line:
    """One server.

    :param options: what MySQLdb.connect takes, password included; see `RdsMySqlHook.options`.
    :param name: how messages call the server.
    """

    def __init__(self, options: Mapping[str, Any], name: str) -> None:
        self.name = name
        self._options = {
            **options,
            "connect_timeout": CONNECT_SECONDS,
            "read_timeout": ANSWER_SECONDS,
            "write_timeout": ANSWER_SECONDS,
        }
        self._connection: Any = None

    @property
    def options(self) -> dict[str, Any]:
        """What it connects with. Holds the password."""
        return dict(self._options)

    @contextmanager
    def connection(self) -> Iterator[None]:
        """The same connection for all statements of a block, as it always is."""
        yield

    def _cursor(self, kind: type | None) -> Any:
        import MySQLdb

        if self._connection is None:
            connection = MySQLdb.connect(**self._options)
            connection.autocommit(True)
            connection.query(f"SET SESSION time_zone = '+00:00', lock_wait_timeout = {LOCK_SECONDS}")
            self._connection = connection
        return self._connection.cursor(kind)

    def _run(self, sql: str, params: Sequence[Any] | Mapping[str, Any], kind: type | None) -> tuple[Any, int]:
        import MySQLdb

        try:
            with closing(self._cursor(kind)) as cursor:
                changed = int(cursor.execute(sql, params or None))
                rows = cursor.fetchall() if cursor.description else ()
                while cursor.nextset():
                    pass
                return rows, changed
        except MySQLdb.Error as error:
            code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
            told = explained(self.name, code, str(error.args[-1] if error.args else error))
            # Codes from 2000 to 2999 are the client's: the connection is of no more use.
            if code == 0 or 2000 <= code < 3000 or code in (1053, 1927, 4031):
                self.close()
            raise told from None

    def rows(self, sql: str, params: Sequence[Any] | Mapping[str, Any] = ()) -> list[dict[str, Any]]:
        """Run one statement and return its rows."""
        from MySQLdb.cursors import DictCursor

        return list(self._run(sql, params, DictCursor)[0])

    def value(self, sql: str, params: Sequence[Any] | Mapping[str, Any] = ()) -> Any:
        """Run one statement and return the first column of its first row; None without a row."""
        rows = self._run(sql, params, None)[0]
        return rows[0][0] if rows else None

    def execute(self, sql: str, params: Sequence[Any] | Mapping[str, Any] = ()) -> int:
        """Run one statement and return how many rows it changed."""
        return self._run(sql, params, None)[1]

    def executed(self) -> GtidSet:
        """The GTIDs that this server has committed."""
        return GtidSet.parse(self.value("SELECT @@GLOBAL.gtid_executed"))

    def has(self, gtids: GtidSet, seconds: float) -> bool:
        """Whether all of these GTIDs are committed here, at the latest after so many seconds."""
        if not gtids:
            return True
        return bool(self.value("SELECT WAIT_FOR_EXECUTED_GTID_SET(%s, %s)", (str(gtids), seconds)) == 0)

    def close(self) -> None:
        """Close the connection; the next statement opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(Exception):
                connection.close()
