"""Operators of the sync. Each can be used alone, in any DAG; `dags/redshift_sync.py` joins them.

Example::

    with DAG("orders_to_redshift", schedule="@hourly", max_active_runs=1):
        bounds = ReadBoundsOperator(task_id="bounds", sync="shop", tables=["orders"])
        extract = ExtractTableOperator(task_id="extract", sync="shop", table="orders", bounds=bounds.output)
        stage = StageTableOperator(task_id="stage", sync="shop", table="orders", extracted=extract.output)
        merge = MergeTableOperator(task_id="merge", sync="shop", table="orders", extracted=extract.output)
        maintain = MaintainTableOperator(task_id="maintain", sync="shop", merged=merge.output)
        bounds >> extract >> stage >> merge >> maintain
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from airflow.sdk import AssetAlias, BaseOperator
from airflow.sdk.log import redact

from livemove.redshift import tables
from livemove.redshift.assets import table_asset
from livemove.redshift.plan_text import render
from livemove.redshift.preflight import begin_bounds, check_sync, not_ready
from livemove.redshift.settings import choose_syncs
from livemove.redshift.sync import Sync
from livemove.redshift.triggers import BoundsReadyTrigger
from livemove.redshift.window import Bounds
from livemove.runbook.errors import NeedsPerson
from livemove.runbook.failing import problems_reported

if TYPE_CHECKING:
    from airflow.sdk import Context

# Every merged table's asset event goes through this alias, as the tables are known at run time only.
MERGED_TABLES = AssetAlias(name="redshift_sync", group="redshift_sync")


@contextmanager
def _problems_explained(context: Context) -> Iterator[None]:
    """Report problems, and name the task's row on the run page after what waits for a person."""
    with problems_reported(context):
        try:
            yield
        except NeedsPerson as problem:
            context["livemove_label"] = f"{context.get('livemove_label', '')}: {_headline(redact(str(problem)))}"
            raise


def _headline(text: str, length: int = 80) -> str:
    """The beginning of a problem's text, for the run page."""
    first = text.splitlines()[0]
    return first if len(first) <= length else first[: length - 1].rsplit(" ", 1)[0] + " …"


class SyncOperator(BaseOperator):
    """Base of the operators that work on one sync.

    :param sync: name of the file in `include/sync`, without `.yaml`.
    """

    template_fields: Sequence[str] = ("sync",)
    ui_color = "#e8f1fa"

    def __init__(self, *, sync: str, map_index_template: str = "{{ livemove_label }}", **kwargs: Any) -> None:
        super().__init__(map_index_template=map_index_template, **kwargs)
        self.sync = sync

    def execute(self, context: Context) -> Any:
        """Do the work; a problem that needs a person is not retried."""
        self._label(context, "")
        with _problems_explained(context):
            return self.work(context)

    def work(self, context: Context) -> Any:
        """What this operator does."""
        raise NotImplementedError

    def _label(self, context: Context, what: str) -> None:
        """Name the task's row on the run page."""
        name = f"{self.sync}.{self.table}" if hasattr(self, "table") else self.sync
        context["livemove_label"] = f"{name}: {what}" if what else name


