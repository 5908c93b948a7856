"""What differs between a table as it should be in the warehouse and as it is."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from livemove.redshift import names


@dataclass(frozen=True)
class TargetColumn:
    """A column as the warehouse has it.

    :ivar type: as `svv_columns` spells it, with length or precision: `character varying(256)`.
    """

    name: str
    type: str


@dataclass(frozen=True)
class WantedColumn:
    """A column as a table plan wants it."""

    name: str
    type: str
    not_null: bool = False


@dataclass(frozen=True)
class Drift:
    """The way from the target as it is to the target as it should be.

    :ivar additions: columns that the source gained: they are added by the sync itself.
    :ivar blockers: one line for each other difference, with the ALTER that a person has to run.
    """

    additions: Sequence[WantedColumn] = field(default_factory=tuple)
    blockers: Sequence[str] = field(default_factory=tuple)


_SPELLINGS = {
    "int2": "smallint",
    "int4": "integer",
    "int": "integer",
    "int8": "bigint",
    "float4": "real",
    "float": "double precision",
    "float8": "double precision",
    "bool": "boolean",
    "decimal": "numeric",
    "varchar": "character varying",
    "timestamp": "timestamp without time zone",
    "varbinary": "varbyte",
    "binary varying": "varbyte",
}


def normal(type_name: str) -> tuple[str, tuple[int, ...]]:
    """Return a type's one name and its numbers: `VARCHAR(20)` is `("character varying", (20,))`."""
    text = " ".join(type_name.lower().split())
    numbers = tuple(int(number) for number in re.findall(r"\d+", "".join(re.findall(r"\([^)]*\)", text))))
    base = re.sub(r"\s*\([^)]*\)", "", text).strip()
    return _SPELLINGS.get(base, base), numbers


def holds(actual: str, wanted: str) -> bool:
    """Whether a column of type `actual` takes every value of type `wanted`, by COPY too."""
    (have, have_numbers), (want, want_numbers) = normal(actual), normal(wanted)
    if have != want:
        return False
    if have in ("character varying", "varbyte"):
        return have_numbers >= want_numbers
    return have_numbers == want_numbers


def compare(target: tuple[str, str], wanted: Sequence[WantedColumn], actual: Sequence[TargetColumn]) -> Drift:
    """Compare a target table with what is wanted.

    :param target: schema and table, for the ALTER statements.
    """
    table = names.redshift(*target)
    have = {column.name: column for column in actual}
    want = {column.name for column in wanted}
    blockers = [
        f"column {column.name!r} is {have[column.name].type}, and {column.type} is needed. "
        + _remedy(table, column, have)
        for column in wanted
        if column.name in have and not holds(have[column.name].type, column.type)
    ]
    blockers += [
        f"column {column.name!r} is not in the source any more. Run: ALTER TABLE {table} DROP COLUMN "
        f"{names.redshift(column.name)};"
        for column in actual
        if column.name not in want
    ]
    return Drift(tuple(column for column in wanted if column.name not in have), tuple(blockers))


def _remedy(table: str, column: WantedColumn, have: dict[str, TargetColumn]) -> str:
    quoted = names.redshift(column.name)
    base, _ = normal(column.type)
    if base == "character varying" and normal(have[column.name].type)[0] == base:
        return f"Run: ALTER TABLE {table} ALTER COLUMN {quoted} TYPE {column.type};"
    # Redshift changes no other type in place (guide, r_ALTER_TABLE).
    return (
        f"Run: ALTER TABLE {table} DROP COLUMN {quoted}; the next run adds it again as {column.type} and "
        "reloads the table."
    )
