"""Rows out of MySQL into Parquet parts in S3, in flat memory however large the table.

Three threads pass on bounded amounts: the reader (this thread; the only one that waits for MySQL), the
encoder (Arrow and Parquet, mostly outside the interpreter's lock) and the uploader. When the upload is
slow, the reader stops reading and MySQL waits (`net_write_timeout`).
"""

from __future__ import annotations

import gc
import io
import logging
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from itertools import chain
from typing import Any, Final, cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from livemove.redshift.blocks import Block, Decoder, binary_array
from livemove.redshift.findings import Tally
from livemove.redshift.manifest import Part

log = logging.getLogger(__name__)

BLOCK_BYTES: Final = 5 * 2**20
PART_BYTES: Final = 16 * 2**20
# Text that repeats is written once for each row group. Of what Arrow holds, this much makes about half a part of text.
GROUP_SHARE: Final = 1.5
DICTIONARY_BYTES: Final = 8 * 2**20
# Enough rows at a time to keep the call's cost low, few enough to stay in the processor's cache.
FETCH_ROWS: Final = 4096
# Long rows: one fetch fills a block, whose arrays need not be joined then.
FETCH_BYTES: Final = BLOCK_BYTES * 11 // 10
# Long rows may follow short ones: where there is text, so many come before their bytes are counted.
FEW_ROWS: Final = 64
PROGRESS_SECONDS: Final = 10.0

PutPart = Callable[[int, bytes, int], Part]


class _Stopped(Exception):  # noqa: N818 - a signal, not an error
    """The encoder has failed; its own error is the one to report."""


class Extraction:
    """One pass over a result set.

    :param decoder: turns blocks into batches.
    :param put_part: uploads a part: number, body, rows.
    """

    def __init__(self, decoder: Decoder, put_part: PutPart, *, part_bytes: int = PART_BYTES) -> None:
        self.decoder = decoder
        self.tally = Tally()
        self.rows = 0
        self.uncompressed_bytes = 0
        self.parts: list[Part] = []
        self._put_part = put_part
        self._part_bytes = part_bytes
        self._blocks: queue.Queue[Block | None] = queue.Queue(maxsize=1)
        self._error: BaseException | None = None

    def run(self, result: Any) -> None:
        """Read a result to its end. Afterwards `rows`, `parts` and `tally` tell what came.

        :param result: an unbuffered result of a raw connection (`use_result`).
        :raises Exception: whatever MySQL, Arrow or S3 raised; parts that were written stay behind.
        """
        encoder = threading.Thread(target=self._encode, name="livemove-encoder", daemon=True)
        encoder.start()
        try:
            with _no_garbage_collection():
                self._read(result)
        except _Stopped:
            pass
        except BaseException as error:
            self._error = self._error or error
        self._end(encoder)
        if self._error is not None:
            raise self._error

    def _read(self, result: Any) -> None:
        has_packed = bool(self.decoder.packed)
        block = self._new_block()
        # How long the rows are is not known yet.
        fetch = 1
        told = time.monotonic()
        while rows := self._fetch(result, fetch):
            size = self._add(block, rows, has_packed)
            fetch = _next_fetch(fetch, len(rows), size)
            if block.size >= BLOCK_BYTES:
                self._hand_over(block)
                block = self._new_block()
                if time.monotonic() - told > PROGRESS_SECONDS:
                    told = time.monotonic()
                    log.info("%s rows read, %s parts in S3", f"{self.rows:,}", len(self.parts))
        if block.rows:
            self._hand_over(block)

    def _fetch(self, result: Any, most: int) -> Sequence[tuple[Any, ...]]:
        """The next rows, fewer than `most` if they are longer than those before."""
        if not self.decoder.alone:
            return cast("Sequence[tuple[Any, ...]]", result.fetch_row(most))
        rows: list[tuple[Any, ...]] = []
        size = 0
        while len(rows) < most and size < FETCH_BYTES:
            few = result.fetch_row(min(FEW_ROWS, most - len(rows)))
            if not few:
                break
            rows += few
            size += sum(map(len, filter(None, chain.from_iterable(few))))
        return rows

    def _new_block(self) -> Block:
        return Block(alone=[[] for _ in self.decoder.alone])

    def _add(self, block: Block, rows: Sequence[tuple[Any, ...]], has_packed: bool) -> int:
        before = block.size
        if has_packed and len(rows[0]) == 1:
            lines = b"\n".join(chain.from_iterable(rows))
            block.packed.append(lines)
            block.size += len(lines)
        else:
            columns = list(zip(*rows, strict=True))
            if has_packed:
                lines = b"\n".join(columns[0])
                block.packed.append(lines)
                block.size += len(lines)
                columns = columns[1:]
            for kept, values in zip(block.alone, columns, strict=True):
                array = binary_array(values)
                kept.append(array)
                block.size += array.nbytes
        block.rows += len(rows)
        self.rows += len(rows)
        return block.size - before

    def _hand_over(self, block: Block) -> None:
        while self._error is None:
            with suppress(queue.Full):
                self._blocks.put(block, timeout=0.2)
                return
        raise _Stopped

    def _end(self, encoder: threading.Thread) -> None:
        """Tell the encoder, if it has not failed, that no block follows, and wait for it."""
        while encoder.is_alive():
            with suppress(queue.Full):
                self._blocks.put(None, timeout=0.2)
                break
        encoder.join()

    def _encode(self) -> None:
        with ThreadPoolExecutor(1, thread_name_prefix="livemove-upload") as uploader:
            parts = _Parts(uploader, self._put_part, self._part_bytes)
            try:
                while (block := self._blocks.get()) is not None:
                    batch = self.decoder.decode(block, self.tally)
                    self.uncompressed_bytes += batch.nbytes
                    if not self.tally.rejected:
                        parts.write(batch)
                if self._error is None and not self.tally.rejected:
                    parts.close()
                self.parts = parts.finished()
            except BaseException as error:
                self._error = self._error or error
                while not self._blocks.empty():
                    self._blocks.get_nowait()


