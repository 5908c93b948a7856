"""The operator that compares a table of a source and its replica."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from livemove.mysql import checksum
from livemove.mysql.base import MySqlOperator
from livemove.mysql.hook import RdsMySqlHook
from livemove.runbook.errors import NeedsPerson


class CompareTableOperator(MySqlOperator):
    """Compare a table of a source and its replica by checksums of key ranges, while both are in use.

    :param schema: of the table.
    :param table: it needs a primary key.
    :param source_mysql_conn_id: connection to the source; `mysql_conn_id` is the replica's.
    :param lag_seconds: while the replica is further behind, nothing is read.
    :param run: the result is kept under this name in `livemove.checksum` on the source; None to keep it nowhere.
    :returns: the result, see `livemove.mysql.checksum.TableResult`.
    :raises AirflowFailException: rows differ, or could not be compared.

    Example::

        CompareTableOperator.partial(
            task_id="compare", source_mysql_conn_id="shop_admin", mysql_conn_id="aurora_admin", schema="shop"
        ).expand(table=["customers", "orders"])
    """

    template_fields: Sequence[str] = (
        "schema", "table", "source_mysql_conn_id", "source_host", "source_port", "run", *MySqlOperator.template_fields,
    )  # fmt: skip

    def __init__(
        self,
        *,
        schema: str,
        table: str,
        source_mysql_conn_id: str,
        source_host: str | None = None,
        source_port: int | str | None = None,
        lag_seconds: float = 5,
        run: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.schema = schema
        self.table = table
        self.source_mysql_conn_id = source_mysql_conn_id
        self.source_host = source_host
        self.source_port = source_port
        self.lag_seconds = lag_seconds
        self.run = run

    def step(self, hook: RdsMySqlHook) -> dict[str, Any]:
        """Compare, keep the result, and fail if anything differs."""
        port = int(self.source_port) if self.source_port else None
        source = RdsMySqlHook(self.source_mysql_conn_id, host=self.source_host, port=port)
        result = checksum.TableChecksum(source, hook, self.schema, self.table, lag_seconds=self.lag_seconds).run()
        if self.run:
            checksum.store(source, self.run, result)
        if not result.same:
            told = [*result.definition, *(f"differs: {each}" for each in result.differences)]
            told += [f"changes too often to be compared: {each}" for each in result.undecided]
            raise NeedsPerson(f"{result.table} of {source.name} and {hook.name}: " + "; ".join(told))
        return result.as_json()