class ChooseSyncsOperator(BaseOperator):
    """Choose the sync files of a run.

    :param syncs: names; none means all files in `include/sync`.
    :param tables: tables that the run is narrowed to; each has to be in one of the files.
    :returns: the names.
    """

    template_fields: Sequence[str] = ("syncs", "tables")

    def __init__(
        self, *, syncs: Sequence[str] | str | None = None, tables: Sequence[str] | str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.syncs = syncs
        self.tables = tables

    def execute(self, context: Context) -> list[str]:
        """Return the names, and refuse those that no file has."""
        with _problems_explained(context):
            return choose_syncs(self.syncs or (), self.tables or ())


class CheckSyncOperator(SyncOperator):
    """Look at source, bucket and warehouse and say what a run would do. Changes nothing.

    :param tables: tables to take; none means all in the file.
    :param full_reload: whether a run would read all rows.
    :param plan_only: return no table, so that nothing follows.
    :returns: the sync's tables that a run would take; the plan's text is in XCom under `plan`.
    """

    template_fields: Sequence[str] = ("sync", "tables", "full_reload", "plan_only")

    def __init__(
        self,
        *,
        tables: Sequence[str] | None = None,
        full_reload: bool = False,
        plan_only: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.tables = tables
        self.full_reload = full_reload
        self.plan_only = plan_only

    def work(self, context: Context) -> list[str]:
        """Check, render the plan and log it."""
        sync = Sync.named(self.sync)
        chosen = [table for table in sync.settings.tables if not self.tables or table in self.tables]
        with sync.warehouse.session() as warehouse:
            check_sync(sync, warehouse)
            found = sync.examine(chosen, full_reload=bool(self.full_reload), warehouse=warehouse)
        plan = render(self.sync, sync.settings, found)
        self.log.info("%s", plan)
        problems = sum(isinstance(each, NeedsPerson) for each in found.values())
        self._label(context, f"{len(chosen)} tables" + (f", {problems} with a problem" if problems else ""))
        context["ti"].xcom_push(key="plan", value=plan)
        return [] if self.plan_only else chosen


class ReadBoundsOperator(SyncOperator):
    """Read how far a run may go, and wait, in the triggerer, until the reader has all of it.

    :param tables: tables that will be read.
    :returns: the bounds.
    """

    template_fields: Sequence[str] = ("sync", "tables")

    def __init__(self, *, tables: Sequence[str] = (), poll_seconds: float = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.tables = tables
        self.poll_seconds = poll_seconds

    def work(self, context: Context) -> dict[str, Any] | None:
        """Look, write the heartbeat, and defer if the reader lags."""
        if not self.tables:
            self._label(context, "nothing to do")
            return None
        sync = Sync.named(self.sync)
        bounds, look = begin_bounds(sync, self.tables)
        for warning in bounds.warnings:
            self.log.warning("%s", warning)
        self.log.info("Rows up to %s UTC (%s on the source's clock) are complete.", bounds.utc, bounds.local)
        reason = not_ready(sync, bounds, look)
        if reason is not None:
            limit = sync.settings.source.reader_timeout_seconds
            self.log.info("Waiting up to %s s: %s.", limit, reason)
            trigger = BoundsReadyTrigger(
                self.sync, bounds.as_json(), look.clock.isoformat(), time.time() + limit, self.poll_seconds
            )
            self.defer(trigger=trigger, method_name="resume", kwargs={"bounds": bounds.as_json()})
        self._label(context, f"up to {bounds.utc} UTC")
        return bounds.as_json()

    def resume(self, context: Context, event: dict[str, Any], bounds: dict[str, Any]) -> dict[str, Any]:
        """Go on after the wait.

        :raises RuntimeError: the time was up.
        """
        self._label(context, f"up to {Bounds.from_json(bounds).utc} UTC")
        if not event["ready"]:
            raise RuntimeError(
                f"Waited too long: {event['reason']}. Look at the reader's lag or end that transaction; the limit is "
                "`source.reader_timeout_seconds`."
            )
        return bounds


class TableOperator(SyncOperator):
    """Base of the operators that work on one table.

    :param table: name of the table in the source.
    """

    template_fields: Sequence[str] = ("sync", "table")

    def __init__(self, *, table: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.table = table


class ExtractTableOperator(TableOperator):
    """Read a table's new rows into Parquet parts in S3.

    :param bounds: what `ReadBoundsOperator` returned.
    :param full_reload: read all rows.
    :returns: folder and counts.
    """

    template_fields: Sequence[str] = ("sync", "table", "bounds", "full_reload")

    def __init__(self, *, bounds: Any, full_reload: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.bounds = bounds
        self.full_reload = full_reload

    def work(self, context: Context) -> dict[str, Any]:
        """Extract."""
        done = tables.extract(
            Sync.named(self.sync),
            self.table,
            Bounds.from_json(self.bounds),
            run_id=f"{context['dag'].dag_id}/{context['run_id']}",
            full_reload=bool(self.full_reload),
        )
        self._label(context, f"{done['rows']:,} rows read")
        return done


class StageTableOperator(TableOperator):
    """Prove the parts in S3, forecast the disk and write COPY's manifest.

    :param extracted: what `ExtractTableOperator` returned.
    """

    template_fields: Sequence[str] = ("sync", "table", "extracted")

    def __init__(self, *, extracted: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.extracted = extracted

    def work(self, context: Context) -> dict[str, Any]:
        """Stage."""
        done = tables.stage(Sync.named(self.sync), self.table, self.extracted["folder"])
        self._label(context, f"{done['rows']:,} rows proven")
        return done


class MergeTableOperator(TableOperator):
    """COPY the parts and merge them, in one transaction with the new watermark.

    :param extracted: what `ExtractTableOperator` returned.
    """

    template_fields: Sequence[str] = ("sync", "table", "extracted")

    def __init__(self, *, extracted: Any, **kwargs: Any) -> None:
        super().__init__(outlets=[MERGED_TABLES], **kwargs)
        self.extracted = extracted

    def work(self, context: Context) -> dict[str, Any]:
        """Merge, and tell the DAGs that wait for this table."""
        done = tables.merge(Sync.named(self.sync), self.table, self.extracted["folder"])
        context["outlet_events"][MERGED_TABLES].add(table_asset(self.sync, self.table), extra={"rows": done["rows"]})
        self._label(context, f"{done['rows']:,} rows merged")
        return done


class MaintainTableOperator(TableOperator):
    """VACUUM and ANALYZE a table, if it is worth it.

    :param merged: what `MergeTableOperator` returned.
    """

    template_fields: Sequence[str] = ("sync", "table", "merged")

    def __init__(self, *, merged: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.merged = merged

    def work(self, context: Context) -> dict[str, Any]:
        """Maintain."""
        done = tables.maintain(Sync.named(self.sync), self.merged["target"].split(".", 1)[1])
        self._label(context, ", ".join(done["did"]) or "nothing needed")
        return done
