"""A stream that forgets too early is named with the call that lets it keep records for longer."""

from __future__ import annotations

from livemove.stream.retention import checks, needed_hours


def test_the_need_is_rounded_up_to_whole_hours() -> None:
    assert needed_hours(18.2, 1.5, 6) == 26


def test_a_stream_that_keeps_records_for_long_enough_is_good() -> None:
    (check,) = checks({"documents": 26}, 26, "why")
    assert check.result == "ok"


def test_a_stream_that_keeps_records_too_briefly_forbids_with_the_call_that_raises_it() -> None:
    good, bad = checks({"documents": 24, "changes": 48}, 26, "a snapshot of 18 h")
    assert (good.result, bad.result) == ("ok", "stop")
    assert bad.name == "stream documents: retention"
    assert bad.figures == "24 h, and 26 h are needed (a snapshot of 18 h)"
    assert "increase-stream-retention-period --stream-name documents --retention-period-hours 26" in bad.remedy


def test_a_need_beyond_what_kinesis_keeps_asks_for_a_newer_snapshot() -> None:
    (check,) = checks({"documents": 8760}, 9000, "why")
    assert check.result == "stop"
    assert "take a newer snapshot" in check.remedy
