"""What the stream processors and the runbooks must agree on. Pure, standard library only.

The same text stands in `include/loader/contract.py` and `plugins/livemove/stream/contract.py`, as neither imports
the other; `tests/fixtures/stream_contract.json` holds the values that both must give.

- **Versions** order all changes of one source, and a source's changes behind those of the source before it.
- **Document ids** come from the row's key, so that every replay writes the same documents.
- **Markers** stand for deleted rows. Elasticsearch forgets deletes (`index.gc_deletes`, and on a restart at once), so
  an older change that comes late would bring the row back. A marker is a document with a version; it stays.
- **Records** of the stream of documents hold bulk lines as they go to `/<index>/_bulk`.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

# -- versions ---------------------------------------------------------------------------------

EPOCH_BITS: Final = 4
FILE_BITS: Final = 17
POSITION_BITS: Final = 28
RECORD_BITS: Final = 14
POSITION_UNIT: Final = 16
"""Bytes. No two events of a binlog are nearer: an event's header alone has 19 (MySQL internals, "Event Header")."""
RECORDS: Final = 1 << RECORD_BITS
"""How many records of one binlog event a version can tell apart."""

_STREAM_POSITION = re.compile(r"(?P<name>[^:;/]+)\.(?P<file>\d+)[:;](?P<position>\d+)(?:[:;](?P<row>-?\d+))?")


class ContractError(ValueError):
    """Raised when a value does not fit into what both sides agreed on."""


class Version(NamedTuple):
    """The parts of a version, most significant first."""

    epoch: int
    """Counts the sources: raised whenever binlog positions start over, as after a migration to another server."""
    file: int
    """Number of the binlog file; 0 for rows of a full load."""
    position: int
    """Bytes, of the row's event in the file; kept in units of 16."""
    record: int
    """Which record of that event (or transaction) it is."""


class StreamPosition(NamedTuple):
    """Where in the binlog a change stands."""

    file: int
    position: int
    row: int | None
    """Index of the row within its event, where the text names it."""


def pack_version(epoch: int, file: int = 0, position: int = 0, record: int = 0) -> int:
    """The version of a change as one number of 63 bits, as Elasticsearch's external versions are.

    :param epoch: 0 to 15.
    :param file: number of the binlog file, 0 to 131071; 0 for the rows of a full load.
    :param position: bytes, below 4 GiB.
    :param record: 0 to 16383.
    :raises ContractError: a part is out of its range; the message names it and what to do.
    """
    unit = position // POSITION_UNIT
    _within("epoch", epoch, EPOCH_BITS, "build the index anew, with epochs that start at 0 again")
    _within("number of the binlog file", file, FILE_BITS, "raise the epoch by one and set the source's files back")
    _within("binlog position", unit, POSITION_BITS, "raise the epoch by one after smaller binlog files are set")
    _within("record number", record, RECORD_BITS, "split the transaction into smaller ones")
    return (((((epoch << FILE_BITS) | file) << POSITION_BITS) | unit) << RECORD_BITS) | record


def unpack_version(version: int) -> Version:
    """The parts of a packed version; the position comes back rounded down to 16 bytes."""
    if not 0 <= version < 1 << 63:
        raise ContractError(f"version {version} has more than 63 bits or is negative")
    rest, record = version >> RECORD_BITS, version & (RECORDS - 1)
    rest, unit = rest >> POSITION_BITS, rest & ((1 << POSITION_BITS) - 1)
    return Version(rest >> FILE_BITS, rest & ((1 << FILE_BITS) - 1), unit * POSITION_UNIT, record)


def parse_stream_position(text: str) -> StreamPosition:
    """Read DMS's `stream-position` of a MySQL source.

    The documented forms are `mysql-bin-changelog.000024:373` and, in checkpoints,
    `mysql-bin-changelog.157832:1975:-1:2002:…` (DMS API, `CdcStartPosition`), whose third part counts rows.

    :raises ContractError: it names no binlog file and position.
    """
    match = _STREAM_POSITION.match(text)
    if match is None:
        raise ContractError(f"stream-position {text!r} is not of the form mysql-bin-changelog.000024:373")
    row = int(match["row"]) if match["row"] is not None else -1
    return StreamPosition(int(match["file"]), int(match["position"]), row if row >= 0 else None)


def _within(name: str, value: int, bits: int, remedy: str) -> None:
    if not 0 <= value < 1 << bits:
        raise ContractError(f"{name} {value} does not fit into {bits} bits of a version: {remedy}")


# -- document ids -----------------------------------------------------------------------------

ID_BYTES: Final = 512
"""Elasticsearch's limit of an `_id` (reference, "_id field")."""


