"""Values of text files as COPY converts them ("Data conversion parameters" of COPY)."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Callable
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, InvalidOperation

from .columns import Column
from .dialect.transfer import Copy

Converter = Callable[[bytes], bytes | None]

# Redshift's date words and what strptime calls them; longer ones first.
_WORDS = {
    "YYYY": "%Y",
    "HH24": "%H",
    "HH12": "%I",
    "MONTH": "%B",
    "MON": "%b",
    "YY": "%y",
    "MM": "%m",
    "DD": "%d",
    "HH": "%H",
    "MI": "%M",
    "SS": "%S",
    "AM": "%p",
    "PM": "%p",
}
_EPOCH = dt.datetime(1970, 1, 1)


class BadValueError(Exception):
    """A value that COPY refuses.

    :param message: why, in Redshift's words.
    :param code: Redshift's number for it ("Load error reference").
    :param column: the column's name.
    :param value: the value as it stands in the file.
    """

    def __init__(self, message: str, code: int, column: str = "", value: bytes = b"") -> None:
        super().__init__(message)
        self.code = code
        self.column = column
        self.value = value


def converter(column: Column, copy: Copy) -> Converter:
    """Return the function that turns a field into text for PostgreSQL, or None for NULL.

    What it does not check, such as the digits of an integer, PostgreSQL does.
    """
    null = str(copy.values.get("NULL", r"\N")).encode()
    convert = _CONVERTERS.get(column.type, _plain)(column, copy)
    blanks = "BLANKSASNULL" in copy.flags

    def checked(value: bytes) -> bytes | None:
        if value == null or (blanks and value and not value.strip(b" \t")):
            return None
        return convert(value)

    return checked


def _plain(column: Column, copy: Copy) -> Converter:
    return lambda value: value.strip(b" ") or None


def _character(column: Column, copy: Copy) -> Converter:
    empty_as_null = "EMPTYASNULL" in copy.flags
    trim = "TRIMBLANKS" in copy.flags and column.type == "varchar"
    cut = "TRUNCATECOLUMNS" in copy.flags
    replacement = copy.values.get("ACCEPTINVCHARS") if column.type == "varchar" else None

    def convert(value: bytes) -> bytes | None:
        if not value and empty_as_null:
            return None
        text = _decode(value, column, replacement)
        if trim:
            text = text.rstrip(" ")
        encoded = text.encode()
        if column.length and len(encoded) > column.length:
            if not cut:
                raise BadValueError("String length exceeds DDL length", 1204, column.name, value)
            encoded = encoded[: column.length].decode(errors="ignore").encode()
        return encoded

    return convert


def _decode(value: bytes, column: Column, replacement: str | None) -> str:
    if b"\0" in value:
        raise BadValueError("the character 0x00 is not imitated by the stand-in", 1224, column.name, value)
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        if replacement is None:
            message = "String contains invalid or unsupported UTF8 codepoints"
            raise BadValueError(message, 1220, column.name, value) from error
    # As many replacements as there are invalid bytes.
    return value.decode(errors="surrogateescape").translate(dict.fromkeys(range(0xDC80, 0xDD00), replacement))


def _decimal(column: Column, copy: Copy) -> Converter:
    """COPY cuts surplus digits off, unless ROUNDEC says otherwise; INSERT rounds."""
    rounding = ROUND_HALF_UP if "ROUNDEC" in copy.flags else ROUND_DOWN
    unit = Decimal(1).scaleb(-column.scale)

    def convert(value: bytes) -> bytes | None:
        text = value.strip(b" ")
        if b"." not in text and b"e" not in text.lower():
            return text or None
        try:
            return str(Decimal(text.decode()).quantize(unit, rounding=rounding)).encode()
        except (InvalidOperation, UnicodeDecodeError):
            return text  # PostgreSQL refuses it

    return convert


def _varbyte(column: Column, copy: Copy) -> Converter:
    def convert(value: bytes) -> bytes | None:
        if not value:
            return None
        if len(value) % 2 or not re.fullmatch(rb"[0-9a-fA-F]*", value):
            raise BadValueError("Invalid hexadecimal value", 1207, column.name, value)
        if len(value) // 2 > column.length:
            raise BadValueError("String length exceeds DDL length", 1204, column.name, value)
        return rb"\x" + value

    return convert


def _super(column: Column, copy: Copy) -> Converter:
    def convert(value: bytes) -> bytes | None:
        if not value:
            return None
        try:
            json.loads(value)
        except ValueError as error:
            raise BadValueError("Invalid JSON format", 1216, column.name, value) from error
        return value

    return convert


def _moment(column: Column, copy: Copy) -> Converter:
    option = "DATEFORMAT" if column.type == "date" else "TIMEFORMAT"
    pattern = str(copy.values.get(option, "auto"))
    any_date = "ACCEPTANYDATE" in copy.flags
    parse = _parser(pattern)
    code = 1205 if column.type == "date" else 1206

    def convert(value: bytes) -> bytes | None:
        text = value.strip(b" ")
        if not text or (any_date and text.lower() in (b"0", b"00000000", b"0000-00-00")):
            return None
        if parse is None:
            return text
        try:
            return parse(text.decode()).isoformat(" ").encode()
        except (ValueError, OverflowError) as error:
            if any_date:
                return None
            raise BadValueError(_complaint(column, pattern), code, column.name, value) from error

    return convert


def _complaint(column: Column, pattern: str) -> str:
    if column.type == "date":
        return f"Invalid date format or value [{pattern}]"
    return f"Invalid timestamp format or value [{pattern}]"


def _parser(pattern: str) -> Callable[[str], dt.datetime] | None:
    """Return the parser for a DATEFORMAT or TIMEFORMAT, None where PostgreSQL reads the value itself."""
    if pattern == "auto":
        return None
    if pattern == "epochsecs":
        return lambda text: _EPOCH + dt.timedelta(seconds=int(text))
    if pattern == "epochmillisecs":
        return lambda text: _EPOCH + dt.timedelta(milliseconds=int(text))
    strptime = re.sub(
        "|".join(_WORDS),
        lambda found: _WORDS[found[0].upper()],
        pattern.replace("%", "%%"),
        flags=re.IGNORECASE,
    )
    return lambda text: dt.datetime.strptime(text, strptime)


_CONVERTERS: dict[str, Callable[[Column, Copy], Converter]] = {
    "varchar": _character,
    "bpchar": _character,
    "text": _character,
    "numeric": _decimal,
    "bytea": _varbyte,
    "jsonb": _super,
    "date": _moment,
    "timestamp": _moment,
    "timestamptz": _moment,
}
