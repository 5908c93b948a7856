"""The plan of a sync as text: every statement and call, before anything is done. A tested contract."""

from __future__ import annotations

from collections.abc import Mapping
from textwrap import indent

from livemove.redshift import statements, swap
from livemove.redshift.examination import Examination
from livemove.redshift.names import redshift as q
from livemove.redshift.plans import TablePlan, select_statement
from livemove.redshift.settings import SyncSettings
from livemove.redshift.statements import STAGE
from livemove.redshift.window import lower_for
from livemove.runbook.errors import NeedsPerson

_UPPER = "2000-01-01"


def render(name: str, sync: SyncSettings, tables: Mapping[str, Examination | NeedsPerson]) -> str:
    """Render the plan of one sync. `:upper` and `<run>` stand for what only the run itself will know.

    :param tables: the examination of each table, or why a person has to look at it.
    """
    parts = [f"# Plan of sync {name}", "", *_bounds(sync), ""]
    for table, exam in tables.items():
        if isinstance(exam, NeedsPerson):
            parts += [f"## {table}: not possible", "", str(exam), ""]
        else:
            parts += [f"## {table}: {_headline(exam)}", "", *_steps(name, sync, exam), ""]
    return "\n".join(parts).rstrip() + "\n"


def _bounds(sync: SyncSettings) -> list[str]:
    source = sync.source
    lines = [f"On the writer ({source.writer_conn_id}): read its clock, then its oldest open transaction: `:upper`."]
    if source.reader_conn_id:
        lines.append(
            f"Then write a heartbeat into {source.heartbeat_schema}.heartbeat and wait until the reader "
            f"({source.reader_conn_id}) shows it."
        )
    return lines


def _headline(exam: Examination) -> str:
    if exam.full:
        return f"all of about {exam.plan.estimated_rows:,} rows, as {exam.full_because}"
    return f"what changed since {exam.stored}"


def _steps(name: str, sync: SyncSettings, exam: Examination) -> list[str]:
    plan = exam.plan
    lines = [f"- {remark}" for remark in plan.remarks]
    lines += [f"- column {column.name}: {column.remark}" for column in plan.columns if column.remark]
    lines += [""] if lines else []
    lines += ["extract:", _sql(_select(sync, exam))]
    lines += [f"    to Parquet parts in s3://{sync.lake.bucket}/{sync.lake.prefix}/{name}/…/<run>/", "stage:"]
    lines += ["    prove sizes and etags of the parts, forecast the disk, write copy.manifest", "merge:"]
    lines += [_sql(statement) for statement in _merge(sync, exam)]
    limits = sync.warehouse.upkeep
    table = (exam.schema, plan.target)
    lines += [
        "maintain:",
        _sql(statements.vacuum(table, what="FULL", to_percent=limits.vacuum_to_percent))
        + f"  -- if more than {limits.vacuum_unsorted_percent:g} % is unsorted",
        _sql(statements.vacuum(table, what="DELETE ONLY", to_percent=limits.vacuum_to_percent))
        + f"  -- if more than {limits.vacuum_deleted_percent:g} % is deleted",
        _sql(statements.analyze(table)) + f"  -- if statistics are more than {limits.analyze_stale_percent:g} % off",
    ]
    return lines


def _sql(statement: str) -> str:
    return indent(statement if statement.startswith("--") else statement + ";", "    ")


def _select(sync: SyncSettings, exam: Examination) -> str:
    plan = exam.plan
    lower, mark = None, exam.stored
    if mark is not None and plan.watermark_kind is not None:
        lower = lower_for(
            plan.watermark_kind, mark, offset_minutes=mark.offset_minutes, lookback_seconds=plan.lookback_seconds
        )
    bounded = not exam.full or plan.mode == "append"
    statement = select_statement(
        sync.source.database, plan, lower=lower, upper=_UPPER if bounded and plan.watermark else None
    )
    return statement.replace(f"'{_UPPER}'", ":upper").replace(f"<= {_UPPER}", "<= :upper")


def _merge(sync: SyncSettings, exam: Examination) -> list[str]:
    plan = exam.plan
    target = (exam.schema, plan.target)
    before = []
    if exam.state is None:
        state_schema = sync.warehouse.state_schema
        before += [statements.create_schema(state_schema), statements.create_state(state_schema)]
    if not exam.target_exists:
        before.append(statements.create_schema(exam.schema))
    return before + (_replace(sync, exam, target) if exam.full else _upsert(sync, exam, target))


def _copy(sync: SyncSettings, name: str) -> str:
    return statements.copy(name, manifest_url="s3://<run>/copy.manifest", iam_role=sync.warehouse.iam_role)


def _state(sync: SyncSettings) -> list[str]:
    look = "-- another session looks whether another run has merged this table meanwhile: then ROLLBACK"
    return [statements.append_state(sync.warehouse.state_schema), look]


def _fill(exam: Examination, into: tuple[str, str]) -> list[str]:
    plan, columns = exam.plan, [column.target for column in exam.plan.columns]
    if plan.mode == "upsert" and not plan.unique and plan.watermark:
        watermark = plan.target_of(plan.watermark)
        return [
            statements.count_distinct_keys(STAGE, plan.target_key),
            statements.insert_latest(into, STAGE, columns, key=plan.target_key, watermark=watermark),
        ]
    return [statements.insert_all(into, STAGE, columns)]


def _staged(sync: SyncSettings, exam: Examination) -> list[str]:
    return [
        statements.create_stage(STAGE, exam.wanted),
        _copy(sync, STAGE),
        statements.count(STAGE),
    ]


def _upsert(sync: SyncSettings, exam: Examination, target: tuple[str, str]) -> list[str]:
    plan = exam.plan
    delete = [statements.delete_matching(target, STAGE, plan.target_key)] if plan.mode == "upsert" else []
    merge = ["BEGIN", *delete, *_fill(exam, target), *_state(sync), "COMMIT"]
    return [*_staged(sync, exam), *merge]


def _replace(sync: SyncSettings, exam: Examination, target: tuple[str, str]) -> list[str]:
    shadow = (exam.schema, swap.shadow_name(exam.plan.target))
    lines = ["BEGIN"]
    if exam.target_exists:
        lines += [statements.create_like(q(*shadow), q(*target))]
        lines += [statements.add_column(shadow, column) for column in exam.drift.additions]
    else:
        lines += [_create(exam.plan, shadow, exam)]
    if exam.plan.mode == "upsert" and not exam.plan.unique:
        lines += [*_staged(sync, exam), *_fill(exam, shadow)]
    else:
        lines += [_copy(sync, q(*shadow)), statements.count(q(*shadow))]
    if exam.plan.key:
        lines += ["-- if the table has a key:"] if exam.target_exists else []
        lines += [statements.add_primary_key(shadow, exam.plan.target_key)]
    if exam.target_exists:
        lines += ["-- views on the table are dropped here, and made anew below with their grants and the table's"]
        lines += [statements.drop_table(target)]
    return [*lines, statements.rename_table(shadow, target[1]), *_state(sync), "COMMIT"]


def _create(plan: TablePlan, shadow: tuple[str, str], exam: Examination) -> str:
    return statements.create_table(
        q(*shadow),
        exam.wanted,
        dist_key=plan.target_of(plan.dist_key) if plan.dist_key else None,
        sort_key=[plan.target_of(name) for name in plan.sort_key] or plan.target_key,
    )
