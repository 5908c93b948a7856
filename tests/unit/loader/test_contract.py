"""Both copies of the contract against one file of golden values, and their laws."""

from __future__ import annotations

import base64
import importlib
import json
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loader import contract
from rehearsal.paths import REPOSITORY

GOLDEN = json.loads((REPOSITORY / "tests/fixtures/stream_contract.json").read_text(encoding="utf-8"))
COPIES = ("loader.contract", "livemove.stream.contract")

parts = st.tuples(
    st.integers(0, 15),
    st.integers(0, 2**17 - 1),
    st.integers(0, 2**28 - 1).map(lambda unit: unit * 16),
    st.integers(0, 2**14 - 1),
)
keys = st.lists(
    st.one_of(st.integers(), st.text(alphabet=st.characters(codec="utf-8"), max_size=20)), min_size=1, max_size=3
).filter(lambda key: key != [""])


@pytest.fixture(params=COPIES)
def copy(request: pytest.FixtureRequest) -> ModuleType:
    return importlib.import_module(request.param)


def test_the_two_copies_are_one_text():
    ours, theirs = (Path(str(importlib.import_module(name).__file__)).read_text(encoding="utf-8") for name in COPIES)
    assert ours == theirs


@pytest.mark.parametrize("case", GOLDEN["versions"], ids=lambda case: str(case["version"]))
def test_versions_are_the_golden_ones(copy, case):
    expected = case["version"]
    found = copy.pack_version(case["epoch"], case["file"], case["position"], case["record"])
    assert found == expected
    assert copy.unpack_version(expected)[:2] == (case["epoch"], case["file"])


@pytest.mark.parametrize("case", GOLDEN["refused_versions"], ids=lambda case: case["names"])
def test_a_part_out_of_range_is_refused_with_a_remedy(copy, case):
    with pytest.raises(copy.ContractError, match=case["names"]):
        copy.pack_version(case["epoch"], case["file"], case["position"], case["record"])


@pytest.mark.parametrize("case", GOLDEN["stream_positions"], ids=lambda case: case["text"])
def test_stream_positions_are_read_as_golden(copy, case):
    assert tuple(copy.parse_stream_position(case["text"])) == (case["file"], case["position"], case["row"])


@pytest.mark.parametrize("text", GOLDEN["refused_stream_positions"])
def test_what_is_no_stream_position_is_refused(copy, text):
    with pytest.raises(copy.ContractError, match="stream-position"):
        copy.parse_stream_position(text)


@pytest.mark.parametrize("case", GOLDEN["ids"], ids=lambda case: case["id"])
def test_document_ids_are_the_golden_ones(copy, case):
    assert copy.document_id(case["key"]) == case["id"]
    assert copy.key_of(case["id"]) == [str(value) for value in case["key"]]


@pytest.mark.parametrize("key", GOLDEN["refused_keys"], ids=lambda key: str(key)[:12])
def test_keys_that_make_no_id_are_refused(copy, key):
    with pytest.raises(copy.ContractError, match="key"):
        copy.document_id(key)


def test_markers_and_the_filter_that_hides_them_are_the_golden_ones(copy):
    at = datetime.fromisoformat(GOLDEN["marker"]["at"])
    assert copy.marker(at) == GOLDEN["marker"]["source"]
    assert GOLDEN["visible"] == copy.VISIBLE
    assert GOLDEN["marker_mapping"] == copy.MARKER_MAPPING


def test_records_are_written_and_read_as_golden(copy):
    golden = GOLDEN["record"]
    header, body = copy.decode_record(golden["plain"].encode())
    assert copy.decode_record(base64.b64decode(golden["zlib_base64"])) == (header, body)
    assert (vars(header), body.decode()) == (golden["header"], golden["body"])
    lines = body.split(b"\n")[:-1]
    assert copy.encode_record(header, lines, compress=False).decode() == golden["plain"]


@pytest.mark.parametrize("text", GOLDEN["refused_records"], ids=range(len(GOLDEN["refused_records"])))
def test_what_is_no_record_of_documents_is_refused(copy, text):
    with pytest.raises(copy.ContractError):
        copy.decode_record(text.encode())


def test_a_damaged_compressed_record_is_refused():
    whole = base64.b64decode(GOLDEN["record"]["zlib_base64"])
    with pytest.raises(contract.ContractError, match="decompressed"):
        contract.decode_record(whole[:-20])


@given(parts, parts)
def test_versions_order_as_their_parts_do_and_fit_into_63_bits(one, other):
    first, second = contract.pack_version(*one), contract.pack_version(*other)
    assert (first < second) == (one < other)
    assert 0 <= first < 2**63
    assert tuple(contract.unpack_version(first)) == one


@given(keys, keys)
def test_ids_differ_when_keys_do(one, other):
    if [str(value) for value in one] != [str(value) for value in other]:
        assert contract.document_id(one) != contract.document_id(other)
    assert contract.key_of(contract.document_id(one)) == [str(value) for value in one]


@given(st.datetimes(timezones=st.just(UTC)))
def test_timestamps_come_back_to_the_millisecond(at):
    text = contract.timestamp(at)
    assert text.endswith("Z")
    assert abs((contract.moment(text) - at).total_seconds()) < 0.001


def test_a_moment_without_time_zone_is_refused():
    with pytest.raises(contract.ContractError, match="time zone"):
        contract.timestamp(datetime(2026, 1, 1))


@given(st.lists(st.dictionaries(st.text(), st.one_of(st.none(), st.text(), st.integers()))), st.booleans())
def test_a_record_holds_any_documents(sources, compress):
    lines = [
        line
        for n, source in enumerate(sources)
        for line in (contract.action_line(str(n), n), contract.source_line(source))
    ]
    header = contract.Header("a", len(sources), None, None)
    found, body = contract.decode_record(contract.encode_record(header, lines, compress=compress))
    assert found == header
    assert [json.loads(line) for line in body.split(b"\n")[1::2]] == sources
