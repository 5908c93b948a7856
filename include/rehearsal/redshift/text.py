"""Read CSV, delimited text and JSON for COPY, row by row, and say what is wrong with which row."""

from __future__ import annotations

import bisect
import gzip
import re
from collections.abc import Iterator, Sequence
from typing import BinaryIO, cast

from . import records
from .columns import Column
from .dialect.transfer import Copy
from .values import BadValueError, converter

_CHUNK_BYTES = 1 << 20
_READ_BYTES = 1 << 20
_NULL = rb"\N"
_ESCAPED = re.compile(rb"[\\\t\n\r\x08\x0b\x0c]")
_ESCAPES = {
    b"\\": b"\\\\",
    b"\t": b"\\t",
    b"\n": b"\\n",
    b"\r": b"\\r",
    b"\x08": b"\\b",
    b"\x0b": b"\\v",
    b"\x0c": b"\\f",
}

_NUMERIC = {
    "int2": "Short",
    "int4": "Integer",
    "int8": "Long",
    "numeric": "Decimal",
    "float4": "Real",
    "float8": "Double",
}
_SKIPPED = re.compile(r'at line (\d+) for column "(.*?)": (?:"(.*)"|null input)', re.DOTALL)
_CONTEXT = re.compile(r'^COPY .*?, line (\d+)(?:, column (.*?): "?(.*?)"?)?$', re.DOTALL)


class LoadError(Exception):
    """A row that cannot be loaded: a line of `stl_load_errors`.

    :param message: why.
    :param code: Redshift's number for it ("Load error reference").
    :param column: name of the column, empty if it is the row as a whole.
    :param file: address of the file.
    :param line: line in the file, from 1.
    :param raw_line: the line as far as it is known.
    :param raw_value: the value as it stands in the file.
    """

    def __init__(
        self,
        message: str,
        *,
        code: int,
        column: str = "",
        file: str = "",
        line: int = 0,
        raw_line: str = "",
        raw_value: str = "",
    ) -> None:
        super().__init__(message)
        self.code = code
        self.column = column
        self.file = file
        self.line = line
        self.raw_line = raw_line
        self.raw_value = raw_value
        self.position = 0


class TextLoad:
    """Turns text files into the rows of one COPY.

    :param copy: the command with its options.
    :param columns: the columns to fill, in the order of the data.
    :param bad: takes the rows that are left out; as many as MAXERROR says are one too many.
    """

    def __init__(self, copy: Copy, columns: Sequence[Column], bad: list[LoadError]) -> None:
        self._copy = copy
        self._columns = columns
        self._converters = [converter(column, copy) for column in columns]
        self._bad = bad
        self._limit = int(copy.values.get("MAXERROR", 0))
        self._rows = 0
        self._starts: list[int] = []  # numbers of rows before which the line numbers jump
        self._places: list[tuple[str, int]] = []

    def chunks(self, stream: BinaryIO, url: str) -> Iterator[bytes]:
        """Yield a file's rows in PostgreSQL's text format, about a megabyte at a time.

        :param stream: the file from its beginning.
        :param url: its address.
        :raises LoadError: a row cannot be loaded, and MAXERROR allows no more of them.
        """
        if "GZIP" in self._copy.flags:
            stream = cast("BinaryIO", gzip.GzipFile(fileobj=stream))
        skip = int(self._copy.values.get("IGNOREHEADER", 0))
        chunk = bytearray()
        for record in records.read(lines(stream), self._copy, self._columns):
            if record.line <= skip:
                continue
            try:
                chunk += self._row(record)
            except BadValueError as error:
                self._leave_out(error, record, url)
            else:
                self._note_place(url, record.line)
            if len(chunk) > _CHUNK_BYTES:
                yield bytes(chunk)
                chunk.clear()
        if chunk:
            yield bytes(chunk)

    def place(self, row: int) -> tuple[str, int]:
        """Return file and line of a row that was handed to PostgreSQL.

        :param row: its number, from 1.
        """
        index = bisect.bisect_right(self._starts, row - 1) - 1
        if index < 0:
            return "", row
        url, line = self._places[index]
        return url, line + row - 1 - self._starts[index]

    def _note_place(self, url: str, line: int) -> None:
        if not self._places or self.place(self._rows + 1) != (url, line):
            self._starts.append(self._rows)
            self._places.append((url, line))
        self._rows += 1

    def _row(self, record: records.Record) -> bytes:
        if record.error is not None:
            raise record.error
        fields = self._filled(record.fields)
        values = []
        for column, convert, value in zip(self._columns, self._converters, fields, strict=True):
            text = None if value is None else convert(value)
            if text is None and column.not_null:
                raise BadValueError("Missing data for not-null field", 1213, column.name)
            values.append(_NULL if text is None else _escape(text))
        return b"\t".join(values) + b"\n"

    def _filled(self, fields: list[bytes | None]) -> list[bytes | None]:
        missing = len(self._columns) - len(fields)
        if missing < 0:
            raise BadValueError("Extra column(s) found", 1202)
        if missing and "FILLRECORD" not in self._copy.flags:
            raise BadValueError("Delimiter not found", 1214, self._columns[len(fields)].name)
        return fields + [None] * missing

    def _leave_out(self, error: BadValueError, record: records.Record, url: str) -> None:
        found = LoadError(
            str(error),
            code=error.code,
            column=error.column,
            file=url,
            line=record.line,
            raw_line=record.raw,
            raw_value=error.value.decode(errors="replace"),
        )
        if len(self._bad) + 1 >= max(self._limit, 1):
            raise found
        self._bad.append(found)


