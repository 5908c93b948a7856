"""Look at everything a sync needs, by using it, and change nothing."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta

from livemove.redshift.plans import plan_table
from livemove.redshift.sync import Sync
from livemove.redshift.warehouse import Warehouse
from livemove.redshift.window import Bounds, Look, WatermarkKind
from livemove.runbook.errors import NeedsPerson

log = logging.getLogger(__name__)


def check_sync(sync: Sync, warehouse: Warehouse) -> None:
    """Check connections and privileges.

    :param warehouse: an open session.
    :raises NeedsPerson: something is missing; the message says what to do.
    """
    sync.writer.require_process_privilege()
    sync.writer.require_no_replica()
    sync.lake.check()
    if sync.settings.warehouse.disk_guard.kind == "provisioned":
        disk = warehouse.disk()
        if not disk.capacity_mb:
            raise NeedsPerson(
                "warehouse.disk_guard.kind: stv_partitions shows this user no disk. GRANT it SYSLOG ACCESS "
                "UNRESTRICTED, or set kind to `ra3` or `serverless` if the cluster is one."
            )
        log.info("Warehouse: %s of %s MB free.", f"{disk.free_mb:,}", f"{disk.capacity_mb:,}")


def begin_bounds(sync: Sync, tables: Sequence[str], *, heartbeat: bool = True) -> tuple[Bounds, Look]:
    """Read the upper ends of a run: clock and open transactions first, then the heartbeat.

    :param heartbeat: False looks only and writes nothing.
    :returns: the bounds, and the look that they come from.
    """
    source = sync.settings.source
    integers = _integer_watermarks(sync, tables)
    highest = sync.writer.highest(source.database, integers) if integers else {}
    look = sync.writer.look()
    local, offset = sync.writer.local_time(look.upper, source.datetime_zone)
    stuck = look.stuck(timedelta(seconds=source.idle_transaction_seconds))
    warnings = [f"The bound is held back by {each}." for each in stuck]
    beat = None
    if heartbeat and source.reader_conn_id:
        beat = sync.writer.write_heartbeat(source.heartbeat_schema, sync.name)
    bounds = Bounds(
        sync=sync.name,
        tables=list(tables),
        utc=str(look.upper),
        local=local,
        offset_minutes=offset,
        beat=beat,
        integers=highest,
        warnings=warnings,
    )
    return bounds, look


def _integer_watermarks(sync: Sync, tables: Sequence[str]) -> dict[str, str]:
    found = {}
    # The writer's definitions, as the reader may not show a new table yet.
    for name, source in sync.writer.describe(sync.settings.source.database, tables).items():
        try:
            plan = plan_table(sync.settings, source)
        except NeedsPerson:
            continue  # The table's own tasks will say what is wrong with it.
        if plan.watermark and plan.watermark_kind is WatermarkKind.INTEGER:
            found[name] = plan.watermark
    return found


def not_ready(sync: Sync, bounds: Bounds, look: Look) -> str | None:
    """Why rows may not be read yet; None when they may."""
    source = sync.settings.source
    if bounds.integers:
        # An open transaction may hold numbers below the highest that is visible.
        now = sync.writer.look()
        if not now.settled(look.clock):
            return f"tables with integer watermarks wait for an older transaction to end: {now.oldest}"
    if bounds.beat is not None:
        shown, seen = sync.reader.shows_heartbeat(source.heartbeat_schema, sync.name, bounds.beat)
        if not shown:
            return f"the reader shows heartbeat {seen}, and {bounds.beat} is needed"
    return None
