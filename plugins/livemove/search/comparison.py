"""Whether two sets of documents are the same, without holding them. Pure.

Each document adds the hash of its id, version and content to the bucket of its id; sums do not depend on the order.
Only what lies in buckets that differ is then looked at by id.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Container, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import msgspec

FEWEST_BUCKETS: Final = 1 << 12
MOST_BUCKETS: Final = 1 << 20
# A difference makes us look at so many documents by id.
IN_A_BUCKET: Final = 16
_WORD: Final = (1 << 64) - 1


def buckets_for(documents: int) -> int:
    """How many buckets to use: a power of two, so many that one holds few documents; 16 bytes of memory each."""
    wanted = max(1, documents // IN_A_BUCKET)
    return min(MOST_BUCKETS, max(FEWEST_BUCKETS, 1 << (wanted - 1).bit_length()))


class Hit(msgspec.Struct, gc=False):
    """A document as a search finds it.

    :ivar content: its source as it is stored, not parsed; empty if it was not asked for.
    :ivar sort: its place in the order of the search.
    """

    id: str = msgspec.field(name="_id")
    version: int = msgspec.field(name="_version")
    content: msgspec.Raw = msgspec.field(name="_source", default=msgspec.Raw())
    routing: str | None = msgspec.field(name="_routing", default=None)
    sort: list[Any] = []


class Sums:
    """Counts and sums of hashes of a set of documents, by buckets of their ids.

    Python's own hashes are used, which differ from process to process: sums of two processes say nothing.

    :param buckets: a power of two.
    :param versions: whether versions have to be the same, too.
    :param as_stored: content counts as it is stored, byte for byte, which is the fastest. False: as JSON, whatever the
        order of its keys and its spaces.
    """

    def __init__(self, buckets: int, *, versions: bool = True, as_stored: bool = True) -> None:
        if buckets < 1 or buckets & (buckets - 1):
            raise ValueError(f"{buckets} is no power of two.")
        self.mask = buckets - 1
        self.versions = versions
        self.as_stored = as_stored
        self.documents = 0
        self._hashes = array("Q", bytes(8 * buckets))
        self._counts = array("Q", bytes(8 * buckets))

    def add(self, hits: Iterable[Hit], left_out: Container[str] = ()) -> None:
        """Count documents, in any order, each once.

        :param left_out: ids that are counted, but not summed.
        """
        hashes, counts, mask = self._hashes, self._counts, self.mask
        versions, seen, form = self.versions, 0, bytes if self.as_stored else _normal
        for hit in hits:
            identifier = hit.id
            seen += 1
            if identifier in left_out:
                continue
            bucket = hash(identifier) & mask
            content = hash((identifier, hit.version if versions else 0, form(hit.content)))
            hashes[bucket] = (hashes[bucket] + content) & _WORD
            counts[bucket] += 1
        self.documents += seen

    def merge(self, other: Sums) -> None:
        """Add what another object has counted, such as another thread's."""
        for place, (hashed, count) in enumerate(zip(other._hashes, other._counts, strict=True)):
            self._hashes[place] = (self._hashes[place] + hashed) & _WORD
            self._counts[place] += count
        self.documents += other.documents

    def differing(self, other: Sums) -> set[int]:
        """The buckets in which two sets differ."""
        ours, theirs = zip(self._hashes, self._counts, strict=True), zip(other._hashes, other._counts, strict=True)
        return {place for place, (one, two) in enumerate(zip(ours, theirs, strict=True)) if one != two}

    def bucket_of(self, identifier: str) -> int:
        """The bucket that a document belongs to."""
        return hash(identifier) & self.mask


def _normal(content: msgspec.Raw) -> bytes:
    """JSON in one form. Python's own parser, as it keeps whole numbers of any length."""
    return json.dumps(json.loads(bytes(content)), sort_keys=True).encode()


@dataclass(frozen=True)
class Found:
    """What an index has under an id.

    :param version: None if it has never heard of it.
    :param gone: there is no document: nothing at all, or the marker of a deleted one.
    """

    version: int | None
    content: Any = None
    gone: bool = False

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> Found:
        """What `_mget` tells of a document."""
        if not answer.get("found"):
            return cls(None, gone=True)
        source = answer.get("_source")
        return cls(int(answer["_version"]), source, gone=is_marker(source))


def is_marker(source: Any) -> bool:
    """Whether a document says that there is none any more."""
    return isinstance(source, Mapping) and (source.get("livemove") or {}).get("deleted") is True


@dataclass(frozen=True)
class DocumentDifference:
    """A document that two indices have otherwise.

    :param kind: `missing` in the new index, `surplus` in it, other `content`, or other `version`.
    :param live: version in the live index, of the document or its marker; None if it has neither.
    :param new: version in the new index.
    :param fields: whose values differ, at the top level.
    """

    id: str
    kind: str
    live: int | None
    new: int | None
    fields: tuple[str, ...] = ()

    def __str__(self) -> str:
        told = {
            "missing": f"missing in the new index, live has version {self.live}",
            "surplus": f"not in the live index, the new one has version {self.new}",
            "content": f"other content ({', '.join(self.fields)}), versions {self.live} live and {self.new} new",
            "version": f"same content, versions {self.live} live and {self.new} new",
        }
        return f"{self.id}: {told[self.kind]}"

    def as_json(self) -> dict[str, Any]:
        """For XCom and the report."""
        return {**asdict(self), "fields": list(self.fields)}


def difference(identifier: str, live: Found, new: Found, *, versions: bool = True) -> DocumentDifference | None:
    """How two indices differ in a document; None if they do not."""
    if live.gone and new.gone:
        return None
    if live.gone or new.gone:
        return DocumentDifference(identifier, "missing" if new.gone else "surplus", live.version, new.version)
    if live.content != new.content:
        fields = _unequal(live.content, new.content)
        return DocumentDifference(identifier, "content", live.version, new.version, fields)
    if versions and live.version != new.version:
        return DocumentDifference(identifier, "version", live.version, new.version)
    return None


def has_moved_on(before: Found, new: Found) -> bool:
    """Whether the new index has, by versions, something later than the live one had before."""
    return new.version is not None and (before.version is None or new.version > before.version)


def _unequal(one: Any, two: Any) -> tuple[str, ...]:
    if not isinstance(one, Mapping) or not isinstance(two, Mapping):
        return ()
    keys = [key for key in {**one, **two} if key not in one or key not in two or one[key] != two[key]]
    return tuple(sorted(keys)[:10])
