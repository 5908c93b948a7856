"""The steps of one table: extract, stage, merge, maintain. Each looks first and does what is missing.

These functions know nothing of tasks; `operators` wraps them.
"""

from __future__ import annotations

import logging
import resource
import secrets
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from livemove.redshift import statements, upkeep
from livemove.redshift.blocks import Decoder
from livemove.redshift.disk import forecast
from livemove.redshift.examination import Examination, Window, record_of, window_of
from livemove.redshift.extraction import Extraction
from livemove.redshift.lake import folder_of
from livemove.redshift.manifest import (
    RECORD_NAME,
    ExtractionRecord,
    Part,
    part_name,
    verify_parts,
)
from livemove.redshift.merging import Merge, require_same_state
from livemove.redshift.plans import select_statement
from livemove.redshift.source import await_heartbeat
from livemove.redshift.statements import TableState
from livemove.redshift.sync import Sync
from livemove.redshift.warehouse import Warehouse, retry_conflicts
from livemove.redshift.window import Bounds
from livemove.runbook.errors import NeedsPerson

log = logging.getLogger(__name__)


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
    record = sync.lake.read_record(folder) if found else None
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
    with sync.warehouse.session() as warehouse:
        state = sync.state(warehouse).get(table)
        if state is not None and state.folder == folder:
            log.info("This run has merged %s already.", table)
            return {"manifest": None, "rows": record.rows if record else 0}
        if record is None:
            raise NeedsPerson(f"{sync.lake.url(folder + RECORD_NAME)} is gone. Clear the task `extract` of {table}.")
        verify_parts(sync.lake.bucket, record, sync.lake.listing(folder))
        _guard_disk(sync, warehouse, record)
    manifest = sync.lake.write_manifest(folder, record)
    log.info(
        "%s parts with %s rows proven; manifest %s. Next: merge.",
        len(record.parts),
        f"{record.rows:,}",
        manifest,
    )
    return {"manifest": manifest, "rows": record.rows}


def _guard_disk(sync: Sync, warehouse: Warehouse, record: ExtractionRecord) -> None:
    guard = sync.settings.warehouse.disk_guard
    if guard.kind != "provisioned":
        log.info("Disk guard: %s has managed storage without a fixed size; nothing to forecast.", guard.kind)
        return
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
    require_same_state(record, state)
    # COPY compares lengths only: a part that was replaced by one of the same size would pass.
    verify_parts(sync.lake.bucket, record, sync.lake.listing(folder))
    return Merge(sync, warehouse, record, folder).run()


def _prepare_state(sync: Sync, warehouse: Warehouse) -> dict[str, TableState]:
    found = sync.state(warehouse)
    if not found and not warehouse.has_table(sync.state_schema, statements.STATE_TABLE):
        warehouse.run(statements.create_schema(sync.state_schema))
        warehouse.run(statements.create_state(sync.state_schema))
    return found


def _tidy_up(sync: Sync, folder: str, record: ExtractionRecord | None) -> None:
    """What was merged is not needed in S3 any more; the small record and manifest stay as evidence."""
    if record is not None and not sync.settings.lake.keep_parts:
        sync.lake.delete([part.key for part in record.parts])


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