class _Parts:
    """Rolls Parquet files over at a size, and has at most one upload under way beside the one that fills."""

    def __init__(self, uploader: ThreadPoolExecutor, put_part: PutPart, part_bytes: int) -> None:
        self._uploader = uploader
        self._put_part = put_part
        self._part_bytes = part_bytes
        self._group: list[pa.RecordBatch] = []
        self._group_bytes = 0
        self._file: io.BytesIO | None = None
        self._writer: pq.ParquetWriter | None = None
        self._rows = 0
        self._uploads: list[Future[Part]] = []

    def write(self, batch: pa.RecordBatch) -> None:
        self._group.append(batch)
        self._group_bytes += batch.nbytes
        if self._group_bytes >= GROUP_SHARE * self._part_bytes:
            self._write_group()

    def _write_group(self) -> None:
        if not self._group:
            return
        table = pa.Table.from_batches(self._group)
        self._group, self._group_bytes = [], 0
        if self._file is None or self._writer is None:
            self._file = io.BytesIO()
            self._writer = _writer(self._file, table)
        before = self._file.tell()
        self._writer.write_table(table)
        self._rows += table.num_rows
        # Another group of this size would make it too large.
        if 2 * self._file.tell() - before > self._part_bytes:
            self._end_part()

    def close(self) -> None:
        """Send what is left."""
        self._write_group()
        self._end_part()

    def _end_part(self) -> None:
        if self._file is None or self._writer is None:
            return
        if self._uploads:
            self._uploads[-1].result()
        self._writer.close()
        # Not copied: the file gives its memory away.
        body, rows = self._file.getvalue(), self._rows
        self._file, self._writer, self._rows = None, None, 0
        self._uploads.append(self._uploader.submit(self._put_part, len(self._uploads), body, rows))

    def finished(self) -> list[Part]:
        return [upload.result() for upload in self._uploads]


def _writer(file: io.BytesIO, first: pa.Table) -> pq.ParquetWriter:
    """A writer for rows such as these.

    Dictionaries cost most of the encoding time, so only text that repeats gets one.
    """
    repeats = [
        name
        for name, kind in zip(first.schema.names, first.schema.types, strict=True)
        if pa.types.is_string(kind) and pc.count_distinct(first[name]).as_py() * 2 <= first.num_rows
    ]
    return pq.ParquetWriter(
        file,
        first.schema,
        compression="snappy",
        use_dictionary=repeats,
        dictionary_pagesize_limit=DICTIONARY_BYTES,
        write_statistics=False,
    )


def _next_fetch(fetch: int, rows: int, size: int) -> int:
    """Rows of the next fetch, so that it has about FETCH_BYTES; at most twice as many as before."""
    fits = int(FETCH_BYTES * rows / max(1, size))
    return max(1, min(FETCH_ROWS, fits, fetch * 2))


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Rows hold no cycles, and looking for some after every 700 of them takes as long as reading them."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