def document_id(values: Sequence[object]) -> str:
    r"""The id of a row's document: its key's values joined by `|`, with `\` and `|` escaped by `\`.

    :param values: integers or texts, in the order of the key's columns.
    :raises ContractError: a value is of another type or missing, or the id is empty or too long.
    """
    parts = [_escaped(value) for value in values]
    found = "|".join(parts)
    if not found:
        raise ContractError("the key is empty; Elasticsearch takes no empty document id")
    size = len(found.encode())
    if size > ID_BYTES:
        raise ContractError(f"the key has {size} bytes; a document id has at most {ID_BYTES}: choose a shorter key")
    return found


def key_of(document: str) -> list[str]:
    """The key's values, as texts, from which `document_id` made an id."""
    parts, escaped = [""], False
    for character in document:
        if escaped:
            parts[-1] += character
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == "|":
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _escaped(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ContractError(f"key value {value!r} is neither an integer nor a text: choose another key column")
    return str(value).replace("\\", "\\\\").replace("|", "\\|")


# -- markers of deleted rows ------------------------------------------------------------------

RESERVED: Final = "livemove"
"""The one field name that documents may not use themselves."""
VISIBLE: Final[Mapping[str, Any]] = {"bool": {"must_not": {"term": {"livemove.deleted": True}}}}
"""The alias's filter, which hides the markers."""
MARKER_MAPPING: Final[Mapping[str, Any]] = {
    "livemove": {"properties": {"deleted": {"type": "boolean"}, "at": {"type": "date"}}}
}
"""What the `properties` of every index have to hold."""


def marker(at: datetime) -> dict[str, Any]:
    """The document that stands for a row deleted at a moment (time of the commit)."""
    return {RESERVED: {"deleted": True, "at": timestamp(at)}}


def timestamp(moment: datetime) -> str:
    """A moment as ISO 8601 in UTC with milliseconds and `Z`.

    :raises ContractError: the moment has no time zone.
    """
    if moment.tzinfo is None:
        raise ContractError(f"{moment.isoformat()} has no time zone")
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(text: str) -> datetime:
    """Read a moment in ISO 8601; without a time zone it is UTC.

    :raises ContractError: it is no moment.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ContractError(f"{text!r} is no time in ISO 8601, such as 2026-11-22T08:15:00Z") from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


# -- records of the stream of documents -------------------------------------------------------

FORMAT: Final = "livemove.documents/1"
RECORD_BYTES: Final = 900 * 1024
"""Largest record that is written, compressed, without its partition key; Kinesis takes 1 MiB by default."""
_ZLIB: Final = 0x78


@dataclass(frozen=True)
class Header:
    """The first line of a record."""

    alias: str
    count: int
    """How many pairs of lines follow."""
    oldest: str | None
    """Time of the oldest commit among them."""
    newest: str | None


def action_line(document: str, version: int) -> bytes:
    """The bulk line that writes a document unless a newer version of it is there, without its line break."""
    quoted = json.dumps(document, ensure_ascii=False)
    return f'{{"index":{{"_id":{quoted},"version":{version},"version_type":"external_gte"}}}}'.encode()


def source_line(source: Mapping[str, Any]) -> bytes:
    """A document as one line of JSON, without its line break.

    :raises ValueError: it holds NaN or an infinite number.
    """
    return json.dumps(source, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def encode_record(header: Header, lines: Iterable[bytes], *, compress: bool = True) -> bytes:
    """A record of the stream of documents.

    :param lines: action and source lines in turn, without line breaks.
    """
    first = {"format": FORMAT, **asdict(header)}
    text = b"\n".join([source_line(first), *lines, b""])
    return zlib.compress(text, level=1) if compress else text


def decode_record(data: bytes) -> tuple[Header, bytes]:
    """The header of a record, and its bulk lines as one body that can be sent as it is.

    :raises ContractError: it is no such record; the message says why.
    """
    try:
        text = zlib.decompress(data) if data[:1] == bytes([_ZLIB]) else data
    except zlib.error as error:
        raise ContractError(f"a record that looks like zlib cannot be decompressed: {error}") from error
    first, _, body = text.partition(b"\n")
    try:
        found = json.loads(first)
        if found["format"] != FORMAT:
            raise ContractError(f"a record has the format {found['format']!r}; this program reads {FORMAT!r}")
        header = Header(found["alias"], found["count"], found["oldest"], found["newest"])
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, ContractError):
            raise
        raise ContractError(f"a record of the stream has no header of the format {FORMAT!r}") from error
    lines = body.count(b"\n")
    if lines != 2 * header.count or not (body.endswith(b"\n") or not body):
        raise ContractError(f"a record announces {header.count} documents and holds {lines / 2:g}")
    return header, body
