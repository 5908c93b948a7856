"""One merge: COPY, proof of counts, and one transaction that holds the rows and the new watermark."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace

from livemove.redshift import statements, swap
from livemove.redshift.drift import WantedColumn
from livemove.redshift.manifest import (
    MANIFEST_NAME,
    ExtractionRecord,
)
from livemove.redshift.names import redshift as q
from livemove.redshift.statements import STAGE, StateRow, TableState
from livemove.redshift.sync import Sync
from livemove.redshift.warehouse import Warehouse, says_no_table
from livemove.runbook.errors import NeedsPerson, TryAgain

log = logging.getLogger(__name__)


def require_same_state(record: ExtractionRecord, state: TableState | None) -> None:
    """Refuse to merge rows that were read before another run merged.

    :raises NeedsPerson: the table's state has moved on.
    """
    now = state.version if state else 0
    if now != record.state_version:
        raise NeedsPerson(
            f"tables.{record.table}: another run has merged since these rows were read (state version {now}, was "
            f"{record.state_version}); merging them now could bring back older values. Clear the task `extract`."
        )


class Merge:
    """One attempt to merge one extraction."""

    def __init__(self, sync: Sync, warehouse: Warehouse, record: ExtractionRecord, folder: str) -> None:
        self.sync = sync
        self.warehouse = warehouse
        self.record = record
        self.folder = folder
        self.schema = sync.settings.warehouse.schema_name
        self.target = (self.schema, record.target)
        self.columns = [WantedColumn(*column) for column in record.columns]
        self.names = [column.name for column in self.columns]

    def run(self) -> int:
        """Merge and return the rows that the target gained or renewed."""
        if self.record.full:
            actual = [column.name for column in self.warehouse.columns(*self.target)]
            if not actual:
                self.warehouse.run(statements.create_schema(self.schema))
            return self._replace(actual)
        return self._upsert()

    def _upsert(self) -> int:
        with self._filled_stage() if self.record.rows else nullcontext(), self.warehouse.transaction():
            merged = self._renew_target()
            self._append_state(merged)
        log.info("%s rows merged into %s.%s. Next: maintain.", f"{merged:,}", *self.target)
        return merged

    @contextmanager
    def _filled_stage(self) -> Iterator[None]:
        """A stage with the rows, which ends with the session.

        It is dropped after a failure alone, as another attempt in this session needs its name. What stops the task (a
        time-out is no Exception) finds the session busy with COPY and does not wait for it.
        """
        try:
            self._copy_into_stage()
            yield
        except Exception:
            _quietly(self.warehouse, statements.drop_table((STAGE,)))
            raise

    def _renew_target(self) -> int:
        record, warehouse = self.record, self.warehouse
        try:
            if not record.rows:
                warehouse.rows(f"SELECT 1 FROM {q(*self.target)} LIMIT 0")
                return 0
            if record.mode == "upsert":
                deleted = warehouse.run(statements.delete_matching(self.target, STAGE, record.key))
                log.info("%s rows in %s.%s are renewed.", f"{deleted:,}", *self.target)
            return self._insert_from_stage(self.target)
        except Exception as error:
            if not says_no_table(error):
                raise
            raise NeedsPerson(
                f"tables.{record.table}: {q(*self.target)} has vanished since the changes were read, and they "
                "alone are not the table. Clear the task `extract`: it will read all rows."
            ) from error

    def _replace(self, actual: Sequence[str]) -> int:
        """Fill a shadow of the target and let it take the target's place.

        All in one transaction: a dead worker leaves nothing behind, and two of them do not meet in the shadow.

        :param actual: the target's columns; none if it does not exist.
        """
        record, warehouse = self.record, self.warehouse
        shadow = (self.schema, swap.shadow_name(record.target))
        bound = swap.bound_to(warehouse, self.schema, record.target)
        # A target that somebody else made may have none.
        key = warehouse.primary_key(*self.target) if actual else record.key
        with warehouse.transaction():
            self._create_shadow(shadow, actual)
            merged = self._fill_shadow(shadow)
            if key:
                warehouse.run(statements.add_primary_key(shadow, key))
            swap.swap_in(warehouse, self.schema, record.target, bound, exists=bool(actual))
            self._append_state(merged)
        log.info("%s rows now make up %s.%s. Next: maintain.", f"{merged:,}", *self.target)
        return merged

    def _create_shadow(self, shadow: tuple[str, str], actual: Sequence[str]) -> None:
        record, run = self.record, self.warehouse.run
        if not actual:
            sort_key = record.sort_key or record.key
            run(statements.create_table(q(*shadow), self.columns, dist_key=record.dist_key, sort_key=sort_key))
            return
        run(statements.create_like(q(*shadow), q(*self.target)))
        for column in self.columns:
            if column.name not in actual:
                log.info("The source gained %s; adding it.", column.name)
                run(statements.add_column(shadow, replace(column, not_null=False)))

    def _fill_shadow(self, shadow: tuple[str, str]) -> int:
        record = self.record
        if not record.rows:
            return 0
        if record.unique or record.mode != "upsert":
            self._copy(q(*shadow))
            return record.rows
        self._copy_into_stage()
        return self._insert_from_stage(shadow)

    def _copy_into_stage(self) -> None:
        self.warehouse.run(statements.create_stage(STAGE, self.columns))
        self._copy(STAGE)

    def _copy(self, name: str) -> None:
        """COPY, and prove that as many rows arrived as were extracted."""
        began = time.monotonic()
        url = self.sync.lake.url(self.folder + MANIFEST_NAME)
        self.warehouse.run(statements.copy(name, manifest_url=url, iam_role=self.sync.settings.warehouse.iam_role))
        staged = int(self.warehouse.value(statements.count(name)))
        if staged != self.record.rows:
            raise NeedsPerson(
                f"tables.{self.record.table}: {self.record.rows} rows were extracted and {staged} arrived in Redshift. "
                "Nothing was merged and the watermark stays. Look into stl_load_errors, then clear the task `extract`."
            )
        log.info("COPY of %s rows took %.1f s.", f"{staged:,}", time.monotonic() - began)

    def _insert_from_stage(self, target: tuple[str, str]) -> int:
        """Insert, and prove that as many rows went in as should have."""
        record = self.record
        expected = record.rows
        statement = statements.insert_all(target, STAGE, self.names)
        if not record.unique and record.mode == "upsert":
            expected = int(self.warehouse.value(statements.count_distinct_keys(STAGE, record.key)))
            log.info("%s rows share a key with a later one and are left out.", f"{record.rows - expected:,}")
            if record.watermark:
                statement = statements.insert_latest(
                    target, STAGE, self.names, key=record.key, watermark=record.watermark
                )
        inserted = self.warehouse.run(statement)
        if inserted != expected:
            raise TryAgain(f"{expected} rows should have been inserted, and {inserted} were; rolled back.")
        return inserted

    def _append_state(self, merged: int) -> None:
        record = self.record
        row = StateRow(
            sync=self.sync.name,
            table=record.table,
            version=record.state_version + 1,
            mode="full" if record.full else record.mode,
            lower=record.lower,
            upper=record.upper,
            rows_extracted=record.rows,
            rows_merged=merged,
            folder=self.folder,
        )
        self.warehouse.append_state(self.sync.state_schema, row)
        self._require_no_rival()

    def _require_no_rival(self) -> None:
        """Look, from outside this transaction, whether another run has merged this table meanwhile.

        The state's new line holds the write lock of its table until COMMIT (guide, c_write_readwrite). So a rival's
        line is either committed and shows, or waits, and the rival will see ours. Read inside the transaction, the
        state would let merges of different tables end in error 1023.
        """
        with self.sync.warehouse.session() as other:
            require_same_state(self.record, self.sync.state(other).get(self.record.table))


def _quietly(warehouse: Warehouse, statement: str) -> None:
    try:
        warehouse.run(statement)
    except Exception:
        log.info("The session is gone, and with it its temporary tables.")
