"""What an extraction wrote is known again, and nothing else is taken for it."""

from __future__ import annotations

import json
from dataclasses import fields, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from livemove.redshift.findings import Tally
from livemove.redshift.manifest import (
    MANIFEST_NAME,
    RECORD_NAME,
    ExtractionRecord,
    Part,
    copy_manifest,
    is_ours,
    part_name,
    verify_parts,
)
from livemove.runbook.errors import NeedsPerson

PARTS = (Part("f/part-0a1b2c3d-00000.parquet", 3, 100, '"e1"'), Part("f/part-0a1b2c3d-00001.parquet", 2, 50, '"e2"'))
RECORD = ExtractionRecord(
    table="注文", target="orders", mode="upsert", full=False, lower="2026-01-01", upper="2026-01-02",
    rows=5, uncompressed_bytes=500, parts=PARTS, columns=(("id", "BIGINT", True), ("価格", "INTEGER", False)),
    key=("id",), sort_key=("価格",),
)  # fmt: skip
FOUND = {part.key: (part.size, part.etag) for part in PARTS}

TEXT = st.text(max_size=8)
NUMBER = st.integers(0, 2**62)
PART = st.builds(Part, TEXT, NUMBER, NUMBER, TEXT)
TEXTS = st.lists(TEXT, max_size=3).map(tuple)
FINDING = st.fixed_dictionaries(
    {"column": TEXT, "problem": TEXT, "action": TEXT, "count": NUMBER, "samples": st.lists(TEXT)}
)
RECORDS = st.builds(
    ExtractionRecord,
    parts=st.lists(PART, max_size=3).map(tuple),
    columns=st.lists(st.tuples(TEXT, TEXT, st.booleans()), max_size=3).map(tuple),
    key=TEXTS,
    sort_key=TEXTS,
    findings=st.lists(FINDING, max_size=2).map(tuple),
    seconds=st.floats(0, 1e6),
    state_version=NUMBER,
    watermark=st.none() | TEXT,
)


@settings(max_examples=40)
@given(RECORDS)
def test_any_record_is_read_back_as_it_was(record: ExtractionRecord) -> None:
    assert ExtractionRecord.from_json(record.to_json()) == record
    assert ExtractionRecord.from_json(record.to_json().encode()) == record


def test_the_findings_of_an_extraction_fit_into_its_record() -> None:
    tally = Tally()
    tally.add("c", "zero_date", "null", 3, ["(id=1)"])
    record = replace(RECORD, findings=tuple(tally.as_json()))
    assert ExtractionRecord.from_json(record.to_json()).findings == record.findings


def test_a_record_that_lacks_something_is_not_read() -> None:
    for name in ("rows", "parts", "table"):
        document = json.loads(RECORD.to_json())
        del document[name]
        with pytest.raises((TypeError, KeyError)):
            ExtractionRecord.from_json(json.dumps(document))
    with pytest.raises(json.JSONDecodeError):
        ExtractionRecord.from_json(RECORD.to_json()[:-10])


def test_every_field_of_a_record_reaches_its_text() -> None:
    assert set(json.loads(RECORD.to_json())) == {field.name for field in fields(ExtractionRecord)}
    assert "注文" in RECORD.to_json()
    assert RECORD.size == 150


def test_the_manifest_makes_every_part_mandatory_and_states_its_length() -> None:
    assert json.loads(copy_manifest("bucket", PARTS)) == {
        "entries": [
            {"url": f"s3://bucket/{part.key}", "mandatory": True, "meta": {"content_length": part.size}}
            for part in PARTS
        ]
    }


@given(st.integers(0, 2**32 - 1).map("{:08x}".format), st.integers(0, 10**6))
def test_every_part_that_we_name_is_ours(attempt: str, number: int) -> None:
    assert is_ours(part_name(attempt, number))


def test_parts_sort_in_the_order_of_their_numbers() -> None:
    names = [part_name("0a1b2c3d", number) for number in range(0, 20_000, 999)]
    assert names == sorted(names)


@pytest.mark.parametrize(
    "name",
    ["part-0a1b2c3d-00000.parquet.tmp", "part-0A1B2C3D-00000.parquet", "part-00000.parquet", "x/" + RECORD_NAME, "",
     "part-0a1b2c3d-0000.parquet", "data.csv", RECORD_NAME + "\n"],
)  # fmt: skip
def test_anything_else_is_not(name: str) -> None:
    assert not is_ours(name)
    assert is_ours(RECORD_NAME)
    assert is_ours(MANIFEST_NAME)


def test_parts_that_are_what_was_written_pass() -> None:
    verify_parts("bucket", RECORD, FOUND)
    verify_parts("bucket", RECORD, FOUND | {"f/part-ffffffff-00000.parquet": (1, "of a dead attempt")})


def _refusal(record: ExtractionRecord, found: dict[str, tuple[int, str]]) -> str:
    with pytest.raises(NeedsPerson) as refused:
        verify_parts("bucket", record, found)
    return str(refused.value)


def test_a_missing_part_is_named_with_the_remedy() -> None:
    message = _refusal(RECORD, {PARTS[0].key: FOUND[PARTS[0].key]})
    assert message.startswith(f"s3://bucket/{PARTS[1].key}: this part of table 注文 is gone")
    assert "Clear the task `extract`" in message


@pytest.mark.parametrize("now", [(101, '"e1"'), (100, '"other"')])
def test_a_part_that_was_replaced_is_named_with_the_remedy(now: tuple[int, str]) -> None:
    message = _refusal(RECORD, FOUND | {PARTS[0].key: now})
    assert message.startswith(f"s3://bucket/{PARTS[0].key}: somebody else wrote this object")
    assert "`lake.prefix`" in message


def test_counts_that_do_not_add_up_are_refused() -> None:
    assert "do not add up to 6 rows" in _refusal(replace(RECORD, rows=6), FOUND)
