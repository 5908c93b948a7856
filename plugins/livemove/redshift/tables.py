"""The steps of one table: extract, stage, merge, maintain. Each looks first and does what is missing.

These functions know nothing of tasks; `operators` wraps them.
"""

from __future__ import annotations

import logging
import resource
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from livemove.redshift import statements, swap, upkeep
from livemove.redshift.blocks import Decoder
from livemove.redshift.disk import forecast
from livemove.redshift.drift import WantedColumn
from livemove.redshift.examination import Examination, Window, examine, record_of, window_of
from livemove.redshift.extraction import Extraction
from livemove.redshift.lake import Lake, folder_of
from livemove.redshift.manifest import (
    MANIFEST_NAME,
    RECORD_NAME,
    ExtractionRecord,
    Part,
    part_name,
    verify_parts,
)
from livemove.redshift.names import redshift as q
from livemove.redshift.plans import select_statement
from livemove.redshift.settings import SyncSettings, load_sync
from livemove.redshift.source import SourceHook, await_heartbeat
from livemove.redshift.statements import STAGE, StateRow, TableState
from livemove.redshift.warehouse import Warehouse, WarehouseHook, retry_conflicts
from livemove.redshift.window import Bounds
from livemove.runbook.errors import NeedsPerson, TryAgain

log = logging.getLogger(__name__)


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

    def examine(self, tables: Sequence[str], *, full_reload: bool = False) -> dict[str, Examination | NeedsPerson]:
        """Examine tables; one that a person has to look at has the reason in place of its examination."""
        sources = self.reader.describe(self.settings.source.database, tables)
        found: dict[str, Examination | NeedsPerson] = {}
        with self.warehouse.session() as warehouse:
            states = self.state(warehouse)
            for table in tables:
                try:
                    found[table] = self._examine(warehouse, table, sources.get(table), states.get(table), full_reload)
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
        empty = not columns or not warehouse.rows(f"SELECT 1 FROM {q(schema, target)} LIMIT 1")
        return examine(self.settings, source, columns, state, target_empty=empty, full_reload=full_reload)


def extract(sync: Sync, table: str, bounds: Bounds, *, run_id: str, full_reload: bool = False) -> dict[str, Any]:
    """Read the rows of a window into S3, unless this run has done so already.

    :returns: folder and counts, fit for XCom.
    :raises NeedsPerson: settings, table or values need one.
    """
    exam = sync.examine([table], full_reload=full_reload)[table]
    if isinstance(exam, NeedsPerson):
        raise exam
    folder = folder_of(sync.settings.lake, sync=sync.name, table=table, run_id=run_id)
    if exam.state is not None and exam.state.folder == folder:
        log.info("This run has merged %s already; nothing is left to do.", table)
        return {"folder": folder, "rows": exam.state.rows_merged, "merged": True}
    found = sync.lake.listing(folder)
    record = sync.lake.read_record(folder)
    if record is not None and _still_good(sync, exam, record, found):
        log.info("Found the complete extraction of an earlier attempt: %s rows.", f"{record.rows:,}")
    else:
        if found:
            log.info("Removing %s objects that an earlier attempt left behind.", sync.lake.delete(found))
        record = _read_out(sync, exam, window_of(exam, bounds), bounds, folder)
        sync.lake.write_record(folder, record)
    return _summary(folder, record)


def _still_good(sync: Sync, exam: Examination, record: ExtractionRecord, found: Mapping[str, tuple[int, str]]) -> bool:
    """Whether the extraction of an earlier attempt can be merged as it is; if not, it is read again."""
    if record.state_version != exam.state_version or record.full != exam.full:
        return False
    try:
        verify_parts(sync.lake.bucket, record, found)
    except NeedsPerson as problem:
        log.warning("%s Reading the rows again.", problem)
        return False
    return True


def _summary(folder: str, record: ExtractionRecord) -> dict[str, Any]:
    return {
        "folder": folder,
        "rows": record.rows,
        "bytes": record.size,
        "parts": len(record.parts),
        "full": record.full,
        "seconds": record.seconds,
        "peak_mb": record.peak_mb,
        "findings": [dict(finding) for finding in record.findings],
    }


