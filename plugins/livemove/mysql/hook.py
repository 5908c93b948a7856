"""A connection to one MySQL server on RDS or Aurora, and what every step asks of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from typing import Any

from airflow.providers.mysql.hooks.mysql import MySqlHook
from airflow.sdk import BaseHook

from livemove.mysql.credentials import Secret, struck_out
from livemove.mysql.errors import ServerError, explained
from livemove.mysql.gtid import GtidSet
from livemove.mysql.names import quoted
from livemove.mysql.procedures import CATALOG_QUERY, Call, Catalog, catalog_of
from livemove.mysql.replication import ReplicaStatus

CONNECT_SECONDS = 10
_SYNTAX_ERROR = 1064


class RdsMySqlHook(BaseHook):
    """One MySQL server. TLS is used unless the connection says otherwise (`{"ssl_mode": "DISABLED"}`).

    Each call opens a connection of its own, except within a `with hook.connection():` of the same thread.

    :param mysql_conn_id: Airflow connection of type mysql: the login, TLS in its extra, and where it is.
    :param host: takes the place of the connection's host, as for servers that the RDS API finds.
    :param port: takes the place of the connection's port.
    :param name: how messages call the server; the connection and address if empty.
    """

    def __init__(self, mysql_conn_id: str, *, host: str | None = None, port: int | None = None, name: str = "") -> None:
        super().__init__()
        self.mysql_conn_id = mysql_conn_id
        self.host = host
        self.port = port
        self._name = name
        self._catalog: Catalog | None = None
        self._open = threading.local()

    @property
    def name(self) -> str:
        """How messages call this server."""
        if self._name:
            return self._name
        return f"{self.mysql_conn_id} ({self.host}:{self.port or 3306})" if self.host else self.mysql_conn_id

    def options(self) -> dict[str, Any]:
        """What MySQLdb.connect takes. Holds the password: for immediate use only."""
        hook = MySqlHook(mysql_conn_id=self.mysql_conn_id)
        found = BaseHook.get_connection(self.mysql_conn_id)
        if self.host:
            found.host = self.host
        if self.port:
            found.port = self.port
        options: dict[str, Any] = {"charset": "utf8mb4", "connect_timeout": CONNECT_SECONDS, "ssl_mode": "REQUIRED"}
        extra = found.extra_dejson
        for key in ("connect_timeout", "read_timeout", "write_timeout"):
            if key in extra:
                options[key] = int(extra[key])
        options.update(hook._get_conn_config_mysql_client(found))
        if "ssl" in options and "ssl_mode" not in extra:
            # The certificates that the connection names are for checking the server.
            options["ssl_mode"] = "VERIFY_CA" if options["ssl"].get("ca") else "REQUIRED"
        options.pop("cursorclass", None)
        return options

    @contextmanager
    def connection(self) -> Iterator[Any]:
        """A MySQLdb connection in autocommit mode, with times in UTC; within it all calls of this thread use it.

        :raises NeedsPerson: access is denied, or the like.
        :raises TryAgain: the server cannot be reached now.
        """
        current = getattr(self._open, "connection", None)
        if current is not None:
            yield current
            return
        with self._connect() as connection:
            self._open.connection = connection
            try:
                with self._explaining(()):
                    yield connection
            finally:
                self._open.connection = None

    @contextmanager
    def _connect(self) -> Iterator[Any]:
        import MySQLdb

        with self._explaining(()):
            connection = MySQLdb.connect(**self.options())
        with closing(connection):
            with self._explaining(()):
                connection.autocommit(True)
                connection.query("SET SESSION time_zone = '+00:00'")
            yield connection

    @contextmanager
    def _explaining(self, secrets: Sequence[str]) -> Iterator[None]:
        """Turn MySQL's errors into ours, without what must not be shown."""
        import MySQLdb

        try:
            yield
        except MySQLdb.Error as error:
            code = error.args[0] if error.args and isinstance(error.args[0], int) else 0
            text = struck_out(str(error.args[-1] if error.args else error), tuple(secrets))
            # The original would carry the statement's text into the log.
            raise explained(self.name, code, text) from None

    @contextmanager
    def _cursor(self, params: Sequence[Any] | Mapping[str, Any], kind: type | None = None) -> Iterator[Any]:
        with (
            self.connection() as connection,
            self._explaining(_secrets(params)),
            closing(connection.cursor(kind)) as cursor,
        ):
            yield cursor

    def rows(self, sql: str, params: Sequence[Any] | Mapping[str, Any] = ()) -> list[dict[str, Any]]:
        """Run one statement and return its rows; secrets in `params` are `Secret`.

        :param sql: with `%s` for each value; a percent sign is doubled only if there are values.
        """
        from MySQLdb.cursors import DictCursor

        with self._cursor(params, DictCursor) as cursor:
            cursor.execute(sql, params or None)
            rows = list(cursor.fetchall()) if cursor.description else []
            _drain(cursor)
            return rows

    def value(self, sql: str, params: Sequence[Any] | Mapping[str, Any] = ()) -> Any:
        """Run one statement and return the first column of its first row; None without a row."""
        rows = self.rows(sql, params)
        return next(iter(rows[0].values())) if rows else None

    def execute(self, sql: str, params: Sequence[Any] | Mapping[str, Any] = ()) -> int:
        """Run one statement and return how many rows it changed."""
        with self._cursor(params) as cursor:
            changed = int(cursor.execute(sql, params or None))
            _drain(cursor)
            return changed

    def call(self, procedure: str, *args: Any) -> list[str]:
        """Call a procedure of the schema `mysql` and take all that it returns.

        Its messages are for the log. Whether it has worked is seen in the server's state: a failure is a row on
        some versions and error 1644 on others. Arguments that are `Secret` are struck
        out of errors.

        :param procedure: name without the schema.
        :returns: all rows of all results, each as text.
        """
        places = ", ".join(["%s"] * len(args))
        said: list[str] = []
        with self._cursor(args) as cursor:
            cursor.execute(f"CALL {quoted('mysql', procedure)}({places})", args or None)
            while True:
                if cursor.description:
                    said += [", ".join(str(value) for value in row) for row in cursor.fetchall()]
                if not cursor.nextset():
                    return [struck_out(line, tuple(_secrets(args))) for line in said]

    def run(self, call: Call) -> list[str]:
        """Make a call that `procedures.choose` has put together, and log it and what it says."""
        self.log.info("%s: %s", self.name, call.text())
        said = self.call(call.procedure, *call.arguments)
        for line in said:
            self.log.info("%s says: %s", call.procedure, line)
        return said

    def catalog(self) -> Catalog:
        """The procedures that this server has, asked once."""
        if self._catalog is None:
            self._catalog = catalog_of(self.rows(CATALOG_QUERY))
        return self._catalog

    # -- what it is -----------------------------------------------------------------------------

    def status(self) -> ReplicaStatus | None:
        """What SHOW REPLICA STATUS says of the default channel; None if this server replicates from none."""
        try:
            rows = self.rows("SHOW REPLICA STATUS")
        except ServerError as error:
            if error.code != _SYNTAX_ERROR:
                raise
            rows = self.rows("SHOW SLAVE STATUS")
        # RESET without ALL leaves a row without a source.
        rows = [row for row in rows if row.get("Source_Host") or row.get("Master_Host")]
        default = [row for row in rows if not row.get("Channel_Name")]
        return ReplicaStatus.of((default or rows)[0]) if rows else None

    def executed(self) -> GtidSet:
        """The GTIDs that this server has committed, its own and others'."""
        return GtidSet.parse(self.value("SELECT @@GLOBAL.gtid_executed"))

    def purged(self) -> GtidSet:
        """The executed GTIDs that are no longer in its binary logs."""
        return GtidSet.parse(self.value("SELECT @@GLOBAL.gtid_purged"))

    def server_uuid(self) -> str:
        """The UUID that its own transactions carry, in lower case."""
        return str(self.value("SELECT @@GLOBAL.server_uuid")).lower()

    def version(self) -> str:
        """Its version, such as `8.0.36`; on Aurora that of the MySQL it is made of."""
        return str(self.value("SELECT VERSION()"))

    def read_only(self) -> bool:
        """Whether it refuses writes of users without CONNECTION_ADMIN."""
        return bool(self.value("SELECT @@GLOBAL.read_only"))

    def wait_for(self, gtids: GtidSet, seconds: float) -> bool:
        """Wait until all of these GTIDs are committed here, and say whether they are.

        :param seconds: at most; 0 only looks.
        """
        if not gtids:
            return True
        if seconds <= 0:
            return gtids <= self.executed()
        answer = self.value("SELECT WAIT_FOR_EXECUTED_GTID_SET(%s, %s)", (str(gtids), seconds))
        return bool(answer == 0)


def _drain(cursor: Any) -> None:
    """Take the results that are left, or the next statement finds the connection busy."""
    while cursor.nextset():
        pass


def _secrets(params: Sequence[Any] | Mapping[str, Any]) -> list[str]:
    values = params.values() if isinstance(params, Mapping) else params
    return [value for value in values if isinstance(value, Secret)]
