"""Documents packed into records of the stream, many in each. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from loader.contract import RECORD_BYTES, Header, encode_record, timestamp
from loader.documents import Document, Rejected

# Uncompressed; a few such records make a bulk request of a size that Elasticsearch likes (5 to 15 MB at most).
TEXT_BYTES = 2 * 2**20
_OVERHEAD = 64


def pack(
    documents: Sequence[Document], alias: str, *, compress: bool = True, text_bytes: int = TEXT_BYTES
) -> tuple[list[bytes], list[Rejected]]:
    """Records of at most 900 KB, and documents that are too large for any.

    :param text_bytes: how much text goes into a record before compression.
    """
    records: list[bytes] = []
    rejected: list[Rejected] = []
    waiting = list(reversed(list(_groups(documents, text_bytes))))
    while waiting:
        group = waiting.pop()
        record = _record(group, alias, compress=compress)
        if len(record) <= RECORD_BYTES:
            records.append(record)
        elif len(group) > 1:
            middle = len(group) // 2
            waiting += [group[middle:], group[:middle]]
        else:
            reason = f"the document has {len(record)} bytes as a record; the stream takes {RECORD_BYTES}"
            rejected.append(Rejected(group[0].id, group[0].version, None, reason, "too large"))
    return records, rejected


def _groups(documents: Sequence[Document], text_bytes: int) -> Iterator[Sequence[Document]]:
    start, size = 0, 0
    for index, document in enumerate(documents):
        length = len(document.source) + len(document.id) + _OVERHEAD
        if index > start and size + length > text_bytes:
            yield documents[start:index]
            start, size = index, 0
        size += length
    if start < len(documents):
        yield documents[start:]


def _record(documents: Sequence[Document], alias: str, *, compress: bool) -> bytes:
    moments = [document.at for document in documents]
    header = Header(alias, len(documents), timestamp(min(moments)), timestamp(max(moments)))
    lines = (line for document in documents for line in (document.action, document.source))
    return encode_record(header, lines, compress=compress)
