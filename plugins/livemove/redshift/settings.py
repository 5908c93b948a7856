"""The model of `include/sync/<name>.yaml`: what is copied from where to where, and how."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, field_validator, model_validator

from livemove.redshift import names
from livemove.runbook.config import Settings, file_names, load_named
from livemove.runbook.errors import NeedsPerson
from livemove.runbook.include import include_folder

Name = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Mode = Literal["upsert", "append", "replace"]
# YAML reads `null` as nothing, where the policy of that name is meant.
_NullIsAWord = BeforeValidator(lambda value: "null" if value is None else value)


def _each_once(columns: list[str]) -> list[str]:
    twice = sorted({column for column in columns if columns.count(column) > 1})
    if twice:
        raise ValueError(f"{', '.join(twice)} stands there more than once; keep one of each")
    return columns


Names = Annotated[list[Name], Field(min_length=1), AfterValidator(_each_once)]


def _redshift_name(name: str) -> str:
    stored = names.folded(name)
    if len(stored.encode()) > names.MAX_REDSHIFT_NAME_BYTES:
        raise ValueError(f"Redshift takes names of up to {names.MAX_REDSHIFT_NAME_BYTES} bytes; choose a shorter one")
    return stored


RedshiftName = Annotated[Name, AfterValidator(_redshift_name)]


class Policies(Settings):
    """What happens to a value that the warehouse cannot hold exactly. Nothing is changed unreported.

    `reject` stops the table and says which rows; all other choices are counted in the report. Columns
    of a key are never changed, whatever is chosen: two rows could become one.
    """

    zero_date: Annotated[Literal["reject", "null"], _NullIsAWord] = Field(
        "reject", description="0000-00-00, 2024-00-10, 2024-02-31."
    )
    too_long: Annotated[Literal["reject", "truncate", "null"], _NullIsAWord] = Field(
        "reject",
        description="More bytes than the Redshift type holds. JSON is never truncated: there it means reject.",
    )
    invalid_text: Annotated[Literal["reject", "replace", "null"], _NullIsAWord] = Field(
        "reject", description="Bytes that are no text in the column's character set, or a zero byte."
    )
    utf8_in_latin1: Literal["reject", "decode", "keep"] = Field(
        "reject", description="UTF-8 written into a latin1 column: decode it, or keep each byte a letter."
    )
    tinyint1: Literal["number", "boolean"] = Field("number", description="TINYINT(1) as SMALLINT or BOOLEAN.")
    wide_decimal: Literal["text", "reject"] = Field("text", description="DECIMAL of more than 38 digits.")

    def for_key(self) -> Policies:
        """These policies, less all that maps two values to one."""
        exact = {"zero_date": "reject", "too_long": "reject", "invalid_text": "reject", "tinyint1": "number"}
        if self.utf8_in_latin1 == "decode":
            exact["utf8_in_latin1"] = "reject"
        return self.model_copy(update=exact)


def _no_policies() -> Policies:
    return Policies.model_validate({})


class ColumnSettings(Settings):
    """What differs for one column."""

    rename: Name | None = Field(None, description="Its name in the warehouse.")
    skip: bool = Field(False, description="Leave the column out.")
    max_bytes: int | None = Field(None, ge=1, le=65535, description="VARCHAR(n) instead of what is derived.")
    policies: Policies = Field(default_factory=_no_policies, description="As `policies`, for this column.")


class TableSettings(Settings):
    """One table of the source."""

    target: Name | None = Field(None, description="Its name in the warehouse; by default the same.")
    mode: Mode | None = Field(
        None, description="upsert (by key), append (rows never change) or replace (all rows every time)."
    )
    key: Names | None = Field(None, description="Default: the primary key.")
    watermark: Name | None = Field(None, description="Time or integer column that grows with every change.")
    lookback_seconds: int = Field(0, ge=0, le=31 * 86400, description="Reread this much before the watermark.")
    dist_key: Name | None = None
    sort_key: Names | None = Field(None, max_length=400)
    columns: dict[Name, ColumnSettings] = Field(default_factory=dict)
    policies: Policies = Field(default_factory=_no_policies, description="As `policies`, for this table.")

    @model_validator(mode="after")
    def _append_reads_nothing_twice(self) -> TableSettings:
        if self.mode == "append" and self.lookback_seconds:
            raise ValueError("mode append would load reread rows twice; remove lookback_seconds, or choose mode upsert")
        return self


# What MySQL takes (manual, time-zone-support).
_OFFSET = re.compile(r"[+-](0\d|1[0-3]):[0-5]\d|\+14:00")


class SourceSettings(Settings):
    """The MySQL side. Connections are Airflow connection ids, never hosts or passwords."""

    writer_conn_id: str = Field(description="Its clock and open transactions bound what is read.")
    reader_conn_id: str | None = Field(None, description="Where rows are read; by default the writer.")
    database: Name
    heartbeat_schema: Name = Field("livemove", description="Holds the heartbeat that shows a reader's lag.")
    datetime_zone: str | None = Field(
        None,
        description="Offset in which DATETIME watermarks are written, such as +09:00; default: the server's.",
    )
    reader_timeout_seconds: int = Field(1800, ge=1, description="How long the reader may lag before the run fails.")
    idle_transaction_seconds: int = Field(
        3600, ge=1, description="An open transaction older than this holds the bound back and is reported."
    )

    @field_validator("datetime_zone")
    @classmethod
    def _is_offset(cls, zone: str | None) -> str | None:
        if zone is not None and not _OFFSET.fullmatch(zone):
            raise ValueError("expected an offset such as +09:00 or -05:30")
        return zone

    @property
    def reading_conn_id(self) -> str:
        """The connection that rows are read from."""
        return self.reader_conn_id or self.writer_conn_id


class DiskGuard(Settings):
    """How much room a load may take. COPY needs about 2.5 times the source's size free (Lancers)."""

    kind: Literal["provisioned", "ra3", "serverless"] = Field(
        "provisioned", description="ra3 and serverless have managed storage without a limit to guard."
    )
    factor: float = Field(2.5, ge=1, le=10, description="Room needed, as a multiple of the uncompressed bytes.")
    keep_free_percent: float = Field(10, ge=0, le=90, description="Part of the disk that must stay free.")


