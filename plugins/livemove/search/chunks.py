"""Ranges of sequence numbers that a copy is made of. Pure.

Every shard counts its own operations in `_seq_no`, so a range takes a part of each shard. The numbers of a restored
copy never change, as nothing writes to it; that makes ranges a durable way to say which documents are copied.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

Range = tuple[int, int]


@dataclass(frozen=True)
class Chunk:
    """Documents with low <= `_seq_no` < high.

    :param documents: how many; None if that is not known yet.
    """

    low: int
    high: int
    documents: int | None = None

    def __str__(self) -> str:
        return f"{self.low}-{self.high}"


def merged(ranges: Iterable[Sequence[int]]) -> list[Range]:
    """Ranges as few as possible, in order.

    :raises ValueError: a range is empty or negative.
    """
    found: list[Range] = []
    for low, high in sorted((int(low), int(high)) for low, high in ranges):
        if not 0 <= low < high:
            raise ValueError(f"[{low}, {high}) is no range of sequence numbers.")
        if found and low <= found[-1][1]:
            found[-1] = (found[-1][0], max(high, found[-1][1]))
        else:
            found.append((low, high))
    return found


def missing(end: int, copied: Iterable[Sequence[int]]) -> list[Range]:
    """What of [0, end) is in none of the ranges."""
    edges = [(0, 0), *merged(copied), (end, end)]
    gaps = [(low, high) for (_, low), (high, _) in pairwise(edges)]
    return [(low, min(high, end)) for low, high in gaps if low < min(high, end)]


def planned(histogram: Sequence[tuple[int, int]], end: int, documents: int) -> list[Chunk]:
    """Cut [0, end) into chunks of about so many documents.

    :param histogram: the first sequence number and the number of documents of each bucket, in order; empty
        buckets may be left out.
    :param end: one more than the highest sequence number.
    :param documents: wanted in a chunk; a bucket is never cut.
    """
    if documents < 1:
        raise ValueError("A chunk has one document at least.")
    chunks: list[Chunk] = []
    low = held = 0
    for (start, count), (following, _) in pairwise([*histogram, (end, 0)]):
        del start
        held += count
        if held >= documents:
            chunks.append(Chunk(low, following, held))
            low, held = following, 0
    if low < end:
        chunks.append(Chunk(low, end, held))
    return [chunk for chunk in chunks if chunk.low < chunk.high]


def remaining(chunks: Sequence[Chunk], copied: Iterable[Sequence[int]]) -> list[Chunk]:
    """What of the chunks is not copied yet; the documents of a chunk that is copied in part are not known."""
    end = max((chunk.high for chunk in chunks), default=0)
    gaps = missing(end, copied)
    left = []
    for chunk in chunks:
        for low, high in gaps:
            first, last = max(low, chunk.low), min(high, chunk.high)
            if first < last:
                whole = (first, last) == (chunk.low, chunk.high)
                left.append(Chunk(first, last, chunk.documents if whole else None))
    return left
