"""The expression that turns a row into a hash: the same text on both servers, exact for every type. Pure.

A row's hash is SHA-256 of its columns, each as text that no setting of the session, no character set and no
collation changes: numbers and times as digits, strings as the hexadecimal of their stored bytes, what may be large as
a digest, NULL as `N`, which none of them contains. CRC32, which other tools sum, is linear: two rows of one length
that swap values leave its XOR unchanged.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from livemove.mysql.names import quoted

# Strings that may be longer are put in as digests, so that no row exceeds max_allowed_packet.
HEX_BYTES = 1024
_NUMBERS = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "year"})
_TIMES = frozenset({"date", "time", "datetime", "timestamp"})
_CHARACTERS = frozenset({"char", "varchar", "tinytext", "text", "mediumtext", "longtext"})
_BYTES = frozenset({"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"})
_WIDTH = re.compile(r"\b((?:tiny|small|medium|big)?int|year)\(\d+\)")

COLUMNS_QUERY = """
SELECT c.column_name AS name, LOWER(c.data_type) AS data_type, LOWER(c.column_type) AS column_type,
       c.is_nullable = 'YES' AS nullable, c.character_set_name AS charset, c.collation_name AS collation,
       COALESCE(c.character_octet_length, 0) AS octets, UPPER(c.extra) LIKE '%%VIRTUAL GENERATED%%' AS is_virtual,
       COALESCE(k.seq_in_index, 0) AS key_place
FROM information_schema.columns c
LEFT JOIN information_schema.statistics k ON k.table_schema = c.table_schema AND k.table_name = c.table_name
  AND k.index_name = 'PRIMARY' AND k.column_name = c.column_name
WHERE c.table_schema = %s AND c.table_name = %s ORDER BY c.ordinal_position
"""


@dataclass(frozen=True)
class Column:
    """One column, as far as a hash needs to know it.

    :param octets: most bytes that it may have; 0 for what is no string.
    :param key_place: place in the primary key, from 1; 0 if it is not in it.
    """

    name: str
    data_type: str
    column_type: str
    nullable: bool
    charset: str
    collation: str
    octets: int
    is_virtual: bool
    key_place: int

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Column:
        """Read a row of COLUMNS_QUERY."""
        return cls(
            name=_text(row["name"]),
            data_type=_text(row["data_type"]),
            # MySQL 8.0.19 dropped the display widths of integers, which mean nothing to values.
            column_type=_WIDTH.sub(r"\1", _text(row["column_type"])),
            nullable=bool(row["nullable"]),
            charset=_text(row["charset"]),
            collation=_text(row["collation"]),
            octets=int(row["octets"]),
            is_virtual=bool(row["is_virtual"]),
            key_place=int(row["key_place"]),
        )

    def __str__(self) -> str:
        parts = [self.column_type, self.collation, "" if self.nullable else "NOT NULL"]
        return " ".join(part for part in parts if part)


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value or "")


def definition_differences(a: Sequence[Column], b: Sequence[Column]) -> list[str]:
    """What two definitions of one table do not agree on, in words."""
    here, there = ({column.name: column for column in columns} for columns in (a, b))
    found = [f"column {name} is missing on the target" for name in here if name not in there]
    found += [f"column {name} is missing on the source" for name in there if name not in here]
    for name in here.keys() & there.keys():
        if str(here[name]) != str(there[name]) or here[name].key_place != there[name].key_place:
            found.append(f"column {name} is {here[name]} on the source and {there[name]} on the target")
    return sorted(found)


def row_hash(columns: Sequence[Column]) -> str:
    """The hash of a row as an SQL expression: 32 bytes. Virtual columns are left out.

    It is NULL only where the server could not make a value's text, for want of max_allowed_packet.
    """
    parts = [f"IF({quoted(each.name)} IS NULL, 'N', {_column(each)})" for each in columns if not each.is_virtual]
    joined = ", ',', ".join(parts)
    return f"UNHEX(SHA2(CONCAT({joined}), 256))"


def _column(column: Column) -> str:
    name = quoted(column.name)
    if column.data_type in _NUMBERS or column.data_type in _TIMES:
        return f"CAST({name} AS CHAR)"
    if column.data_type in ("float", "double"):
        # A FLOAT as text is rounded to six digits.
        return f"CAST(CAST({name} AS DOUBLE) AS CHAR)"
    if column.data_type in ("enum", "set"):
        return f"CAST({name} + 0 AS CHAR)"
    if column.data_type == "bit":
        return f"HEX({name})"
    if column.data_type in _CHARACTERS | _BYTES and column.octets <= HEX_BYTES:
        return f"HEX({name})"
    return f"SHA2({name}, 256)"


def key_columns(columns: Sequence[Column]) -> tuple[Column, ...]:
    """The columns of the primary key, in its order."""
    return tuple(sorted((column for column in columns if column.key_place), key=lambda column: column.key_place))


def key_value(column: Column) -> str:
    """The expression that fetches a key's value as text that `key_literal` can put into a statement."""
    name = quoted(column.name)
    if column.data_type in _CHARACTERS | _BYTES:
        return f"HEX({name})"
    if column.data_type in ("enum", "set", "bit"):
        return f"CAST({name} + 0 AS CHAR)"
    if column.data_type in ("float", "double"):
        return f"CAST(CAST({name} AS DOUBLE) AS CHAR)"
    return f"CAST({name} AS CHAR)"


