"""The documents that a record of the stream carries. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from livemove.stream.contract import decode_record


@dataclass(frozen=True)
class Change:
    """One document, or the marker of a deleted one.

    :ivar source: as JSON, unparsed.
    """

    id: str
    version: int
    source: bytes


def changes(data: bytes) -> Iterator[Change]:
    """Read a record.

    :raises ContractError: it is none.
    """
    _, body = decode_record(data)
    # Only \n ends a line: JSON may hold other characters that str.splitlines takes for one.
    lines = body.split(b"\n")
    for action, source in zip(lines[:-1:2], lines[1::2], strict=True):
        index = json.loads(action)["index"]
        yield Change(index["_id"], index["version"], source)
