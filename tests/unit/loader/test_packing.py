"""Documents packed into records."""

from __future__ import annotations

import random
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from loader.contract import RECORD_BYTES, decode_record, source_line
from loader.documents import Document
from loader.packing import pack

AT = datetime(2026, 11, 22, 8, 15, tzinfo=UTC)


def document(key: int, text: str) -> Document:
    return Document(str(key), key, AT, source_line({"text": text}))


def noise(size: int) -> str:
    """Text that hardly compresses."""
    return random.Random(size).randbytes(size // 2).hex()


@given(st.lists(st.text(max_size=200)), st.integers(1, 500))
def test_all_documents_come_out_again_in_their_order(texts, text_bytes):
    documents = [document(key, text) for key, text in enumerate(texts)]
    records, rejected = pack(documents, "products", text_bytes=text_bytes)
    lines = [line for record in records for line in decode_record(record)[1].split(b"\n")[:-1]]
    assert lines == [line for each in documents for line in (each.action, each.source)]
    assert sum(decode_record(record)[0].count for record in records) == len(documents)
    assert rejected == []


def test_many_small_documents_share_a_record():
    records, _ = pack([document(key, "short") for key in range(5000)], "products")
    assert len(records) == 1


def test_records_stay_below_what_kinesis_takes():
    documents = [document(key, noise(300_000)) for key in range(12)]
    records, rejected = pack(documents, "products", text_bytes=10**9)
    assert all(len(record) <= RECORD_BYTES for record in records)
    assert len(records) > 1
    assert sum(decode_record(record)[0].count for record in records) == 12
    assert rejected == []


def test_a_document_too_large_for_any_record_is_set_aside_and_the_others_are_packed():
    documents = [document(1, "small"), document(2, noise(3_000_000)), document(3, "small")]
    records, rejected = pack(documents, "products")
    assert [(each.id, each.kind) for each in rejected] == [("2", "too large")]
    assert sum(decode_record(record)[0].count for record in records) == 2


def test_the_header_tells_the_oldest_and_the_newest_commit():
    later = Document("2", 2, AT.replace(hour=9), b"{}")
    (record,), _ = pack([later, document(1, "a")], "products")
    header, _ = decode_record(record)
    assert (header.alias, header.oldest, header.newest) == (
        "products",
        "2026-11-22T08:15:00.000Z",
        "2026-11-22T09:15:00.000Z",
    )
