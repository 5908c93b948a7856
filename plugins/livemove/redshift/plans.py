"""The plan of one table: which columns, which key, which watermark, and the SELECT that reads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from livemove.redshift import names
from livemove.redshift.settings import ColumnSettings, Mode, SyncSettings, TableSettings
from livemove.redshift.types import ColumnPlan, SourceColumn, plan_column
from livemove.redshift.window import WatermarkKind
from livemove.runbook.errors import NeedsPerson


@dataclass(frozen=True)
class SourceTable:
    """What the source's information_schema says of a table.

    :ivar unique_keys: columns of each unique index without nullable columns, the primary key first.
    :ivar indexed_first: columns that stand first in some index.
    :ivar data_bytes: estimated size of the rows.
    """

    name: str
    columns: Sequence[SourceColumn]
    primary_key: Sequence[str] = ()
    unique_keys: Sequence[Sequence[str]] = ()
    indexed_first: frozenset[str] = frozenset()
    engine: str = "InnoDB"
    estimated_rows: int = 0
    data_bytes: int = 0


@dataclass(frozen=True)
class TablePlan:
    """How one table is copied.

    :ivar key: source names of the key columns; empty for append and replace without a key.
    :ivar unique: whether the source guarantees that the key is unique.
    :ivar remarks: what a reader of the plan should know.
    """

    table: str
    target: str
    mode: Mode
    columns: Sequence[ColumnPlan]
    key: Sequence[str] = ()
    unique: bool = True
    watermark: str | None = None
    watermark_kind: WatermarkKind | None = None
    lookback_seconds: int = 0
    dist_key: str | None = None
    sort_key: Sequence[str] = ()
    estimated_rows: int = 0
    data_bytes: int = 0
    remarks: Sequence[str] = field(default_factory=tuple)

    @property
    def target_key(self) -> list[str]:
        """The key's column names in the warehouse."""
        return [self.target_of(name) for name in self.key]

    def target_of(self, name: str) -> str:
        """A column's name in the warehouse."""
        return next(column.target for column in self.columns if column.name == name)

    @property
    def watermark_nullable(self) -> bool:
        """Whether rows without a watermark can exist; they are read by every run."""
        return any(column.name == self.watermark and column.nullable for column in self.columns)


def plan_table(sync: SyncSettings, source: SourceTable, *, target_order: Sequence[str] = ()) -> TablePlan:
    """Plan a table from its settings and its definition.

    :param target_order: columns of the target, if it exists: COPY of Parquet goes by position.
    :raises NeedsPerson: settings and table do not fit; the message names key, value and remedy.
    """
    settings = sync.table(source.name)
    where = f"tables.{source.name}"
    _check_names(settings, source, where)
    mode, key, unique = _mode_and_key(settings, source, where)
    watermark, kind = _watermark(sync, settings, source, mode, where)
    columns = _plan_columns(sync, source, settings, key, target_order)
    kept = {column.name for column in columns}
    for needed in (*key, watermark, settings.dist_key, *(settings.sort_key or ())):
        if needed and needed not in kept:
            raise NeedsPerson(
                f"{where}.columns.{needed}: a column that is key, watermark, dist_key or in sort_key cannot have "
                "`skip: true`. Remove one of the two."
            )
    return TablePlan(
        table=source.name,
        target=names.in_redshift(settings.target or source.name, where=f"{where}.target"),
        mode=mode,
        columns=columns,
        key=key,
        unique=unique,
        watermark=watermark,
        watermark_kind=kind,
        lookback_seconds=settings.lookback_seconds,
        dist_key=settings.dist_key,
        sort_key=tuple(settings.sort_key or ()),
        estimated_rows=source.estimated_rows,
        data_bytes=source.data_bytes,
        remarks=tuple(_remarks(source, mode, unique, watermark)),
    )


def _check_names(settings: TableSettings, source: SourceTable, where: str) -> None:
    have = {column.name for column in source.columns}
    named = {
        "columns": list(settings.columns),
        "key": settings.key or [],
        "sort_key": settings.sort_key or [],
    }
    named |= {"watermark": [settings.watermark or ""], "dist_key": [settings.dist_key or ""]}
    for setting, columns in named.items():
        for column in columns:
            if column and column not in have:
                raise NeedsPerson(
                    f"{where}.{setting}: the source has no column {column!r}. Its columns: {', '.join(sorted(have))}."
                )


def _plan_columns(
    sync: SyncSettings, source: SourceTable, settings: TableSettings, key: Sequence[str], order: Sequence[str]
) -> list[ColumnPlan]:
    plans: list[ColumnPlan] = []
    for column in source.columns:
        chosen = settings.columns.get(column.name) or ColumnSettings.model_validate({})
        if not chosen.skip:
            policies = sync.policies_for(source.name, column.name)
            if column.name in key:
                policies = policies.for_key()
            plans.append(plan_column(column, chosen, policies, table=source.name))
    targets = [plan.target for plan in plans]
    for plan in plans:
        if targets.count(plan.target) > 1:
            raise NeedsPerson(
                f"tables.{source.name}.columns.{plan.name}: two columns would be called {plan.target!r} in "
                "Redshift. Give one another name with `rename`."
            )
    if not plans:
        raise NeedsPerson(f"tables.{source.name}.columns: every column has `skip: true`; keep at least one.")
    place = {name: number for number, name in enumerate(order)}
    return sorted(plans, key=lambda plan: place.get(plan.target, len(place)))


