"""Cut the lines of a text file into records and fields, for COPY."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from .columns import Column
from .dialect.transfer import Copy
from .values import BadValueError

_BYTES = "latin-1"  # one character for each byte, so that csv can cut what may be no valid UTF-8

csv.field_size_limit(sys.maxsize)


@dataclass(frozen=True)
class Record:
    """One row of a file.

    :param line: the line that it begins on, from 1.
    :param fields: its values, None where there is none.
    :param raw: the text, for `stl_load_errors`.
    :param error: why the record cannot be cut into fields, if it cannot.
    """

    line: int
    fields: list[bytes | None]
    raw: str = ""
    error: BadValueError | None = None


def read(lines: Iterator[bytes], copy: Copy, columns: Sequence[Column]) -> Iterator[Record]:
    """Cut lines into records as the command's format says."""
    if copy.format == "csv":
        return _csv(lines, copy)
    if copy.format == "json":
        return _json(lines, copy, columns)
    return _delimited(lines, copy)


def delimiter(copy: Copy) -> str:
    """Return the character between fields: a comma in CSV and `|` in text, if no other is given."""
    given = str(copy.values.get("DELIMITER", "," if copy.format == "csv" else "|"))
    return "\t" if given == r"\t" else given


def _csv(lines: Iterator[bytes], copy: Copy) -> Iterator[Record]:
    text = (line.decode(_BYTES) for line in lines)
    reader = csv.reader(text, delimiter=delimiter(copy), quotechar=copy.values.get("QUOTE", '"'))
    while True:
        start = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Record(start, [], error=BadValueError(f"Invalid quote formatting for CSV: {error}", 1211))
            continue
        if row or "IGNOREBLANKLINES" not in copy.flags:
            yield Record(start, [field.encode(_BYTES) for field in row], raw=_shown(",".join(row)))


def _shown(text: str) -> str:
    return text.encode(_BYTES).decode(errors="replace")


def _delimited(lines: Iterator[bytes], copy: Copy) -> Iterator[Record]:
    between = delimiter(copy).encode()
    escape = "ESCAPE" in copy.flags
    pattern = re.compile(rb"((?:\\.|[^\\])*?)(?:" + re.escape(between) + rb"|\Z)", re.DOTALL)
    number = 0
    for first in lines:
        number += 1
        start, line = number, first
        while escape and _open_ended(line):
            line += next(lines, b"")
            number += 1
        body = line.removesuffix(b"\n").removesuffix(b"\r")
        if not body and "IGNOREBLANKLINES" in copy.flags:
            continue
        fields: list[bytes | None]
        parts = [_unescape(field) for field in _cut(pattern, body)] if escape else body.split(between)
        fields = list(parts)
        if "REMOVEQUOTES" in copy.flags:
            fields = [_unquoted(field or b"") for field in fields]
        if fields and fields[-1] == b"" and body.endswith(between):
            fields.pop()  # a delimiter may end the line
        yield Record(start, fields, raw=body.decode(errors="replace"))


def _open_ended(line: bytes) -> bool:
    """Tell whether the line's end is escaped, so that the record goes on."""
    if not line.endswith(b"\n"):
        return False
    body = line[:-1]
    return (len(body) - len(body.rstrip(b"\\"))) % 2 == 1


def _cut(pattern: re.Pattern[bytes], body: bytes) -> list[bytes]:
    fields, position = [], 0
    while True:
        found = pattern.match(body, position)
        if found is None:  # a lone backslash at the end
            fields.append(body[position:])
            return fields
        fields.append(found[1])
        if found.end() == found.end(1):
            return fields
        position = found.end()


def _unescape(field: bytes) -> bytes:
    if field == rb"\N":  # the default null is no escape
        return field
    return re.sub(rb"\\(.)", lambda found: found[1], field, flags=re.DOTALL)


def _unquoted(field: bytes) -> bytes:
    quoted = len(field) > 1 and field[:1] == field[-1:] and field[:1] in (b'"', b"'")
    return field[1:-1] if quoted else field


def _json(lines: Iterator[bytes], copy: Copy, columns: Sequence[Column]) -> Iterator[Record]:
    """Read JSON objects, one after another, which may stretch over lines; members are found by name."""
    decoder = json.JSONDecoder(parse_float=Decimal, parse_int=Decimal)
    ignore_case = copy.values.get("JSON") == "auto ignorecase"
    pending, start = "", 1
    for number, line in enumerate(lines, start=1):
        if not pending.strip():
            pending, start = "", number
        pending += line.decode(errors="surrogateescape")
        while pending := pending.lstrip(" \t\r\n"):
            try:
                value, end = decoder.raw_decode(pending)
            except json.JSONDecodeError as error:
                if error.pos < len(pending) - 1 and pending.endswith("}\n"):
                    yield Record(start, [], pending, BadValueError("Invalid JSON format", 1216))
                    pending = ""
                break
            yield Record(start, _members(value, columns, ignore_case), pending[:end])
            pending, start = pending[end:], number
    if pending.strip():
        yield Record(start, [], pending, BadValueError("Invalid JSON format", 1216))


def _members(value: Any, columns: Sequence[Column], ignore_case: bool) -> list[bytes | None]:
    if not isinstance(value, dict):
        value = {}
    if ignore_case:
        value = {key.lower(): item for key, item in value.items()}
    return [_text(value.get(column.name), column.type == "jsonb") for column in columns]


def _text(value: Any, as_json: bool) -> bytes | None:
    if value is None:
        return None
    plain = isinstance(value, str) and not as_json
    return str(value if plain else to_json(value)).encode(errors="surrogateescape")


def to_json(value: Any) -> str:
    """Write JSON with all digits of its numbers."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{to_json(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(to_json, value)) + "]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)