def _read_out(sync: Sync, exam: Examination, window: Window, bounds: Bounds, folder: str) -> ExtractionRecord:
    plan, source = exam.plan, sync.settings.source
    record = record_of(exam, window)
    if window.nothing:
        log.info("Nothing can have changed in %s since %s.", plan.table, record.lower)
        return record
    statement = select_statement(source.database, plan, lower=window.lower, upper=window.upper)
    what = f"all rows, as {exam.full_because}" if exam.full else f"rows changed after {window.lower}"
    log.info("Reading %s: %s.\n%s", plan.table, what, statement)
    attempt = secrets.token_hex(4)

    def put(number: int, body: bytes, rows: int) -> Part:
        return sync.lake.put_part(folder + part_name(attempt, number), body, rows=rows)

    extraction = Extraction(Decoder(plan.columns, plan.key), put)
    began = time.monotonic()
    with sync.reader.raw_session() as connection:
        if bounds.beat is not None:
            await_heartbeat(connection, source.heartbeat_schema, sync.name, bounds.beat)
        connection.query(statement)
        extraction.run(connection.use_result())
    for finding in extraction.tally.findings:
        log.warning("%s", finding)
    if extraction.tally.rejected:
        raise NeedsPerson(extraction.tally.refusal(plan.table, plan.key))
    seconds = time.monotonic() - began
    record = replace(
        record,
        rows=extraction.rows,
        uncompressed_bytes=extraction.uncompressed_bytes,
        parts=tuple(extraction.parts),
        findings=tuple(extraction.tally.as_json()),
        seconds=round(seconds, 2),
        peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    )
    log.info(
        "%s: %s rows, %.1f MB in %s parts, %.1f s, %s rows/s, peak memory %s MB. Next: stage.",
        plan.table, f"{record.rows:,}", record.size / 1e6, len(record.parts), seconds,
        f"{record.rows / max(seconds, 1e-3):,.0f}", record.peak_mb,
    )  # fmt: skip
    return record


def stage(sync: Sync, table: str, folder: str) -> dict[str, Any]:
    """Prove that the parts in S3 are those that were written, that they fit, and write COPY's manifest.

    :raises NeedsPerson: they are not, or they do not fit on the disk.
    """
    record = sync.lake.read_record(folder)
    if record is None:
        if _merged_from(sync, table, folder):
            return {"manifest": None, "rows": 0}
        raise NeedsPerson(f"{sync.lake.url(folder + RECORD_NAME)} is gone. Clear the task `extract` of {table}.")
    if _merged_from(sync, table, folder):
        log.info("This run has merged %s already.", table)
        return {"manifest": None, "rows": record.rows}
    verify_parts(sync.lake.bucket, record, sync.lake.listing(folder))
    _guard_disk(sync, record)
    manifest = sync.lake.write_manifest(folder, record)
    log.info(
        "%s parts with %s rows proven; manifest %s. Next: merge.",
        len(record.parts),
        f"{record.rows:,}",
        manifest,
    )
    return {"manifest": manifest, "rows": record.rows}


def _merged_from(sync: Sync, table: str, folder: str) -> bool:
    with sync.warehouse.session() as warehouse:
        state = sync.state(warehouse).get(table)
    return state is not None and state.folder == folder


def _guard_disk(sync: Sync, record: ExtractionRecord) -> None:
    guard = sync.settings.warehouse.disk_guard
    if guard.kind != "provisioned":
        log.info("Disk guard: %s has managed storage without a fixed size; nothing to forecast.", guard.kind)
        return
    with sync.warehouse.session() as warehouse:
        outlook = forecast(record.uncompressed_bytes, warehouse.disk(), guard)
    log.info("Disk guard: %s.", outlook)
    if not outlook.fits:
        raise NeedsPerson(
            f"The disk of the warehouse would run full: {outlook}. Nothing was loaded. VACUUM or drop what is not "
            "needed, add nodes, or lower `warehouse.disk_guard`; then clear the task `stage` of this table."
        )


def merge(sync: Sync, table: str, folder: str) -> dict[str, Any]:
    """Load the staged parts and merge them into the target, together with the new watermark, or not at all.

    :raises NeedsPerson: counts differ, or the state moved on since the extraction.
    """
    record = sync.lake.read_record(folder)
    with sync.warehouse.session() as warehouse:
        merged = retry_conflicts(lambda: _merge_once(sync, warehouse, table, folder, record))
    _tidy_up(sync, folder, record)
    target = record.target if record else sync.settings.target_of(table)
    return {"rows": merged, "target": f"{sync.settings.warehouse.schema_name}.{target}"}


