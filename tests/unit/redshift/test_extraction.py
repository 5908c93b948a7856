"""Rows become parts in flat memory, and whatever fails is told and leaves nothing running."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from livemove.redshift import extraction
from livemove.redshift.blocks import Block, Decoder
from livemove.redshift.extraction import Extraction
from livemove.redshift.findings import Tally
from livemove.redshift.manifest import Part
from tests.unit.redshift.samples import column, plan

NUMBER = plan(column("n", "int"))
DAY = plan(column("d", "date", nullable=True))
TEXT = plan(column("t", "varchar", nullable=True))
Row = tuple[bytes | None, ...]


class Result:
    """Yields rows as `use_result` does; dies where told."""

    def __init__(self, rows: list[Row], *, dies_after: int | None = None) -> None:
        self.rows = rows
        self.dies_after = dies_after
        self.given = 0

    def fetch_row(self, most: int) -> list[Row]:
        if self.dies_after is not None and self.given >= self.dies_after:
            raise ConnectionError("Lost connection to MySQL server during query")
        end = self.given + most if self.dies_after is None else min(self.given + most, self.dies_after)
        rows = self.rows[self.given : end]
        self.given += len(rows)
        return rows


class Bucket:
    """Keeps what is uploaded; may be slow, shut or broken."""

    def __init__(self) -> None:
        self.tables: list[pa.Table] = []
        self.bodies: list[bytes] = []
        self.open = threading.Event()
        self.open.set()
        self.fails_at: int | None = None
        self.at_once = 0
        self.most_at_once = 0

    def put(self, number: int, body: bytes, rows: int) -> Part:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        assert self.open.wait(10)
        self.at_once -= 1
        if number == self.fails_at:
            raise OSError("Slow down")
        self.tables.append(pq.read_table(io.BytesIO(body)))
        self.bodies.append(body)
        return Part(f"part-{number}", rows, len(body), str(number))


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    bucket = Bucket()
    yield bucket
    # A test that failed must not leave threads waiting.
    bucket.open.set()


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    left = set(threading.enumerate()) - before
    assert not left


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extraction, "BLOCK_BYTES", 1000)
    monkeypatch.setattr(extraction, "FETCH_BYTES", 500)


def numbers(count: int) -> list[Row]:
    return [(str(number).encode(),) for number in range(count)]


def run(work: Extraction, result: Result) -> None:
    """Run in a thread of its own, so that a deadlock fails the test instead of stopping it."""
    outcome: list[BaseException] = []

    def target() -> None:
        try:
            work.run(result)
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    thread.join(10)
    assert not thread.is_alive(), "the extraction hangs"
    if outcome:
        raise outcome[0]


def test_every_row_arrives_once_and_in_order(bucket: Bucket) -> None:
    work = Extraction(Decoder([NUMBER]), bucket.put, part_bytes=2000)
    run(work, Result(numbers(5000)))
    assert [n for table in bucket.tables for n in table.column("n").to_pylist()] == list(range(5000))
    assert work.rows == 5000


def test_parts_roll_over_at_their_size_and_their_rows_add_up(bucket: Bucket) -> None:
    work = Extraction(Decoder([NUMBER]), bucket.put, part_bytes=2000)
    run(work, Result(numbers(5000)))
    assert len(work.parts) > 3
    assert [part.key for part in work.parts] == [f"part-{number}" for number in range(len(work.parts))]
    assert [part.rows for part in work.parts] == [table.num_rows for table in bucket.tables]
    assert sum(part.rows for part in work.parts) == 5000


def test_a_large_part_size_gives_one_part(bucket: Bucket) -> None:
    work = Extraction(Decoder([NUMBER]), bucket.put)
    run(work, Result(numbers(5000)))
    assert [part.rows for part in work.parts] == [5000]
    assert work.uncompressed_bytes >= 5000 * 4


def encodings(body: bytes) -> dict[str, bool]:
    """Whether each column of a Parquet file has a dictionary."""
    group = pq.ParquetFile(io.BytesIO(body)).metadata.row_group(0)
    columns = [group.column(place) for place in range(group.num_columns)]
    return {column.path_in_schema: column.has_dictionary_page for column in columns}


def test_text_that_repeats_is_written_once_and_what_differs_in_each_row_as_it_is(bucket: Bucket) -> None:
    texts = [plan(column(name, "varchar", nullable=True)) for name in ("same", "other")]
    rows: list[Row] = [
        (b"7", b"%064x" % (3**160 // (n % 7 + 1) % 2**250), b"%064x" % (3**160 // (n + 1) % 2**250)) for n in range(600)
    ]
    run(Extraction(Decoder([NUMBER, *texts]), bucket.put), Result(rows))
    assert encodings(bucket.bodies[0]) == {"n": False, "same": True, "other": False}
    # Each of the seven once, and not 600 times.
    alone = [(row[0], row[1]) for row in rows]
    run(Extraction(Decoder([NUMBER, texts[0]]), bucket.put), Result(alone))
    assert len(bucket.bodies[1]) < 2_500 < len(bucket.bodies[0]) / 10
    assert bucket.tables[0].column("same").to_pylist() == [(row[1] or b"").decode() for row in rows]
    assert bucket.tables[0].column("other").to_pylist() == [(row[2] or b"").decode() for row in rows]


def test_a_column_of_nothing_but_null_arrives(bucket: Bucket) -> None:
    run(Extraction(Decoder([NUMBER, TEXT]), bucket.put), Result([(b"%d" % n, None) for n in range(700)]))
    assert bucket.tables[0].column("t").null_count == 700


def test_row_groups_span_blocks_and_parts_stay_below_their_size(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[Row] = [(b"%d" % n, b"%064x" % (n * 2**200 // 977)) for n in range(20_000)]
    run(Extraction(Decoder([NUMBER, TEXT]), bucket.put, part_bytes=200_000), Result(rows))
    files = [pq.ParquetFile(io.BytesIO(body)).metadata for body in bucket.bodies]
    assert all(file.row_group(0).num_rows > 2000 for file in files[:-1])
    assert max(len(body) for body in bucket.bodies) < 300_000
    assert sum(file.num_rows for file in files) == 20_000


def test_an_empty_result_gives_no_part(bucket: Bucket) -> None:
    work = Extraction(Decoder([NUMBER]), bucket.put)
    run(work, Result([]))
    assert (work.rows, work.parts, bucket.tables) == (0, [], [])


def test_packed_and_lone_columns_meet_again_in_their_rows(bucket: Bucket) -> None:
    rows: list[Row] = [(str(n).encode(), None if n % 3 else b"text %d" % n) for n in range(700)]
    work = Extraction(Decoder([TEXT, NUMBER]), bucket.put)
    run(work, Result(rows))
    expected = [{"t": None if n % 3 else f"text {n}", "n": n} for n in range(700)]
    assert bucket.tables[0].to_pylist() == expected


def test_rows_of_text_alone_arrive(bucket: Bucket) -> None:
    run(Extraction(Decoder([TEXT]), bucket.put), Result([(b"a",), (None,), (b"",)]))
    assert bucket.tables[0].column("t").to_pylist() == ["a", None, ""]


def test_a_fetch_grows_while_rows_are_short_and_shrinks_when_they_are_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extraction, "FETCH_BYTES", 2 * 2**20)
    assert extraction._next_fetch(1, 1, 10) == 2
    assert extraction._next_fetch(4096, 4096, 40_000) == 4096
    assert extraction._next_fetch(64, 64, 64 * 2**20) == 2
    assert extraction._next_fetch(1, 1, 50 * 2**20) == 1
    assert extraction._next_fetch(8, 8, 0) == 16


def test_a_first_fetch_takes_one_row_however_many_there_are(bucket: Bucket) -> None:
    asked: list[int] = []

    class Recorded(Result):
        def fetch_row(self, most: int) -> list[Row]:
            asked.append(most)
            return super().fetch_row(most)

    run(Extraction(Decoder([NUMBER]), bucket.put), Recorded(numbers(100)))
    assert asked[:4] == [1, 2, 4, 8]


def test_long_rows_after_short_ones_are_not_fetched_by_the_thousand(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    add = Extraction._add

    def noted(self: Extraction, *arguments: Any) -> int:
        sizes.append(add(self, *arguments))
        return sizes[-1]

    monkeypatch.setattr(Extraction, "_add", noted)
    rows: list[Row] = [(b"x",)] * 2000 + [(b"x" * 1000,)] * 500
    work = Extraction(Decoder([TEXT]), bucket.put)
    run(work, Result(rows))
    assert work.rows == 2500
    # One fetch of short rows, and the few long ones that come before their bytes are counted.
    assert max(sizes) < 100_000


def test_a_rejected_value_stops_the_writing_while_counting_goes_on(bucket: Bucket) -> None:
    rows: list[Row] = [(b"2024-01-01",)] * 300 + [(b"0000-00-00",)] + [(b"2024-01-02",)] * 500 + [(b"2024-02-31",)] * 2
    work = Extraction(Decoder([DAY]), bucket.put, part_bytes=1)
    run(work, Result(rows))
    assert work.rows == 803
    assert [(finding.problem, finding.count) for finding in work.tally.rejected] == [("zero_date", 3)]
    assert sum(table.num_rows for table in bucket.tables) < 803
    assert all(None not in table.column("d").to_pylist() for table in bucket.tables)


def test_a_source_that_dies_in_the_middle_is_told(bucket: Bucket) -> None:
    work = Extraction(Decoder([NUMBER]), bucket.put, part_bytes=2000)
    with pytest.raises(ConnectionError, match="Lost connection"):
        run(work, Result(numbers(5000), dies_after=3000))


def test_a_source_that_dies_leaves_no_last_part(bucket: Bucket) -> None:
    work = Extraction(Decoder([NUMBER]), bucket.put)
    with pytest.raises(ConnectionError):
        run(work, Result(numbers(5000), dies_after=3000))
    assert bucket.tables == []


def test_a_source_that_dies_at_once_is_told(bucket: Bucket) -> None:
    with pytest.raises(ConnectionError):
        run(Extraction(Decoder([NUMBER]), bucket.put), Result(numbers(5), dies_after=0))


def test_an_upload_that_fails_is_told(bucket: Bucket) -> None:
    bucket.fails_at = 1
    with pytest.raises(OSError, match="Slow down"):
        run(Extraction(Decoder([NUMBER]), bucket.put, part_bytes=2000), Result(numbers(20_000)))


def test_the_last_upload_that_fails_is_told(bucket: Bucket) -> None:
    bucket.fails_at = 0
    with pytest.raises(OSError, match="Slow down"):
        run(Extraction(Decoder([NUMBER]), bucket.put), Result(numbers(10)))


def test_a_value_that_cannot_be_decoded_is_told_and_ends_the_reading(bucket: Bucket) -> None:
    result = Result([*numbers(2000), (b"forty",), *numbers(500_000)])
    with pytest.raises(pa.ArrowInvalid, match="forty"):
        run(Extraction(Decoder([NUMBER]), bucket.put), result)
    assert result.given < 400_000


def test_the_encoders_error_is_told_and_not_what_it_leads_to(bucket: Bucket) -> None:
    failed = threading.Event()

    class Broken(Decoder):
        def decode(self, block: Block, tally: Tally) -> pa.RecordBatch:
            failed.set()
            raise MemoryError("encoder")

    class Dying(Result):
        def fetch_row(self, most: int) -> list[Row]:
            if failed.is_set():
                time.sleep(0.05)
                raise ConnectionError("a consequence")
            return super().fetch_row(most)

    with pytest.raises(MemoryError, match="encoder"):
        run(Extraction(Broken([NUMBER]), bucket.put), Dying(numbers(100_000)))


def test_the_reader_waits_while_the_upload_does(bucket: Bucket) -> None:
    bucket.open.clear()
    result = Result(numbers(100_000))
    work = Extraction(Decoder([NUMBER]), bucket.put, part_bytes=2000)
    runner = threading.Thread(target=work.run, args=(result,), daemon=True)
    runner.start()
    given = _settled(result)
    # Two parts (one under way, one complete), a block each in the encoder, in the queue and being filled.
    assert given < 10_000
    bucket.open.set()
    runner.join(10)
    assert work.rows == 100_000
    assert bucket.most_at_once == 1


def _settled(result: Result) -> int:
    """How many rows were given once no more are."""
    given = -1
    while given != result.given:
        given = result.given
        time.sleep(0.25)
    return given


def test_garbage_collection_is_on_again_afterwards(bucket: Bucket) -> None:
    import gc

    seen: list[bool] = []

    class Watching(Result):
        def fetch_row(self, most: int) -> list[Row]:
            seen.append(gc.isenabled())
            return super().fetch_row(most)

    with pytest.raises(ConnectionError):
        run(Extraction(Decoder([NUMBER]), bucket.put), Watching(numbers(10), dies_after=5))
    assert not any(seen)
    assert gc.isenabled()