def key_operand(column: Column) -> str:
    """What a key's literal is compared with."""
    name = quoted(column.name)
    # As text they would be compared by their labels, which is not how they are sorted.
    return f"({name} + 0)" if column.data_type in ("enum", "set", "bit") else name


def key_literal(column: Column, value: str) -> str:
    """A key's value as a literal that means exactly the same.

    :param value: as `key_value` gives it.
    :raises ValueError: it is nothing that `key_value` gives.
    """
    if column.data_type in _CHARACTERS | _BYTES:
        if not re.fullmatch(r"(?:[0-9A-F]{2})*", value):
            raise ValueError(f"not hexadecimal: {value!r}")
        if column.data_type in _CHARACTERS and column.charset not in ("", "binary"):
            return f"_{column.charset} x'{value}' COLLATE {column.collation}"
        return f"x'{value}'"
    if not re.fullmatch(r"[-+0-9.:eE ]+", value):
        raise ValueError(f"neither a number nor a time: {value!r}")
    return f"'{value}'" if column.data_type in _TIMES else value


def after(keys: Sequence[Column], values: Sequence[str]) -> str:
    """The condition that a row comes after a key in the order of the primary key."""
    return _beyond(keys, values, ">")


def up_to(keys: Sequence[Column], values: Sequence[str]) -> str:
    """The condition that a row is a key's or comes before it."""
    equal = " AND ".join(
        f"{key_operand(key)} = {key_literal(key, value)}" for key, value in zip(keys, values, strict=True)
    )
    return f"({_beyond(keys, values, '<')} OR ({equal}))"


def _beyond(keys: Sequence[Column], values: Sequence[str], sign: str) -> str:
    """Written out, as MySQL uses no index for `(a, b) > (x, y)`; the first part bounds the index."""
    operands = [key_operand(key) for key in keys]
    literals = [key_literal(key, value) for key, value in zip(keys, values, strict=True)]
    alternatives = []
    for place, (operand, literal) in enumerate(zip(operands, literals, strict=True)):
        equal = [f"{operands[before]} = {literals[before]}" for before in range(place)]
        alternatives.append(" AND ".join([*equal, f"{operand} {sign} {literal}"]))
    if len(keys) == 1:
        return alternatives[0]
    return f"{operands[0]} {sign}= {literals[0]} AND ({' OR '.join(f'({each})' for each in alternatives)})"