def _mode_and_key(settings: TableSettings, source: SourceTable, where: str) -> tuple[Mode, tuple[str, ...], bool]:
    key = tuple(settings.key or source.primary_key)
    if settings.mode in ("append", "replace"):
        # Nothing is matched by it, so a primary key may be skipped, and Redshift would trust one that is not unique.
        skipped = {name for name, column in settings.columns.items() if column.skip}
        usable = _is_unique(key, source) and (settings.key or not skipped & set(key))
        return settings.mode, key if usable else (), bool(usable)
    if not key:
        raise NeedsPerson(
            f"{where}: the table has no primary key, so rows cannot be matched. Set `key:` to columns that "
            "identify a row, or `mode: replace` (all rows every time), or `mode: append` with a watermark "
            "(rows never change)."
        )
    nullable = [column.name for column in source.columns if column.name in key and column.nullable]
    if nullable:
        raise NeedsPerson(
            f"{where}.key: column {nullable[0]!r} can be NULL, and NULL never matches NULL. Choose other "
            "columns, or make it NOT NULL."
        )
    return "upsert", key, _is_unique(key, source)


def _is_unique(key: Sequence[str], source: SourceTable) -> bool:
    return bool(key) and any(set(unique) <= set(key) for unique in source.unique_keys)


_KINDS = {
    "timestamp": WatermarkKind.TIMESTAMP,
    "datetime": WatermarkKind.DATETIME,
    "date": WatermarkKind.DATE,
    **dict.fromkeys(("tinyint", "smallint", "mediumint", "int", "bigint"), WatermarkKind.INTEGER),
}


def _watermark(
    sync: SyncSettings, settings: TableSettings, source: SourceTable, mode: Mode, where: str
) -> tuple[str | None, WatermarkKind | None]:
    if mode == "replace":
        return None, None
    name = settings.watermark or sync.watermark
    column = next((column for column in source.columns if column.name == name), None)
    if name is None or column is None:
        raise NeedsPerson(
            f"{where}.watermark: {f'the table has no column {name!r}' if name else 'none is set'}. Name the "
            "column that grows with every change, or set `mode: replace` to copy all rows every time."
        )
    kind = _KINDS.get(column.data_type)
    if kind is None:
        raise NeedsPerson(
            f"{where}.watermark: {name!r} is {column.column_type}, but a watermark has to be a TIMESTAMP, "
            "DATETIME, DATE or integer column. Name another, or set `mode: replace`."
        )
    if kind is WatermarkKind.INTEGER and settings.lookback_seconds:
        raise NeedsPerson(
            f"{where}.lookback_seconds: {name!r} is {column.column_type}, which does not count seconds. Remove the key."
        )
    if mode == "append" and column.nullable:
        raise NeedsPerson(
            f"{where}.watermark: {name!r} can be NULL, and in mode append such rows would be loaded by every "
            "run. Make it NOT NULL, or set a `key` and `mode: upsert`."
        )
    return name, kind


def _remarks(source: SourceTable, mode: Mode, unique: bool, watermark: str | None) -> list[str]:
    remarks = []
    if watermark and watermark not in source.indexed_first:
        remarks.append(f"no index starts with {watermark}: every run reads the whole table to find what changed")
    if mode == "upsert" and not unique:
        remarks.append("no unique index covers the key: of rows that share it, the one with the latest watermark wins")
    if source.engine != "InnoDB":
        remarks.append(f"engine {source.engine} has no snapshots: rows that change while they are read may be torn")
    if any(column.name == watermark and column.nullable for column in source.columns):
        remarks.append(f"{watermark} can be NULL: rows without it are read by every run")
    return remarks


def select_statement(database: str, plan: TablePlan, *, lower: str | None, upper: str | None) -> str:
    """The SELECT that reads the rows of a window; both ends None: all rows.

    Values are literals, as the window was made by us: digits, blanks, `-`, `:` and `.` only.
    """
    packed = [column.select for column in plan.columns if column.packed]
    # CONCAT_WS says the same in fewer words and takes the server a fifth longer.
    fields = ["CONCAT(" + ", ',', ".join(packed) + ")"] if packed else []
    fields += [column.select for column in plan.columns if not column.packed]
    statement = f"SELECT {', '.join(fields)} FROM {names.mysql(database, plan.table)}"
    if condition := _condition(plan, lower, upper):
        statement += f" WHERE {condition}"
    return statement


def _condition(plan: TablePlan, lower: str | None, upper: str | None) -> str:
    if plan.watermark is None:
        return ""
    column = names.mysql(plan.watermark)
    ends = [f"{column} > {_value(plan, lower)}"] if lower is not None else []
    ends += [f"{column} <= {_value(plan, upper)}"] if upper is not None else []
    inside = " AND ".join(ends)
    if inside and plan.watermark_nullable:
        return f"({inside}) OR {column} IS NULL"
    return inside


def _value(plan: TablePlan, value: str) -> str:
    if not value or set(value) - set("0123456789-: ."):
        raise ValueError(f"not a watermark: {value!r}")
    return value if plan.watermark_kind is WatermarkKind.INTEGER else f"'{value}'"