def _merge_once(sync: Sync, warehouse: Warehouse, table: str, folder: str, record: ExtractionRecord | None) -> int:
    state = _prepare_state(sync, warehouse).get(table)
    if state is not None and state.folder == folder:
        log.info("This run has merged %s already.", table)
        return state.rows_merged
    if record is None:
        raise NeedsPerson(f"{sync.lake.url(folder + RECORD_NAME)} is gone. Clear the task `extract` of {table}.")
    _require_same_state(record, state)
    return _Merge(sync, warehouse, record, folder).run()


def _prepare_state(sync: Sync, warehouse: Warehouse) -> dict[str, TableState]:
    if not warehouse.has_table(sync.state_schema, statements.STATE_TABLE):
        warehouse.run(statements.create_schema(sync.state_schema))
        warehouse.run(statements.create_state(sync.state_schema))
    return sync.state(warehouse)


def _require_same_state(record: ExtractionRecord, state: TableState | None) -> None:
    now = state.version if state else 0
    if now != record.state_version:
        raise NeedsPerson(
            f"tables.{record.table}: another run has merged since these rows were read (state version {now}, was "
            f"{record.state_version}); merging them now could bring back older values. Clear the task `extract`."
        )


def _tidy_up(sync: Sync, folder: str, record: ExtractionRecord | None) -> None:
    """What was merged is not needed in S3 any more; the small record and manifest stay as evidence."""
    if record is not None and not sync.settings.lake.keep_parts:
        sync.lake.delete([part.key for part in record.parts])


class _Merge:
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
        actual = [column.name for column in self.warehouse.columns(*self.target)]
        if self.record.full:
            if not actual:
                self.warehouse.run(statements.create_schema(self.schema))
            return self._replace(actual)
        if not actual:
            raise NeedsPerson(
                f"tables.{self.record.table}: {q(*self.target)} has vanished since the changes were read, and they "
                "alone are not the table. Clear the task `extract`: it will read all rows."
            )
        return self._upsert()

    def _upsert(self) -> int:
        record, warehouse = self.record, self.warehouse
        merged = 0
        with ExitStack() as cleanup:
            if record.rows:
                self._copy_into_stage()
                cleanup.callback(_quietly, warehouse, statements.drop_table((STAGE,)))
            with warehouse.transaction():
                if record.rows:
                    if record.mode == "upsert":
                        deleted = warehouse.run(statements.delete_matching(self.target, STAGE, record.key))
                        log.info("%s rows in %s.%s are renewed.", f"{deleted:,}", *self.target)
                    merged = self._insert_from_stage(self.target)
                self._append_state(merged)
        log.info("%s rows merged into %s.%s. Next: maintain.", f"{merged:,}", *self.target)
        return merged

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
        merged = self._insert_from_stage(shadow)
        self.warehouse.run(statements.drop_table((STAGE,)))
        return merged

    def _copy_into_stage(self) -> None:
        self.warehouse.run(statements.drop_table((STAGE,)))
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
            _require_same_state(self.record, self.sync.state(other).get(self.record.table))


def _quietly(warehouse: Warehouse, statement: str) -> None:
    try:
        warehouse.run(statement)
    except Exception:
        log.info("The session is gone, and with it its temporary tables.")


def maintain(sync: Sync, target: str) -> dict[str, Any]:
    """VACUUM and ANALYZE a target where it is worth it, and tell what that changed.

    :param target: name of the table in the warehouse, without its schema.
    """
    schema, limits = sync.settings.warehouse.schema_name, sync.settings.warehouse.upkeep
    table = (schema, target)
    with sync.warehouse.session() as warehouse:
        before = warehouse.health(*table)
        if before is None:
            log.info("%s.%s is empty; nothing to maintain.", *table)
            return {"did": []}
        log.info("Before: %s.", before)
        did = []
        if what := upkeep.vacuum_needed(before, limits):
            warehouse.run(statements.vacuum(table, what=what, to_percent=limits.vacuum_to_percent))
            did.append(f"VACUUM {what}")
        if upkeep.analyze_needed(before, limits):
            warehouse.run(statements.analyze(table))
            did.append("ANALYZE")
        after = warehouse.health(*table) if did else before
    log.info("After %s: %s.", " and ".join(did) if did else "nothing was needed", after)
    helped = not what or after is None or upkeep.vacuum_helped(before, after)
    if not helped:
        log.warning(
            "VACUUM changed nothing: without being owner of %s.%s it does nothing and says nothing (r_VACUUM_command).",
            *table,
        )
    return {"did": did, "before": str(before), "after": str(after), "helped": helped}
