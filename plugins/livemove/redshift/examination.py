"""What is to be done with one table, decided from its plan, its target and its state. No I/O."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from livemove.redshift.drift import Drift, TargetColumn, WantedColumn, compare
from livemove.redshift.manifest import ExtractionRecord
from livemove.redshift.plans import SourceTable, TablePlan, plan_table
from livemove.redshift.settings import SyncSettings
from livemove.redshift.statements import TableState
from livemove.redshift.window import Bounds, Mark, is_empty, lower_for
from livemove.runbook.errors import NeedsPerson


@dataclass(frozen=True)
class Examination:
    """A table, its target and its state, as they were found.

    :ivar full_because: why all rows are read; empty when only the difference is.
    """

    plan: TablePlan
    schema: str
    wanted: Sequence[WantedColumn]
    target_exists: bool
    drift: Drift
    state: TableState | None
    full_because: str = ""

    @property
    def full(self) -> bool:
        """Whether all rows are read and the target is replaced."""
        return bool(self.full_because)

    @property
    def stored(self) -> Mark | None:
        """The mark above which rows are read; None if all are."""
        return None if self.full or self.state is None or self.state.upper is None else Mark.parse(self.state.upper)

    @property
    def state_version(self) -> int:
        """The state's newest version; 0 before the first run."""
        return self.state.version if self.state else 0


@dataclass(frozen=True)
class Window:
    """The ends that the SELECT is given, and the mark that the state will keep.

    :ivar lower: exclusive; None: from the beginning.
    :ivar upper: inclusive; None: without end.
    :ivar nothing: no row can lie inside, so nothing has to be read.
    """

    lower: str | None
    upper: str | None
    mark: Mark | None
    nothing: bool = False


def examine(
    sync: SyncSettings,
    source: SourceTable,
    target: Sequence[TargetColumn],
    state: TableState | None,
    *,
    target_empty: bool = True,
    full_reload: bool = False,
) -> Examination:
    """Decide what to do with a table.

    :param target: the target's columns; none if it does not exist.
    :raises NeedsPerson: a person has to change settings or target first; the message says what.
    """
    plan = plan_table(sync, source, target_order=[column.name for column in target])
    schema = sync.warehouse.schema_name
    wanted = tuple(
        WantedColumn(column.target, column.redshift_type, column.name in plan.key) for column in plan.columns
    )
    drift = compare((schema, plan.target), wanted, target) if target else Drift()
    if drift.blockers:
        lines = "\n".join(f"- {blocker}" for blocker in drift.blockers)
        raise NeedsPerson(f"tables.{source.name}: its definition and the warehouse's differ:\n{lines}")
    if target and not target_empty and state is None and not full_reload:
        raise NeedsPerson(
            f"tables.{source.name}: {schema}.{plan.target} has rows that this sync did not bring. Rename or drop it, "
            "set `target` to another name, or run once with the param `full_reload` to have it replaced."
        )
    because = _why_full(plan, bool(target), drift, state, full_reload)
    return Examination(plan, schema, wanted, bool(target), drift, state, because)


def _why_full(plan: TablePlan, target_exists: bool, drift: Drift, state: TableState | None, full_reload: bool) -> str:
    if full_reload:
        return "a full reload was asked for"
    if plan.mode == "replace":
        return "its mode is replace"
    if not target_exists:
        return "it is not in the warehouse yet"
    if state is None or state.upper is None:
        return "no watermark is stored for it"
    if drift.additions:
        added = ", ".join(column.name for column in drift.additions)
        return f"the source gained {added}, and rows that did not change since have values there too"
    return ""


def window_of(exam: Examination, bounds: Bounds) -> Window:
    """The window of a run.

    :raises NeedsPerson: the source's clock went back over a table that may only be appended to.
    """
    plan = exam.plan
    if plan.watermark_kind is None:
        return Window(None, None, None)
    mark = bounds.upper_for(plan.watermark_kind, plan.table)
    upper = mark.value if mark else None
    stored = exam.stored
    if stored is None:
        # Rows above the bound may be read now and again, but not where rows are only appended.
        bounded = plan.mode == "append"
        return Window(None, upper if bounded else None, mark, nothing=bounded and mark is None)
    lower = lower_for(
        plan.watermark_kind,
        stored,
        offset_minutes=bounds.offset_minutes,
        lookback_seconds=plan.lookback_seconds,
    )
    if plan.mode == "append" and lower != stored.value:
        raise NeedsPerson(
            f"tables.{plan.table}: the source's clock went back, so times repeat, and in mode append the repeated "
            "hour would be loaded twice or not at all. Run once with the param `full_reload`."
        )
    if mark is None or is_empty(plan.watermark_kind, stored.value, mark):
        return Window(lower, upper or stored.value, stored, nothing=not plan.watermark_nullable)
    return Window(lower, upper, mark)


def record_of(exam: Examination, window: Window) -> ExtractionRecord:
    """The record of an extraction in which nothing was read yet."""
    plan = exam.plan
    return ExtractionRecord(
        table=plan.table,
        target=plan.target,
        mode=plan.mode,
        full=exam.full,
        lower=str(exam.stored) if exam.stored else None,
        upper=str(window.mark) if window.mark else None,
        rows=0,
        uncompressed_bytes=0,
        parts=(),
        columns=tuple((column.name, column.type, column.not_null) for column in exam.wanted),
        key=tuple(plan.target_key),
        unique=plan.unique,
        watermark=plan.target_of(plan.watermark) if plan.watermark else None,
        dist_key=plan.target_of(plan.dist_key) if plan.dist_key else None,
        sort_key=tuple(plan.target_of(name) for name in plan.sort_key),
        state_version=exam.state_version,
    )