def lines(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a stream with their ends, without holding more than a megabyte and a line."""
    rest = b""
    while data := stream.read(_READ_BYTES):
        parts = (rest + data).split(b"\n")
        rest = parts.pop()
        for part in parts:
            yield part + b"\n"
    if rest:
        yield rest


def skipped_row(fields: dict[str, str], columns: Sequence[Column], reader: TextLoad | None) -> LoadError | None:
    """Read PostgreSQL's notice about a row that it has left out; None if it is about something else."""
    found = _SKIPPED.search(fields.get("M", ""))
    return _row_error(found, fields, columns, reader) if found else None


def refused_row(fields: dict[str, str], columns: Sequence[Column], reader: TextLoad | None) -> LoadError | None:
    """Read PostgreSQL's error about a row; None if it is about something else."""
    found = _CONTEXT.search(fields.get("W", ""))
    return _row_error(found, fields, columns, reader) if found and fields.get("C", "")[:2] in ("22", "23") else None


def _row_error(
    found: re.Match[str], fields: dict[str, str], columns: Sequence[Column], reader: TextLoad | None
) -> LoadError:
    name, value = found[2] or fields.get("c", ""), found[3] or ""
    column = next((column for column in columns if column.name == name), None)
    code, reason = _reason(column, value, fields)
    url, line = reader.place(int(found[1])) if reader else ("", int(found[1]))
    return LoadError(reason, code=code, column=name, file=url, line=line, raw_value=value)


def _reason(column: Column | None, value: str, fields: dict[str, str]) -> tuple[int, str]:
    """Word PostgreSQL's complaint as Redshift does."""
    if fields.get("C") == "23502":
        return 1213, "Missing data for not-null field"
    kind = column.type if column else ""
    if kind in _NUMERIC:
        return 1207, f"Invalid digit, Value '{value[:1]}', Pos 0, Type: {_NUMERIC[kind]}"
    if kind == "date":
        return 1205, "Invalid Date Format - length must be 10 or more"
    if kind in ("timestamp", "timestamptz"):
        return 1206, "Invalid timestamp format or value [YYYY-MM-DD HH24:MI:SS]"
    return 1224, fields.get("M", "")


def _escape(value: bytes) -> bytes:
    return _ESCAPED.sub(lambda found: _ESCAPES[found[0]], value)
