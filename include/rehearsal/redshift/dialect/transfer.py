"""COPY and UNLOAD as they are written (Developer Guide, COPY and UNLOAD)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import NOT_SUPPORTED, SYNTAX_ERROR, RedshiftError, syntax_error
from .lexer import Kind, unquote_string
from .stream import Stream

# "COPY from columnar data formats": all that COPY takes with Parquet.
_PARQUET_OPTIONS = {
    "IAM_ROLE",
    "CREDENTIALS",
    "ACCESS_KEY_ID",
    "SECRET_ACCESS_KEY",
    "SESSION_TOKEN",
    "ACCEPTINVCHARS",
    "FILLRECORD",
    "STATUPDATE",
    "MANIFEST",
    "EXPLICIT_IDS",
    "FORMAT",
    "PARQUET",
}
_FLAGS = {
    "BLANKSASNULL",
    "EMPTYASNULL",
    "ESCAPE",
    "EXPLICIT_IDS",
    "ACCEPTANYDATE",
    "FILLRECORD",
    "GZIP",
    "IGNOREBLANKLINES",
    "MANIFEST",
    "NOLOAD",
    "REMOVEQUOTES",
    "ROUNDEC",
    "TRIMBLANKS",
    "TRUNCATECOLUMNS",
}
_TEXTS = {"DELIMITER", "NULL", "DATEFORMAT", "TIMEFORMAT", "REGION", "QUOTE"}
_NUMBERS = {"IGNOREHEADER", "MAXERROR", "COMPROWS"}
_SECRETS = {"CREDENTIALS", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN", "MASTER_SYMMETRIC_KEY"}
_SWITCHES = {"COMPUPDATE", "STATUPDATE"}
_FORMATS = {"CSV", "PARQUET", "JSON"}
_NOT_IMITATED = {"ORC", "AVRO", "SHAPEFILE", "FIXEDWIDTH", "BZIP2", "LZOP", "ZSTD", "ENCRYPTED", "SSH", "READRATIO"}


@dataclass(frozen=True)
class Copy:
    """A COPY command.

    :param table: the target in PostgreSQL's quotes.
    :param columns: the column list, unquoted; empty if there is none.
    :param source: the `s3://` address.
    :param format: `parquet`, `csv`, `json` or `text`.
    :param flags: options without a value, in upper case.
    :param values: options with a value, by their name in upper case.
    """

    table: str
    columns: tuple[str, ...]
    source: str
    format: str = "text"
    flags: frozenset[str] = frozenset()
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Unload:
    """An UNLOAD command: the query as the client wrote it, and where its result goes.

    Its parameters are those of `Copy`.
    """

    query: str
    destination: str
    format: str = "text"
    flags: frozenset[str] = frozenset()
    values: dict[str, Any] = field(default_factory=dict)


def parse_copy(stream: Stream) -> Copy:
    """Read a COPY command, whose first word is read already.

    :raises RedshiftError: it is no COPY that Redshift or this stand-in knows.
    """
    table = stream.name()
    columns: list[str] = []
    if stream.at("("):
        names = Stream(stream.parenthesised(), case_sensitive=stream.case_sensitive)
        columns.append(names.identifier())
        while names.accept(","):
            columns.append(names.identifier())
    stream.expect("FROM")
    source = _string(stream)
    if not source.startswith("s3://"):
        raise RedshiftError(f"COPY from '{source}' is not imitated, only from s3://", code=NOT_SUPPORTED)
    copy = Copy(table, tuple(columns), source)
    seen: set[str] = set()
    while not stream.at_end():
        seen.add(stream.peek().word)
        copy = _copy_option(copy, stream)
    return _checked(copy, seen)


def _copy_option(copy: Copy, stream: Stream) -> Copy:
    word = stream.next().word
    if word in _FLAGS:
        return replace(copy, flags=copy.flags | {word})
    if word == "FORMAT":
        stream.accept("AS")
        word = stream.next().word
    if word in _FORMATS:
        return _copy_format(copy, word, stream)
    value: Any
    if word in ("WITH",):
        return copy
    if word == "IAM_ROLE":
        value = stream.next().text
    elif word in _TEXTS | _NUMBERS | _SECRETS:
        stream.accept("AS")
        value = _number(stream) if word in _NUMBERS else _string(stream)
    elif word in _SWITCHES:
        value = stream.accept_any("ON", "OFF", "TRUE", "FALSE", "PRESET") or "ON"
    elif word == "ACCEPTINVCHARS":
        stream.accept("AS")
        value = _string(stream) if stream.peek().kind is Kind.STRING else "?"
    elif word == "ENCODING":
        stream.accept("AS")
        value = _encoding(stream)
    else:
        raise _unknown(word, stream)
    if word in _SECRETS | {"IAM_ROLE"}:
        return copy  # the stand-in's S3 takes anyone
    return replace(copy, values=copy.values | {word: value})


def _copy_format(copy: Copy, word: str, stream: Stream) -> Copy:
    copy = replace(copy, format=word.lower())
    if word == "JSON":
        stream.accept("AS")
        path = _string(stream) if stream.peek().kind is Kind.STRING else "auto"
        if path not in ("auto", "auto ignorecase", "noshred"):
            raise RedshiftError(f"COPY JSON with '{path}' is not imitated, only with 'auto'", code=NOT_SUPPORTED)
        return replace(copy, values=copy.values | {"JSON": path})
    if word == "PARQUET" and stream.accept("SERIALIZETOJSON"):
        return replace(copy, flags=copy.flags | {"SERIALIZETOJSON"})
    return copy


def _checked(copy: Copy, seen: set[str]) -> Copy:
    if copy.format == "parquet":
        for option in sorted(seen - _PARQUET_OPTIONS):
            raise RedshiftError(f"{option} argument is not supported for PARQUET based COPY", code=NOT_SUPPORTED)
    if copy.format == "csv" and copy.flags & {"ESCAPE", "REMOVEQUOTES"}:
        raise RedshiftError("CSV is not compatible with ESCAPE or REMOVEQUOTES", code=SYNTAX_ERROR)
    if "QUOTE" in copy.values and copy.format != "csv":
        raise syntax_error("QUOTE")
    return copy


def parse_unload(stream: Stream) -> Unload:
    """Read an UNLOAD command, whose first word is read already.

    :raises RedshiftError: it is no UNLOAD that Redshift or this stand-in knows.
    """
    inner = stream.parenthesised()
    if len(inner) != 1 or inner[0].kind not in (Kind.STRING, Kind.DOLLAR):
        raise syntax_error(inner[0].text if inner else ")")
    stream.expect("TO")
    unload = Unload(unquote_string(inner[0]), _string(stream))
    while not stream.at_end():
        unload = _unload_option(unload, stream)
    if unload.format == "parquet":
        for option in sorted({"HEADER", "GZIP", "DELIMITER", "ADDQUOTES", "ESCAPE"} & {*unload.flags, *unload.values}):
            raise RedshiftError(f"UNLOAD PARQUET is not compatible with {option}", code=SYNTAX_ERROR)
    return unload


def _unload_option(unload: Unload, stream: Stream) -> Unload:
    word = stream.next().word
    if word == "FORMAT":
        stream.accept("AS")
        word = stream.next().word
    if word in ("CSV", "PARQUET"):
        return replace(unload, format=word.lower())
    if word in {"HEADER", "ADDQUOTES", "ESCAPE", "ALLOWOVERWRITE", "CLEANPATH", "GZIP"}:
        return replace(unload, flags=unload.flags | {word})
    if word == "WITH":
        return unload
    value: Any
    if word == "MANIFEST":
        value = stream.accept_any("VERBOSE") or "PLAIN"
    elif word == "IAM_ROLE":
        stream.next()
        return unload
    elif word in _SECRETS:
        stream.accept("AS")
        _string(stream)
        return unload
    elif word in {"DELIMITER", "NULL", "REGION", "EXTENSION"}:
        stream.accept("AS")
        value = _string(stream)
    elif word == "PARALLEL":
        value = stream.accept_any("ON", "OFF", "TRUE", "FALSE") or "ON"
    elif word in {"MAXFILESIZE", "ROWGROUPSIZE"}:
        stream.accept("AS")
        value = (stream.next().text, stream.accept_any("MB", "GB"))
    else:
        raise _unknown(word, stream)
    return replace(unload, values=unload.values | {word: value})


def _unknown(word: str, stream: Stream) -> RedshiftError:
    if word in _NOT_IMITATED:
        return RedshiftError(f"{word} is not imitated by the stand-in", code=NOT_SUPPORTED)
    stream.position -= 1
    return stream.error()


def _string(stream: Stream) -> str:
    if stream.peek().kind is not Kind.STRING:
        raise stream.error()
    token = stream.next()
    # \N, the default null, is mostly written with one backslash, which the lexer alone would take for an escape.
    return r"\N" if token.text == r"'\N'" else unquote_string(token)


def _number(stream: Stream) -> int:
    if stream.peek().kind is not Kind.NUMBER:
        raise stream.error()
    return int(stream.next().text)


def _encoding(stream: Stream) -> str:
    name = stream.next().text.strip("'").upper()
    if name not in ("UTF8", "UTF-8"):
        raise RedshiftError(f"ENCODING {name} is not imitated by the stand-in", code=NOT_SUPPORTED)
    return name