class Upkeep(Settings):
    """When VACUUM and ANALYZE are worth their cost, in percent of the table."""

    vacuum_unsorted_percent: float = Field(10, ge=0, le=100)
    vacuum_deleted_percent: float = Field(10, ge=0, le=100)
    analyze_stale_percent: float = Field(10, ge=0, le=100)
    vacuum_to_percent: int = Field(99, ge=1, le=100)


class WarehouseSettings(Settings):
    """The Redshift side."""

    conn_id: str = "redshift_default"
    schema_name: RedshiftName = Field(alias="schema", description="Where the tables go; made if it is missing.")
    state_schema: RedshiftName = Field("livemove", description="Holds the table of watermarks, sync_state.")
    iam_role: str = Field("default", description="ARN of the role that COPY reads S3 with, or `default`.")
    disk_guard: DiskGuard = Field(default_factory=lambda: DiskGuard.model_validate({}))
    upkeep: Upkeep = Field(default_factory=lambda: Upkeep.model_validate({}))

    @field_validator("iam_role")
    @classmethod
    def _is_role(cls, role: str) -> str:
        if role != "default" and not re.fullmatch(r"arn:aws[\w-]*:iam::\d{12}:role/[\w+=,.@/-]+", role):
            raise ValueError("expected `default` or arn:aws:iam::<account>:role/<name>")
        return role


class LakeSettings(Settings):
    """The S3 side."""

    conn_id: str = "aws_default"
    bucket: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
    prefix: str = Field("livemove/sync", pattern=r"^[A-Za-z0-9!_.*'()-]+(/[A-Za-z0-9!_.*'()-]+)*$")
    keep_parts: bool = Field(False, description="Keep the Parquet parts after they were merged.")


class SyncSettings(Settings):
    """One file: tables of one MySQL database, copied into one schema of one warehouse."""

    source: SourceSettings
    warehouse: WarehouseSettings
    lake: LakeSettings
    watermark: Name | None = Field(None, description="Watermark of all tables that name no other.")
    policies: Policies = Field(default_factory=_no_policies)
    tables: dict[Name, TableSettings | None] = Field(min_length=1)

    @model_validator(mode="after")
    def _targets_differ(self) -> SyncSettings:
        sources: dict[str, str] = {}
        for name in self.tables:
            target = self.target_of(name)
            if target in sources:
                raise ValueError(
                    f"tables.{sources[target]} and tables.{name} would both become {target!r} in Redshift; give one "
                    "another name with `target`"
                )
            sources[target] = name
        return self

    def table(self, name: str) -> TableSettings:
        """Return the settings of a table.

        :raises NeedsPerson: the file does not list it.
        """
        if name not in self.tables:
            raise NeedsPerson(f"table {name!r} is not listed; listed are: {', '.join(self.tables)}.")
        return self.tables[name] or TableSettings.model_validate({})

    def target_of(self, table: str) -> str:
        """Return the name of a table in the warehouse."""
        return names.folded(self.table(table).target or table)

    def policies_for(self, table: str, column: str) -> Policies:
        """Return the policies of a column: its own, over its table's, over the file's."""
        of_table = self.table(table)
        of_column = of_table.columns.get(column) or ColumnSettings.model_validate({})
        chosen = of_table.policies.model_dump(exclude_unset=True) | of_column.policies.model_dump(exclude_unset=True)
        return Policies.model_validate(self.policies.model_dump() | chosen)


def sync_folder() -> Path:
    """The folder of the sync files."""
    return include_folder() / "sync"


def sync_names() -> list[str]:
    """Names of all sync files, without reading them."""
    return file_names(sync_folder())


def load_sync(name: str) -> SyncSettings:
    """Read `include/sync/<name>.yaml`.

    :raises NeedsPerson: the file is missing or does not fit; the message names file, key and remedy.
    """
    return load_named(sync_folder(), name, SyncSettings, "syncs")


def choose_syncs(syncs: Sequence[str], tables: Sequence[str]) -> list[str]:
    """Choose the sync files of a run.

    :param syncs: names; none means all.
    :param tables: tables that the run is narrowed to; none means all.
    :raises NeedsPerson: a file or table that nobody knows. Files that cannot be read are not judged here:
        each stops its own tables only.
    """
    known = sync_names()
    if not known:
        raise NeedsPerson(f"{sync_folder()} holds no .yaml file. include/sync/README.md shows how to write one.")
    if unknown := sorted(set(syncs) - set(known)):
        raise NeedsPerson(f"param syncs: {', '.join(unknown)} is not in {sync_folder()}. Known: {', '.join(known)}.")
    chosen = [name for name in known if name in syncs or not syncs]
    if tables:
        _require_tables(chosen, tables)
    return chosen


def _require_tables(chosen: Sequence[str], tables: Sequence[str]) -> None:
    listed: set[str] = set()
    for name in chosen:
        try:
            listed |= set(load_sync(name).tables)
        except NeedsPerson:
            return
    if unknown := sorted(set(tables) - listed):
        raise NeedsPerson(
            f"param tables: {', '.join(unknown)} is in none of the files {', '.join(chosen)}. "
            f"Listed there: {', '.join(sorted(listed))}."
        )
