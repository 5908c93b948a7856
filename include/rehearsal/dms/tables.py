"""Tables as MySQL describes them, and the values of their columns as DMS writes them into JSON. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

# DMS user guide, "Data types for AWS DMS" and "Source data types for MySQL"; names as control records show them.
_TYPES = {
    "tinyint": "INT8", "smallint": "INT16", "mediumint": "INT32", "int": "INT32", "bigint": "INT64", "year": "INT16",
    "decimal": "NUMERIC", "float": "REAL4", "double": "REAL8", "bit": "UINT64",
    "date": "DATE", "time": "TIME", "datetime": "DATETIME", "timestamp": "DATETIME",
    "char": "WSTRING", "varchar": "WSTRING", "enum": "WSTRING", "set": "WSTRING",
    "binary": "BYTES", "varbinary": "BYTES",
    "tinytext": "NCLOB", "text": "NCLOB", "mediumtext": "NCLOB", "longtext": "NCLOB", "json": "NCLOB",
    "tinyblob": "BLOB", "blob": "BLOB", "mediumblob": "BLOB", "longblob": "BLOB",
}  # fmt: skip
ENCODE = json.JSONEncoder(ensure_ascii=False).encode
LOBS = frozenset({"NCLOB", "BLOB"})


@dataclass(frozen=True)
class Column:
    """One column.

    :ivar type: MySQL's name of the type, such as `varchar`.
    :ivar full_type: with its attributes, such as `int unsigned` or `enum('a','b')`.
    :ivar length: characters or bytes at most; None for types without.
    :ivar digits: of a decimal; None for others.
    :ivar scale: digits behind the point of a decimal.
    :ivar fraction: digits behind the second of a time.
    :ivar charset: of a text; None for what has none.
    """

    name: str
    type: str
    full_type: str
    nullable: bool
    length: int | None = None
    digits: int | None = None
    scale: int | None = None
    fraction: int | None = None
    charset: str | None = None

    @cached_property
    def label(self) -> str:
        """Its name as JSON."""
        return ENCODE(self.name)

    @property
    def unsigned(self) -> bool:
        """Whether it is a number without sign."""
        return "unsigned" in self.full_type

    @cached_property
    def dms_type(self) -> str:
        """DMS's name of the type."""
        found = _TYPES.get(self.type, "BYTES")
        return f"U{found}" if self.unsigned and found.startswith("INT") else found

    @cached_property
    def lob(self) -> bool:
        """Whether DMS treats it as a large object."""
        return self.dms_type in LOBS

    @property
    def choices(self) -> list[str]:
        """The values of an ENUM or SET, in their order."""
        inside = self.full_type.partition("(")[2].rpartition(")")[0]
        return [word.replace("''", "'") for word in inside[1:-1].split("','")] if inside else []

    def definition(self) -> dict[str, Any]:
        """How a control record describes it."""
        found: dict[str, Any] = {"type": self.dms_type}
        if self.dms_type in ("WSTRING", "BYTES") and self.length is not None:
            found["length"] = self.length
        if self.digits is not None and self.dms_type == "NUMERIC":
            found |= {"precision": self.digits, "scale": self.scale or 0}
        return found | {"nullable": self.nullable}

    def text(self, value: Any) -> str:
        """A value as JSON, with all its digits."""
        if value is None:
            return "null"
        if self.type == "json":
            return ENCODE(str(self.plain(value)))
        if isinstance(value, int) or (isinstance(value, str) and self.type != "bit"):
            return ENCODE(value)
        if isinstance(value, Decimal):
            return format(value, "f")
        if isinstance(value, bytes | bytearray):
            return self._bytes(bytes(value))
        if isinstance(value, datetime | date | timedelta):
            return ENCODE(self._moment(value))
        if self.type == "bit":
            return str(int(value, 2) if isinstance(value, str) else value)
        if isinstance(value, set | frozenset):
            return ENCODE(",".join(choice for choice in self.choices if choice in value))
        if isinstance(value, float):
            return json.dumps(_shortest(value) if self.type == "float" else value)
        return ENCODE(value)

    def plain(self, value: Any) -> Any:
        """A value of a LOB as a text or bytes: the binary log holds JSON as a tree."""
        return _json_text(value) if self.type == "json" and not isinstance(value, str) else value

    def _bytes(self, value: bytes) -> str:
        if self.type == "bit":
            return str(int.from_bytes(value))
        # Hexadecimal, with a prefix unless NoHexPrefix is set (DMS user guide, "Kinesis Data Streams endpoint").
        return ENCODE("0x" + value.hex().upper())

    def _moment(self, value: datetime | date | timedelta) -> str:
        digits = self.fraction or 0
        if isinstance(value, datetime):
            return value.strftime("%Y-%m-%dT%H:%M:%S") + _fraction(value.microsecond, digits) + "Z"
        if isinstance(value, date):
            return value.isoformat()
        total = abs(value)
        seconds = total.days * 86400 + total.seconds
        sign = "-" if value < timedelta(0) else ""
        clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        return sign + clock + _fraction(total.microseconds, digits)


@dataclass(frozen=True)
class Table:
    """One table; `key` names the columns of its primary key."""

    schema: str
    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    @property
    def full_name(self) -> str:
        """`schema.table`."""
        return f"{self.schema}.{self.name}"

    def definition(self) -> dict[str, Any]:
        """How a control record describes it."""
        columns = {column.name: column.definition() for column in self.columns}
        return {"columns": columns} | ({"primary-key": list(self.key)} if self.key else {})

    def named(self, values: Sequence[Any]) -> dict[str, Any]:
        """A row by the names of its columns."""
        return dict(zip((column.name for column in self.columns), values, strict=True))

    def partition_key(self, row: Mapping[str, Any]) -> str:
        """Where a row's records go; a table without primary key goes to one shard as a whole."""
        parts = [str(row[name]) for name in self.key]
        # PartitionKey of PutRecords has 256 characters at most.
        return ".".join([self.schema, self.name, *parts])[:256]


def _fraction(microseconds: int, digits: int) -> str:
    return f".{microseconds:06}"[: digits + 1] if digits else ""


def _shortest(value: float) -> float:
    """A FLOAT of four bytes by the fewest digits that give it again, as MySQL prints it."""
    return float(f"{value:.6g}")


def _json_text(value: Any) -> str:
    """A JSON document that the binary log holds as a tree, in MySQL's own spelling."""
    return json.dumps(_texts(value), ensure_ascii=False, default=str)


def _texts(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, dict):
        return {_texts(key): _texts(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_texts(item) for item in value]
    return float(value) if isinstance(value, Decimal) else value
