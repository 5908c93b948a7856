"""A position never passes a record that is not in the stream."""

from __future__ import annotations

import random

from rehearsal.dms.progress import Entry, Progress

SOURCE = "3e11fa47-71ca-11e1-9e33-c80aa9429562"


def _executed(upto: int) -> str:
    return f"{SOURCE}:1-{upto}"


def test_a_transaction_counts_once_all_its_records_are_written() -> None:
    progress = Progress(_executed(4))
    first, second = progress.read(), progress.read()
    progress.close(f"{SOURCE}:5")
    progress.written(first)
    assert progress.executed() == _executed(4)
    progress.written(second)
    assert progress.executed() == _executed(5)


def test_a_transaction_that_is_read_only_in_part_does_not_count() -> None:
    progress = Progress(_executed(4))
    progress.written(progress.read())
    assert progress.executed() == _executed(4)
    progress.close(f"{SOURCE}:5")
    assert progress.executed() == _executed(5)


def test_a_transaction_without_records_waits_for_those_before_it() -> None:
    progress = Progress(_executed(4))
    entry = progress.read()
    progress.close(f"{SOURCE}:5")
    progress.close(f"{SOURCE}:6")
    assert progress.executed() == _executed(4)
    progress.written(entry)
    assert progress.executed() == _executed(6)


def test_after_a_lost_connection_the_open_transaction_begins_anew() -> None:
    progress = Progress(_executed(4))
    lost = progress.read()
    progress.reopen()
    again, more = progress.read(), progress.read()
    progress.close(f"{SOURCE}:5")
    progress.written(lost)
    progress.written(again)
    assert progress.executed() == _executed(4)
    progress.written(more)
    assert progress.executed() == _executed(5)


def test_records_may_be_written_in_any_order() -> None:
    source = random.Random(7)
    progress, entries = Progress(_executed(1)), list[Entry]()
    for number in range(2, 100):
        entries += [progress.read() for _ in range(source.randrange(4))]
        progress.close(f"{SOURCE}:{number}")
    source.shuffle(entries)
    while entries:
        assert progress.executed() != _executed(99)
        progress.written(entries.pop())
    assert progress.executed() == _executed(99)
