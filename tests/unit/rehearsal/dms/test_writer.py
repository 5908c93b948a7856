"""What the stream refuses is written again until it is taken."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from rehearsal.dms.faults import Faults
from rehearsal.dms.records import Record
from rehearsal.dms.writer import BATCH_RECORDS, Writer


class Stream:
    """Stands in for Kinesis, which cannot be made to refuse single records."""

    def __init__(self, refuse: int = 0, down: int = 0) -> None:
        self.taken: list[bytes] = []
        self.sizes: list[int] = []
        self._refuse, self._down = refuse, down
        self._calls = itertools.count()

    def put_records(self, **arguments: Any) -> dict[str, Any]:
        records: list[dict[str, Any]] = arguments["Records"]
        if next(self._calls) < self._down:
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1")
        self.sizes.append(len(records))
        results = []
        for number, record in enumerate(records):
            if self._refuse and number % 2:
                results.append({"ErrorCode": "ProvisionedThroughputExceededException"})
            else:
                self.taken.append(record["Data"])
                results.append({"SequenceNumber": "1"})
        self._refuse = max(self._refuse - 1, 0)
        return {"Records": results}


def _write(stream: Stream, count: int, faults: Faults = Faults()) -> tuple[Writer, list[int]]:  # noqa: B008
    writer, done = Writer(stream, "s", lambda: faults, lambda: False), list[int]()
    for number in range(count):
        writer.put(Record("k", str(number).encode()), lambda number=number: done.append(number))  # type: ignore[misc]
    while not writer.idle:
        writer.step()
    return writer, done


def test_batches_have_500_records_at_most_and_keep_the_order() -> None:
    stream = Stream()
    _, done = _write(stream, 1201)
    assert max(stream.sizes) == BATCH_RECORDS
    assert stream.taken == [str(number).encode() for number in range(1201)]
    assert done == list(range(1201))


def test_refused_records_are_written_again_and_done_once() -> None:
    stream = Stream(refuse=2)
    _, done = _write(stream, 9)
    assert sorted(stream.taken) == [str(number).encode() for number in range(9)]
    assert sorted(done) == list(range(9))


def test_a_stream_that_is_down_is_waited_for(capsys: pytest.CaptureFixture[str]) -> None:
    stream = Stream(down=2)
    _write(stream, 3)
    assert stream.taken == [b"0", b"1", b"2"]
    assert "3 records are tried again" in capsys.readouterr().err


def test_a_repeated_record_is_done_once() -> None:
    stream = Stream()
    writer, done = _write(stream, 10, Faults(duplicate=1.0))
    assert sorted(stream.taken) == sorted([str(number).encode() for number in range(10)] * 2)
    assert done == list(range(10))
    assert writer.records == 20


def test_a_record_that_no_stream_takes_is_named() -> None:
    writer = Writer(Stream(), "s", Faults, lambda: False)
    writer.put(Record("shop.products.7", b"x" * 1_100_000), lambda: None)
    with pytest.raises(ValueError, match=r"shop\.products\.7 has 1100000 bytes, over 1 MiB"):
        writer.step()
