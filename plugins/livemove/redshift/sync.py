"""A sync file with the connections that it names, and how its tables are examined."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from livemove.redshift.examination import Examination, examine
from livemove.redshift.lake import Lake
from livemove.redshift.names import redshift as q
from livemove.redshift.settings import SyncSettings, load_sync
from livemove.redshift.source import SourceHook
from livemove.redshift.statements import TableState
from livemove.redshift.warehouse import Warehouse, WarehouseHook
from livemove.runbook.errors import NeedsPerson


@dataclass(frozen=True)
class Sync:
    """A sync file with the connections that it names.

    :ivar name: the file's name without `.yaml`.
    """

    name: str
    settings: SyncSettings

    @classmethod
    def named(cls, name: str) -> Sync:
        """Load a sync by the name of its file."""
        return cls(name, load_sync(name))

    @cached_property
    def writer(self) -> SourceHook:
        """The source's writer."""
        return SourceHook(mysql_conn_id=self.settings.source.writer_conn_id)

    @cached_property
    def reader(self) -> SourceHook:
        """Where rows are read."""
        return SourceHook(mysql_conn_id=self.settings.source.reading_conn_id)

    @cached_property
    def warehouse(self) -> WarehouseHook:
        """The warehouse."""
        return WarehouseHook(redshift_conn_id=self.settings.warehouse.conn_id, aws_conn_id=self.settings.lake.conn_id)

    @cached_property
    def lake(self) -> Lake:
        """The bucket."""
        return Lake(self.settings.lake)

    @property
    def state_schema(self) -> str:
        """Where the state is."""
        return self.settings.warehouse.state_schema

    def state(self, warehouse: Warehouse) -> dict[str, TableState]:
        """The newest state of each table."""
        return warehouse.state(self.state_schema, self.name)

    def examine(
        self, tables: Sequence[str], *, full_reload: bool = False, warehouse: Warehouse | None = None
    ) -> dict[str, Examination | NeedsPerson]:
        """Examine tables; one that a person has to look at has the reason in place of its examination.

        :param warehouse: a session that is open already.
        """
        sources = self.reader.describe(self.settings.source.database, tables)
        found: dict[str, Examination | NeedsPerson] = {}
        with nullcontext(warehouse) if warehouse else self.warehouse.session() as session:
            states = self.state(session)
            for table in tables:
                try:
                    found[table] = self._examine(session, table, sources.get(table), states.get(table), full_reload)
                except NeedsPerson as problem:
                    found[table] = problem
        return found

    def _examine(
        self, warehouse: Warehouse, table: str, source: Any, state: TableState | None, full_reload: bool
    ) -> Examination:
        if source is None:
            raise NeedsPerson(
                f"tables.{table}: database {self.settings.source.database!r} has no such table, or this user may "
                "not read it. Correct the name, remove it from the file, or GRANT SELECT on it."
            )
        schema = self.settings.warehouse.schema_name
        target = self.settings.target_of(table)
        columns = warehouse.columns(schema, target)
        # With a state, the rows are ours.
        has_rows = state is None and columns and warehouse.rows(f"SELECT 1 FROM {q(schema, target)} LIMIT 1")
        return examine(self.settings, source, columns, state, target_empty=not has_rows, full_reload=full_reload)
