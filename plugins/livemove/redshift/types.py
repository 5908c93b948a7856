"""Which Redshift type holds a MySQL column, how it is selected, and what may not fit.

Every MySQL type has an entry. A column is read in one of two ways:

* *packed*: numbers and times, whose text has neither comma nor line end, are put together by the
  server into one string per row, which Arrow's CSV reader then takes apart. A Python object for each
  value is what makes other extractors slow.
* *alone*: text (ENUM and SET as their text too) and bytes arrive as they are stored, without any
  conversion by the server, so that invalid bytes are seen instead of turned into question marks.

Sources: MySQL reference manual, "Data Types"; Redshift guide, r_Numeric_types201, r_Character_types,
r_Datetime_types, r_VARBYTE_type; Aurora guide, data types of snapshot exports.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from livemove.redshift import names
from livemove.redshift.settings import ColumnSettings, Policies
from livemove.runbook.errors import NeedsPerson

MAX_VARCHAR: Final = 65535
MAX_VARBYTE: Final = 16_777_216
MAX_DIGITS: Final = 38
# Redshift guide, r_names.
_SYSTEM_COLUMNS: Final = frozenset(("oid", "tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"))


class Check(StrEnum):
    """What has to be looked at in the values of a column."""

    NOTHING = "nothing"
    DATE = "date"
    TEXT = "text"
    LATIN1 = "latin1"
    BYTES = "bytes"


@dataclass(frozen=True)
class SourceColumn:
    """A row of `information_schema.columns`."""

    name: str
    data_type: str
    column_type: str
    nullable: bool
    char_length: int | None = None
    octet_length: int | None = None
    precision: int | None = None
    scale: int | None = None
    charset: str | None = None
    default: str | None = None


@dataclass(frozen=True)
class ColumnPlan:
    """How one column travels.

    :ivar select: SQL expression that reads it.
    :ivar packed: whether the expression goes into the packed string.
    :ivar redshift_type: as it stands in CREATE TABLE.
    :ivar arrow_type: name that `blocks.arrow_type` understands.
    :ivar max_bytes: longest value in bytes that the Redshift type takes; None where it cannot matter.
    :ivar remark: what a reader of the plan should know, empty for plain columns.
    """

    name: str
    target: str
    select: str
    packed: bool
    redshift_type: str
    arrow_type: str
    nullable: bool
    check: Check = Check.NOTHING
    max_bytes: int | None = None
    remark: str = ""
    policies: Policies = field(default_factory=lambda: Policies.model_validate({}))


@dataclass(frozen=True)
class _Type:
    redshift: str
    arrow: str
    packed: bool = True
    check: Check = Check.NOTHING
    max_bytes: int | None = None
    select: str | None = None
    remark: str = ""


def plan_column(column: SourceColumn, settings: ColumnSettings, policies: Policies, *, table: str) -> ColumnPlan:
    """Decide how a column travels.

    :param table: name of the table, for errors.
    :raises NeedsPerson: the type is unknown or refused by policy, or the name is too long for Redshift.
    """
    where = f"tables.{table}.columns.{column.name}"
    mapping = _TYPES.get(column.data_type)
    if mapping is None:
        raise NeedsPerson(
            f"{where}: MySQL type {column.column_type} has no mapping to Redshift. Set `skip: true` for it."
        )
    if column.data_type == "json" and policies.too_long == "truncate":
        policies = policies.model_copy(update={"too_long": "reject"})
    kind = mapping(column, settings, policies, where)
    if settings.max_bytes and (kind.packed or not kind.redshift.startswith("VARCHAR")):
        raise NeedsPerson(
            f"{where}.max_bytes: {column.column_type} becomes {kind.redshift}, whose size is fixed. Remove the key."
        )
    target = names.in_redshift(settings.rename or column.name, where=where)
    if target in _SYSTEM_COLUMNS:
        raise NeedsPerson(f"{where}: Redshift keeps the name {target!r} for itself. Give another with `rename`.")
    quoted = names.mysql(column.name)
    select = (kind.select or "{}").format(quoted)
    return ColumnPlan(
        name=column.name,
        target=target,
        select=f"IFNULL({select}, '')" if kind.packed and column.nullable else select,
        packed=kind.packed,
        redshift_type=kind.redshift,
        arrow_type=kind.arrow,
        nullable=column.nullable,
        check=kind.check,
        max_bytes=kind.max_bytes,
        remark=kind.remark,
        policies=policies,
    )


_Rule = Callable[[SourceColumn, ColumnSettings, Policies, str], _Type]


def _integer(signed: tuple[str, str], unsigned: tuple[str, str]) -> _Rule:
    def rule(column: SourceColumn, settings: ColumnSettings, policies: Policies, where: str) -> _Type:
        if column.column_type.startswith("tinyint(1)") and policies.tinyint1 == "boolean":
            return _Type("BOOLEAN", "bool", select="{0} <> 0", remark="every value but 0 is true")
        redshift, arrow = unsigned if "unsigned" in column.column_type else signed
        return _Type(redshift, arrow)

    return rule


def _decimal(column: SourceColumn, settings: ColumnSettings, policies: Policies, where: str) -> _Type:
    digits, scale = column.precision or 10, column.scale or 0
    if digits > MAX_DIGITS:
        if policies.wide_decimal == "reject":
            raise NeedsPerson(
                f"{where}: {column.column_type} has more than Redshift's {MAX_DIGITS} digits. "
                "Set policy `wide_decimal: text`, or `skip: true`."
            )
        return _Type("VARCHAR(67)", "string", remark=f"{digits} digits are kept as text")
    # DECIMAL of up to 19 digits is stored in 64 bits, and 19 nines do not fit into those.
    digits = 20 if digits == 19 else digits
    return _Type(f"DECIMAL({digits},{scale})", f"decimal({digits},{scale})")


def _bit(column: SourceColumn, settings: ColumnSettings, policies: Policies, where: str) -> _Type:
    wide = (column.precision or 1) == 64
    redshift, arrow = ("DECIMAL(20,0)", "decimal(20,0)") if wide else ("BIGINT", "int64")
    return _Type(redshift, arrow, select="{0} + 0", remark="the bits as an unsigned number")


def _float(column: SourceColumn, settings: ColumnSettings, policies: Policies, where: str) -> _Type:
    # Printed as FLOAT it would have six digits; as DOUBLE it has all.
    return _Type("REAL", "float32", select="CAST({0} AS DOUBLE)")


def _temporal(redshift: str, arrow: str) -> _Rule:
    def rule(column: SourceColumn, settings: ColumnSettings, policies: Policies, where: str) -> _Type:
        remark = "in UTC" if column.data_type == "timestamp" else ""
        return _Type(redshift, arrow, check=Check.DATE, remark=remark)

    return rule


def _time(column: SourceColumn, settings: ColumnSettings, policies: Policies, where: str) -> _Type:
    return _Type("VARCHAR(17)", "string", remark="a duration of up to 838:59:59, kept as text")


_BYTES_PER_CHARACTER: Final = {"ascii": 1, "latin1": 3, "utf8mb3": 3, "utf8": 3}
_ARRIVES_AS_UTF8: Final = ("utf8mb4", "utf8mb3", "utf8", "ascii")


def _text(column: SourceColumn, settings: ColumnSettings, policies: Policies, where: str) -> _Type:
    charset = column.charset or "utf8mb4"
    if charset == "binary":
        return _bytes(column, settings, policies, where)
    characters = MAX_VARCHAR if column.char_length is None else column.char_length
    widest = characters * _BYTES_PER_CHARACTER.get(charset, 4)
    if column.data_type.endswith("text") and charset in _ARRIVES_AS_UTF8:
        widest = column.octet_length or widest
    size = settings.max_bytes or max(1, min(MAX_VARCHAR, widest))
    remark = f"values may be longer than {size} bytes" if widest > size else ""
    check = Check.LATIN1 if charset == "latin1" else Check.TEXT
    select = None
    if charset not in (*_ARRIVES_AS_UTF8, "latin1"):
        select, remark = _converted(charset), f"{charset} to UTF-8" + (f"; {remark}" if remark else "")
    return _Type(f"VARCHAR({size})", "string", packed=False, check=check, max_bytes=size, select=select, remark=remark)


def _converted(charset: str) -> str:
    """Text in UTF-8 if it can be turned back into the same bytes; otherwise 0xFF, which is no UTF-8."""
    utf8 = "CONVERT({0} USING utf8mb4)"
    back = f"CAST(CONVERT({utf8} USING {charset}) AS BINARY)"
    return f"IF({back} = CAST({{0}} AS BINARY), {utf8}, IF({{0}} IS NULL, NULL, CONCAT(0xFF, CAST({{0}} AS BINARY))))"


def _json(column: SourceColumn, settings: ColumnSettings, policies: Policies, where: str) -> _Type:
    size = settings.max_bytes or MAX_VARCHAR
    return _Type(f"VARCHAR({size})", "string", packed=False, check=Check.TEXT, max_bytes=size, remark="JSON as text")


def _bytes(column: SourceColumn, settings: ColumnSettings, policies: Policies, where: str) -> _Type:
    size = MAX_VARBYTE if column.octet_length is None else min(MAX_VARBYTE, max(1, column.octet_length))
    return _Type(f"VARBYTE({size})", "binary", packed=False, check=Check.BYTES, max_bytes=size)


def _geometry(column: SourceColumn, settings: ColumnSettings, policies: Policies, where: str) -> _Type:
    return _Type(
        f"VARBYTE({MAX_VARBYTE})",
        "binary",
        packed=False,
        check=Check.BYTES,
        max_bytes=MAX_VARBYTE,
        select="CAST({0} AS BINARY)",
        remark="as MySQL stores it: 4 bytes of SRID, then WKB",
    )


def _vector(column: SourceColumn, settings: ColumnSettings, policies: Policies, where: str) -> _Type:
    return _Type(
        f"VARBYTE({MAX_VARBYTE})", "binary", packed=False, check=Check.BYTES, max_bytes=MAX_VARBYTE,
        remark="4-byte floats, lowest byte first",
    )  # fmt: skip


def _plain(redshift: str, arrow: str) -> _Rule:
    return lambda column, settings, policies, where: _Type(redshift, arrow)


_SMALL, _INT, _BIG, _HUGE = (
    ("SMALLINT", "int16"),
    ("INTEGER", "int32"),
    ("BIGINT", "int64"),
    ("DECIMAL(20,0)", "decimal(20,0)"),
)

_TYPES: Final[dict[str, _Rule]] = {
    "tinyint": _integer(_SMALL, _SMALL),
    "smallint": _integer(_SMALL, _INT),
    "mediumint": _integer(_INT, _INT),
    "int": _integer(_INT, _BIG),
    "bigint": _integer(_BIG, _HUGE),
    "decimal": _decimal,
    "bit": _bit,
    "float": _float,
    "double": _plain("DOUBLE PRECISION", "float64"),
    "date": _temporal("DATE", "date"),
    "datetime": _temporal("TIMESTAMP", "timestamp"),
    "timestamp": _temporal("TIMESTAMP", "timestamp"),
    "time": _time,
    "year": _plain("SMALLINT", "int16"),
    "char": _text,
    "varchar": _text,
    "tinytext": _text,
    "text": _text,
    "mediumtext": _text,
    "longtext": _text,
    "enum": _text,
    "set": _text,
    "json": _json,
    "binary": _bytes,
    "varbinary": _bytes,
    "tinyblob": _bytes,
    "blob": _bytes,
    "mediumblob": _bytes,
    "longblob": _bytes,
    "vector": _vector,
    **dict.fromkeys(
        ("geometry", "point", "linestring", "polygon", "multipoint", "multilinestring", "multipolygon",
         "geomcollection", "geometrycollection"),
        _geometry,
    ),
}  # fmt: skip
