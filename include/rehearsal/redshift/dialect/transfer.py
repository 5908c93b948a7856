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
_NOT_IMITATED = {
    "ORC",
    "AVRO",
    "SHAPEFILE",
    "FIXEDWIDTH",
    "BZIP2",
    "LZOP",
    "ZSTD",
    "ENCRYPTED",
    "SSH",
    "READRATIO",
}


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
    if word == "WITH" or _authorization(word, stream):
        return copy
    return replace(copy, values=copy.values | {word: _copy_value(word, stream)})


def _authorization(word: str, stream: Stream) -> bool:
    """Move past credentials, which the stand-in's S3 does not ask for, and tell whether there were any."""
    if word == "IAM_ROLE":
        stream.next()
    elif word in _SECRETS:
        stream.accept("AS")
        _string(stream)
    return word in _SECRETS or word == "IAM_ROLE"


def _copy_value(word: str, stream: Stream) -> Any:
    if word in _SWITCHES:
        return stream.accept_any("ON", "OFF", "TRUE", "FALSE", "PRESET") or "ON"
    if word not in _TEXTS | _NUMBERS | {"ACCEPTINVCHARS", "ENCODING"}:
        raise _unknown(word, stream)
    stream.accept("AS")
    if word == "ACCEPTINVCHARS":
        return _string(stream) if stream.peek().kind is Kind.STRING else "?"
    if word == "ENCODING":
        return _encoding(stream)
    return stream.integer() if word in _NUMBERS else _string(stream)


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
    if word == "WITH" or _authorization(word, stream):
        return unload
    return replace(unload, values=unload.values | {word: _unload_value(word, stream)})


def _unload_value(word: str, stream: Stream) -> Any:
    if word == "MANIFEST":
        return stream.accept_any("VERBOSE") or "PLAIN"
    if word == "PARALLEL":
        return stream.accept_any("ON", "OFF", "TRUE", "FALSE") or "ON"
    if word not in {"DELIMITER", "NULL", "REGION", "EXTENSION", "MAXFILESIZE", "ROWGROUPSIZE"}:
        raise _unknown(word, stream)
    stream.accept("AS")
    if word in {"MAXFILESIZE", "ROWGROUPSIZE"}:
        return stream.next().text, stream.accept_any("MB", "GB")
    return _string(stream)


def _unknown(word: str, stream: Stream) -> RedshiftError:
    if word in _NOT_IMITATED:
        return RedshiftError(f"{word} is not imitated by the stand-in", code=NOT_SUPPORTED)
    stream.position -= 1
    return stream.error()


def _string(stream: Stream) -> str:
    if stream.peek().kind is not Kind.STRING:
        raise stream.error()
    token = stream.next()
    # \N, the default null, is mostly written with one backslash, which the lexer alone would take for an
    # escape.
    return r"\N" if token.text == r"'\N'" else unquote_string(token)


def _encoding(stream: Stream) -> str:
    name = stream.next().text.strip("'").upper()
    if name not in ("UTF8", "UTF-8"):
        raise RedshiftError(f"ENCODING {name} is not imitated by the stand-in", code=NOT_SUPPORTED)
    return name
