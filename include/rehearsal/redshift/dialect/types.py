"""Column types: what Redshift calls them, which it refuses, and what PostgreSQL stores."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import NOT_SUPPORTED, RedshiftError, syntax_error
from .lexer import Token
from .stream import Stream

_VARCHAR_LIMIT = 65535
_CHAR_LIMIT = 4096
_VARBYTE_LIMIT = 16777216
_VARBYTE_DEFAULT = 64000
_NUMERIC_LIMIT = 38

_PLAIN = {
    "SMALLINT": "smallint",
    "INT2": "smallint",
    "INTEGER": "integer",
    "INT": "integer",
    "INT4": "integer",
    "BIGINT": "bigint",
    "INT8": "bigint",
    "REAL": "real",
    "FLOAT4": "real",
    "FLOAT8": "double precision",
    "BOOLEAN": "boolean",
    "BOOL": "boolean",
    "DATE": "date",
    "TIMETZ": "time with time zone",
    "TIMESTAMPTZ": "timestamp with time zone",
    "SUPER": "jsonb",
    "OID": "oid",
}
_VARCHARS = {"VARCHAR", "NVARCHAR", "TEXT", "BPCHAR"}
_CHARS = {"CHAR", "CHARACTER", "NCHAR"}
_VARBYTES = {"VARBYTE", "VARBINARY"}
_NOT_IMITATED = {"GEOMETRY", "GEOGRAPHY", "HLLSKETCH", "INTERVAL"}


@dataclass(frozen=True)
class ColumnType:
    """A column's type.

    :param sql: PostgreSQL's type.
    :param varbyte: the length in bytes of a VARBYTE, else 0.
    """

    sql: str
    varbyte: int = 0


def read_type(stream: Stream, column: str) -> ColumnType:
    """Read a type in a column definition (Developer Guide, "Data types").

    :param column: `table.column`, for the error.
    :raises RedshiftError: Redshift has no such type, or its length is out of range.
    """
    token = stream.next()
    word = token.word or token.text.strip('"').upper()
    if word in _PLAIN:
        found = ColumnType(_PLAIN[word])
    elif word in _VARCHARS | _CHARS | _VARBYTES | {"BINARY"}:
        found = _string_type(word, stream)
    elif word in ("DECIMAL", "NUMERIC"):
        found = ColumnType(_numeric(stream))
    elif word in ("TIME", "TIMESTAMP"):
        found = ColumnType(word.lower() + _time_zone(stream))
    elif word == "FLOAT":
        found = ColumnType(_float(stream))
    elif word == "DOUBLE":
        stream.expect("PRECISION")
        found = ColumnType("double precision")
    elif word in _NOT_IMITATED:
        raise RedshiftError(f"type {word.lower()} is not imitated by the stand-in", code=NOT_SUPPORTED)
    else:
        raise _unsupported(column, token)
    if stream.at("["):
        raise RedshiftError(f'Column "{column}" has unsupported type "{word.lower()}[]".', code=NOT_SUPPORTED)
    return found


def _unsupported(column: str, token: Token) -> RedshiftError:
    return RedshiftError(f'Column "{column}" has unsupported type "{token.text.lower()}".', code=NOT_SUPPORTED)


def _string_type(word: str, stream: Stream) -> ColumnType:
    varying = stream.accept("VARYING")
    if word in _VARBYTES or word == "BINARY":
        return _varbyte(stream)
    if word == "TEXT":  # is VARCHAR(256), and takes no length
        return ColumnType("varchar(256)")
    if word in _VARCHARS or varying:
        return ColumnType(f"varchar({_length(stream, 256, _VARCHAR_LIMIT, 'character varying')})")
    return ColumnType(f"char({_length(stream, 1, _CHAR_LIMIT, 'character')})")


def _varbyte(stream: Stream) -> ColumnType:
    return ColumnType("bytea", _length(stream, _VARBYTE_DEFAULT, _VARBYTE_LIMIT, "binary varying"))


def _length(stream: Stream, default: int, limit: int, name: str) -> int:
    if not stream.at("("):
        return default
    if name != "character" and stream.at("(", "MAX", ")"):
        stream.parenthesised()
        return limit
    length = _one(stream.integers())
    if not 1 <= length <= limit:
        raise RedshiftError(f"length for type {name} must be between 1 and {limit}", code="22023")
    return length


def _numeric(stream: Stream) -> str:
    if not stream.at("("):
        return "numeric(18,0)"
    numbers = stream.integers()
    precision, scale = numbers[0], _one(numbers[1:]) if len(numbers) > 1 else 0
    if not 1 <= precision <= _NUMERIC_LIMIT:
        raise RedshiftError(f"DECIMAL precision {precision} must be between 1 and {_NUMERIC_LIMIT}", code="22023")
    if not 0 <= scale <= min(precision, _NUMERIC_LIMIT - 1):
        raise RedshiftError(f"DECIMAL scale {scale} must be between 0 and precision {precision}", code="22023")
    return f"numeric({precision},{scale})"


def _one(numbers: list[int]) -> int:
    if len(numbers) > 1:
        raise syntax_error(",")
    return numbers[0]


def _time_zone(stream: Stream) -> str:
    if stream.accept("WITH", "TIME", "ZONE"):
        return " with time zone"
    stream.accept("WITHOUT", "TIME", "ZONE")
    return ""


def _float(stream: Stream) -> str:
    if not stream.at("("):
        return "double precision"
    bits = _one(stream.integers())
    return "real" if bits <= 24 else "double precision"
