"""Rows as MySQL prints them become equal values, or are reported by policy; nothing is changed in silence."""

from __future__ import annotations

import struct
import subprocess
import sys
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from livemove.redshift.blocks import Block, Decoder, arrow_type, binary_array, schema_of
from livemove.redshift.findings import Tally
from livemove.redshift.types import ColumnPlan
from rehearsal.paths import REPOSITORY
from tests.unit.redshift.samples import block, column, decode, plan


def _nullable(name: str, data_type: str, column_type: str = "", **more: Any) -> ColumnPlan:
    return plan(column(name, data_type, column_type, nullable=True, **more))


def _printed_time(moment: datetime, digits: int) -> bytes:
    text = f"{moment.year:04d}-{moment:%m-%d %H:%M:%S}"
    return (text + (f".{moment.microsecond:06d}"[: digits + 1] if digits else "")).encode()


def _as_float32(number: float) -> float:
    return float(struct.unpack("f", struct.pack("f", number))[0])


# -- exactness ------------------------------------------------------------------------------------

BIG = 2**63
ROW = st.fixed_dictionaries(
    {
        "bigint": st.none() | st.integers(-BIG, BIG - 1),
        "unsigned": st.none() | st.integers(0, 2 * BIG - 1),
        "decimal": st.none() | st.decimals(allow_nan=False, allow_infinity=False, places=30, max_value=10**8 - 1,
                                           min_value=-(10**8) + 1),
        "double": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "float": st.none() | st.floats(allow_nan=False, allow_infinity=False, width=32),
        "date": st.none() | st.dates(),
        "datetime": st.none() | st.datetimes(),
        "text": st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5),
        "bytes": st.none() | st.binary(max_size=6),
    }
)  # fmt: skip
PLANS = [
    _nullable("text", "varchar", char_length=5),
    _nullable("bigint", "bigint"),
    _nullable("unsigned", "bigint", "bigint unsigned"),
    _nullable("bytes", "varbinary", octet_length=6),
    _nullable("decimal", "decimal", "decimal(38,30)", precision=38, scale=30),
    _nullable("double", "double"),
    _nullable("float", "float"),
    _nullable("date", "date"),
    _nullable("datetime", "datetime", "datetime(6)"),
]


def _printed(name: str, value: Any) -> bytes | None:
    if value is None or isinstance(value, bytes):
        return value
    if name == "decimal":
        return f"{value:.30f}".encode()
    if name == "date":
        return value.isoformat().encode()
    return _printed_time(value, 6) if name == "datetime" else str(value).encode()


@given(st.lists(ROW, min_size=1, max_size=8))
@example([dict.fromkeys(each.name for each in PLANS)])
@example([{**dict.fromkeys(each.name for each in PLANS), "text": "", "bytes": b""}])
@example([{**dict.fromkeys(each.name for each in PLANS), "double": 5e-324, "float": 1.401298464324817e-45}])
@example([{**dict.fromkeys(each.name for each in PLANS), "date": date(1, 1, 1), "datetime": datetime(1, 1, 1)}])
@example([{**dict.fromkeys(each.name for each in PLANS), "date": date(9999, 12, 31), "datetime": datetime.max}])
def test_every_value_arrives_as_it_was_printed(rows: list[dict[str, Any]]) -> None:
    columns, tally = decode(PLANS, [[_printed(each.name, row[each.name]) for each in PLANS] for row in rows])
    for each, values in zip(PLANS, columns, strict=True):
        expected = [row[each.name] for row in rows]
        assert values == expected, each.name
        # -0.0 equals 0.0, and is another value.
        assert [str(value) for value in values] == [str(value) for value in expected]
    assert tally.findings == []


@given(number=st.integers(0, 10**38 - 1), scale=st.integers(0, 30), negative=st.booleans())
@example(number=10**38 - 1, scale=0, negative=False)
@example(number=10**38 - 1, scale=30, negative=True)
def test_a_decimal_of_38_digits_is_exact(number: int, scale: int, negative: bool) -> None:
    value = Decimal((int(negative), tuple(map(int, str(number))), -scale))
    wide = _nullable("d", "decimal", precision=38, scale=scale)
    columns, _ = decode([wide], [[f"{value:f}".encode()], [None]])
    assert columns == [[value, None]]


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_a_float_is_exact_when_it_is_printed_as_a_double(number: float) -> None:
    columns, _ = decode([plan(column("f", "float"))], [[repr(number).encode()]])
    assert columns == [[_as_float32(number)]]


@pytest.mark.parametrize("digits", range(7))
def test_fractions_of_seconds_are_exact_at_every_length(digits: int) -> None:
    moment = datetime(2024, 2, 29, 23, 59, 59, 123456 // 10 ** (6 - digits) * 10 ** (6 - digits))
    columns, _ = decode([plan(column("t", "datetime"))], [[_printed_time(moment, digits)]])
    assert columns == [[moment]]


@pytest.mark.parametrize(
    ("printed", "source", "value"),
    [
        (b"00042", column("c", "int", "int(5) unsigned zerofill"), 42),
        (b"0000000012.50", column("c", "decimal", precision=12, scale=2), Decimal("12.50")),
        (b"0000000000000000001.5", column("c", "double"), 1.5),
        (b"1e20", column("c", "double"), 1e20),
        (b"-1.7976931348623157e308", column("c", "double"), -1.7976931348623157e308),
        (b"0000", column("c", "year"), 0),
        (b"2155", column("c", "year"), 2155),
        (b"18446744073709551615", column("c", "bit", precision=64), Decimal(2**64 - 1)),
        (b"-838:59:59.000000", column("c", "time"), "-838:59:59.000000"),
        (b"9" * 35 + b"." + b"9" * 30, column("c", "decimal", precision=65, scale=30), "9" * 35 + "." + "9" * 30),
    ],
)
def test_what_only_mysql_prints_like_that_is_understood(printed: bytes, source: Any, value: Any) -> None:
    columns, tally = decode([plan(source)], [[printed]])
    assert columns == [[value]]
    assert tally.findings == []


def test_a_tinyint_as_truth_value_is_read() -> None:
    flag = plan(column("c", "tinyint", "tinyint(1)", nullable=True), policies={"tinyint1": "boolean"})
    assert decode([flag], [[b"1"], [b"0"], [None]])[0] == [[True, False, None]]


def test_a_number_that_does_not_fit_its_type_is_an_error() -> None:
    with pytest.raises(pa.ArrowInvalid, match="32768"):
        decode([plan(column("c", "smallint"))], [[b"32768"]])


# -- NULL, blocks of one kind ---------------------------------------------------------------------


def test_null_and_the_empty_string_stay_apart() -> None:
    columns, _ = decode([_nullable("t", "varchar"), _nullable("b", "blob")], [[b"", None], [None, b""]])
    assert columns == [["", None], [None, b""]]


@given(st.lists(st.none() | st.integers(-9, 9), min_size=1, max_size=6))
@example([None])
@example([1, None])
@example([None, None, None])
def test_a_single_nullable_packed_column_keeps_its_empty_lines(values: list[int | None]) -> None:
    columns, _ = decode([_nullable("n", "int")], [[None if n is None else str(n).encode()] for n in values])
    assert columns == [values]


def test_the_order_of_columns_is_the_target_s_whatever_is_packed() -> None:
    plans = [plan(column("a", "varchar")), plan(column("b", "int")), plan(column("c", "blob"))]
    tally = Tally()
    batch = Decoder(plans).decode(block(plans, [[b"x", b"1", b"\xff"]]), tally)
    assert batch.to_pylist() == [{"a": "x", "b": 1, "c": b"\xff"}]
    assert batch.schema == schema_of(plans)


def test_columns_are_named_as_in_the_warehouse() -> None:
    plans = [plan(column("Größe", "int"), settings={"rename": "Size"})]
    assert schema_of(plans).names == ["size"]


def test_chunks_of_a_column_are_joined() -> None:
    plans = [plan(column("t", "varchar"))]
    chunks = [binary_array([b"a", b"b"]), binary_array([b"c"])]
    batch = Decoder(plans).decode(Block(3, [], [chunks]), Tally())
    assert batch.column(0).to_pylist() == ["a", "b", "c"]


def test_rows_that_went_missing_are_an_error_and_not_a_short_table() -> None:
    plans = [plan(column("n", "int"))]
    with pytest.raises(ValueError, match="3 rows were read but"):
        Decoder(plans).decode(Block(3, [b"1", b"2"], []), Tally())
    mixed = [plan(column("n", "int")), plan(column("t", "varchar"))]
    with pytest.raises(ValueError, match="2 rows were read but"):
        Decoder(mixed).decode(Block(2, [b"1", b"2"], [[binary_array([b"a"])]]), Tally())


@given(st.lists(st.none() | st.binary(max_size=4), max_size=20))
def test_bytes_become_an_array_of_the_same_bytes(values: list[bytes | None]) -> None:
    array = binary_array(values)
    array.validate(full=True)
    assert array.to_pylist() == values
    assert array.null_count == values.count(None)


def test_more_bytes_than_an_array_can_count_are_an_error() -> None:
    with pytest.raises(OverflowError, match="2 GB are the most"):
        binary_array([bytes(2**20)] * 2048)


@pytest.mark.parametrize("name", ["bool", "int16", "date", "timestamp", "decimal(20,0)"])
def test_a_type_s_name_is_understood(name: str) -> None:
    assert isinstance(arrow_type(name), pa.DataType)


# -- dates that do not exist ----------------------------------------------------------------------

IMPOSSIBLE = [b"0000-00-00", b"0000-01-01", b"2024-00-10", b"2024-10-00", b"2024-02-31", b"2023-02-29", b"0000-12-31"]


def _dates(policy: str, data_type: str = "date") -> list[ColumnPlan]:
    return [
        plan(column("id", "int")),
        plan(column("d", data_type, nullable=True), policies={"zero_date": policy}),
    ]


@pytest.mark.parametrize("policy", ["reject", "null"])
@pytest.mark.parametrize("bad", IMPOSSIBLE)
@pytest.mark.parametrize(
    ("data_type", "time"), [("date", b""), ("datetime", b" 00:00:00"), ("timestamp", b" 10:11:12")]
)
def test_a_date_that_does_not_exist_is_reported_and_its_neighbours_stay(
    bad: bytes, policy: str, data_type: str, time: bytes
) -> None:
    rows = [[b"1", b"2024-02-29" + time], [b"2", bad + time], [b"3", None], [b"4", b"0001-01-01" + time]]
    columns, tally = decode(_dates(policy, data_type), rows, keys=["id"])
    assert [None if value is None else str(value)[:10] for value in columns[1]] == [
        "2024-02-29",
        None,
        None,
        "0001-01-01",
    ]
    (finding,) = tally.findings
    assert (finding.column, finding.problem, finding.action, finding.count) == ("d", "zero_date", policy, 1)
    assert finding.samples == ["(id=2)"]
    assert bool(tally.rejected) is (policy == "reject")


def test_all_kinds_of_impossible_dates_are_found_in_one_block() -> None:
    columns, tally = decode(_dates("null"), [[b"%d" % n, bad] for n, bad in enumerate(IMPOSSIBLE)], keys=["id"])
    assert columns[1] == [None] * len(IMPOSSIBLE)
    assert tally.findings[0].count == len(IMPOSSIBLE)
    assert tally.findings[0].samples == [f"(id={n})" for n in range(5)]


def test_one_column_s_impossible_date_leaves_the_other_s_alone() -> None:
    plans = [plan(column("a", "date")), plan(column("b", "datetime"), policies={"zero_date": "null"})]
    columns, tally = decode(plans, [[b"2024-01-01", b"2024-02-31 00:00:00.5"], [b"0001-01-01", b"0001-01-01 00:00:00"]])
    assert columns == [[date(2024, 1, 1), date(1, 1, 1)], [None, datetime(1, 1, 1)]]
    assert [finding.column for finding in tally.findings] == ["b"]


def test_fractions_survive_beside_an_impossible_date() -> None:
    rows = [[b"1", b"2024-02-31 00:00:00.12"], [b"2", b"2024-01-01 00:00:00.123456"], [b"3", b"2024-01-01 00:00:00.1"]]
    columns, _ = decode(_dates("null", "datetime"), rows)
    assert columns[1] == [None, datetime(2024, 1, 1, 0, 0, 0, 123456), datetime(2024, 1, 1, 0, 0, 0, 100000)]


@given(st.integers(1, 9999), st.integers(0, 12), st.integers(0, 31))
def test_a_date_arrives_exactly_when_the_calendar_has_it(year: int, month: int, day: int) -> None:
    try:
        expected = date(year, month, day)
    except ValueError:
        expected = None
    columns, tally = decode([_dates("null")[1]], [[f"{year:04d}-{month:02d}-{day:02d}".encode()]])
    assert columns == [[expected]]
    assert bool(tally.findings) is (expected is None)


def test_a_column_of_nothing_but_null_dates_is_fine() -> None:
    columns, tally = decode(_dates("reject"), [[b"1", None], [b"2", None]])
    assert columns[1] == [None, None]
    assert tally.findings == []


# -- text -----------------------------------------------------------------------------------------


def _text(charset: str = "utf8mb4", *, length: int = 20, **policies: str) -> list[ColumnPlan]:
    return [
        plan(column("id", "int")),
        plan(column("t", "varchar", nullable=True, charset=charset, char_length=length), policies=policies),
    ]


def _decode_text(plans: list[ColumnPlan], values: list[bytes | None]) -> tuple[list[Any], Tally]:
    rows: list[list[bytes | None]] = [[b"%d" % n, value] for n, value in enumerate(values)]
    columns, tally = decode(plans, rows, keys=["id"])
    return columns[1], tally


def _told(tally: Tally) -> list[tuple[str, str, int, list[str]]]:
    return [(each.problem, each.action, each.count, each.samples) for each in tally.findings]


@pytest.mark.parametrize(("policy", "value"), [("reject", None), ("null", None), ("replace", "a\ufffdb")])
@pytest.mark.parametrize("bad", [b"a\xffb", b"a\0b"])
def test_bytes_that_are_no_text_are_reported(bad: bytes, policy: str, value: str | None) -> None:
    texts, tally = _decode_text(_text(invalid_text=policy), ["é".encode(), bad, None, b"", b"z"])
    assert texts == ["é", value, None, "", "z"]
    assert _told(tally) == [("invalid_text", policy, 1, ["(id=1)"])]


@pytest.mark.parametrize("bad", [b"\xe3\x81", b"\xc0\x80", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\x80"])
def test_every_kind_of_broken_utf8_is_seen(bad: bytes) -> None:
    assert [told[0] for told in _told(_decode_text(_text(), [bad])[1])] == ["invalid_text"]


def test_a_replacement_character_that_was_stored_is_no_problem() -> None:
    texts, tally = _decode_text(_text(), ["\ufffd".encode(), "😀\r\n\t,\"'".encode()])
    assert texts == ["\ufffd", "😀\r\n\t,\"'"]
    assert tally.findings == []


def test_both_problems_of_a_block_are_counted() -> None:
    texts, tally = _decode_text(_text(length=1, invalid_text="replace", too_long="truncate"), [b"\xffabcd", b"abcdef"])
    assert texts == ["\ufffda", "abcd"]
    assert _told(tally) == [
        ("invalid_text", "replace", 1, ["(id=0)"]),
        ("too_long", "truncate", 2, ["(id=0)", "(id=1)"]),
    ]


@pytest.mark.parametrize("policy", ["reject", "null"])
def test_a_text_of_too_many_bytes_is_reported(policy: str) -> None:
    texts, tally = _decode_text(_text("ascii", length=3, too_long=policy), [b"abc", b"abcd", None])
    assert texts == ["abc", None, None]
    assert _told(tally) == [("too_long", policy, 1, ["(id=1)"])]


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12), st.integers(1, 20))
@example("注注", 4)
@example("a😀", 3)
def test_a_truncated_text_is_the_longest_beginning_of_whole_characters_that_fits(text: str, size: int) -> None:
    short = plan(
        column("t", "varchar", char_length=20), settings={"max_bytes": size}, policies={"too_long": "truncate"}
    )
    columns, tally = decode([short], [[text.encode()]])
    (got,) = columns[0]
    fitting = [text[:end] for end in range(len(text) + 1) if len(text[:end].encode()) <= size]
    assert got == fitting[-1]
    assert bool(tally.findings) is (got != text)


def test_bytes_are_truncated_at_any_byte() -> None:
    blob = plan(column("b", "varbinary", octet_length=2), policies={"too_long": "truncate"})
    columns, tally = decode([blob], [[b"\xff\0\xff"], [b"ab"]])
    assert columns == [[b"\xff\0", b"ab"]]
    assert [finding.problem for finding in tally.findings] == ["too_long"]


def test_a_json_document_that_is_too_long_is_refused_and_never_cut() -> None:
    document = plan(column("j", "json"), settings={"max_bytes": 5}, policies={"too_long": "truncate"})
    columns, tally = decode([document], [[b'{"a": 1}'], [b"[1]"]])
    assert columns == [[None, "[1]"]]
    assert [finding.action for finding in tally.rejected] == ["reject"]


# -- latin1 ---------------------------------------------------------------------------------------


@given(st.lists(st.binary(min_size=1, max_size=3), min_size=1, max_size=5))
@example([bytes([each]) for each in range(1, 256)])
@example([b"\x81\x8d\x8f\x90\x9d"])
@example([b"\x80caf\xe9"])
def test_latin1_is_cp1252_and_its_unused_bytes_are_control_characters(values: list[bytes]) -> None:
    expected = [
        "".join(
            chr(each) if each in (0x81, 0x8D, 0x8F, 0x90, 0x9D) else bytes([each]).decode("cp1252") for each in value
        )
        for value in values
    ]
    texts, tally = _decode_text(_text("latin1", invalid_text="replace", utf8_in_latin1="keep"), [*values])
    assert texts == [text.replace("\0", "\ufffd") for text in expected]
    nuls = sum(b"\0" in value for value in values)
    assert sum(finding.count for finding in tally.findings if finding.problem == "invalid_text") == nuls


@pytest.mark.parametrize(("policy", "value"), [("decode", "日本"), ("keep", "æ—¥æœ¬")])
def test_utf8_in_a_latin1_column_is_read_as_the_policy_says_and_reported(policy: str, value: str) -> None:
    texts, tally = _decode_text(_text("latin1", utf8_in_latin1=policy), [b"plain", b"caf\xe9", "日本".encode(), None])
    assert texts == ["plain", "café", value, None]
    assert _told(tally) == [("utf8_in_latin1", policy, 1, ["(id=2)"])]


def test_utf8_in_a_latin1_column_is_rejected_unless_a_policy_says_what_it_is() -> None:
    _, tally = _decode_text(_text("latin1"), ["é".encode()])
    assert [finding.problem for finding in tally.rejected] == ["utf8_in_latin1"]


def test_latin1_of_only_ascii_or_nothing_needs_no_look() -> None:
    texts, tally = _decode_text(_text("latin1"), [b"abc", None, b""])
    assert texts == ["abc", None, ""]
    assert tally.findings == []


def test_a_nul_in_a_latin1_column_is_reported() -> None:
    texts, tally = _decode_text(_text("latin1", invalid_text="null"), [b"a\0", b"b"])
    assert texts == [None, "b"]
    assert _told(tally) == [("invalid_text", "null", 1, ["(id=0)"])]


def test_latin1_that_is_longer_in_utf8_than_the_column_takes_is_reported() -> None:
    texts, tally = _decode_text([plan(column("id", "int")), plan(
        column("t", "varchar", charset="latin1", char_length=9), settings={"max_bytes": 3},
        policies={"too_long": "truncate"})], [b"\xe9\xe9"])  # fmt: skip
    assert texts == ["é"]
    assert _told(tally) == [("too_long", "truncate", 1, ["(id=0)"])]


_WITHOUT_PANDAS = """
import sys
from tests.unit.redshift.samples import column, decode, plan
plans = [plan(column("d", "date", nullable=True)), plan(column("t", "varchar", charset="latin1")),
         plan(column("u", "varchar"), policies={"invalid_text": "replace"})]
values, _ = decode(plans, [[b"2024-01-01", b"caf\\xe9", b"\\xff"], [None, b"a", b"b"]])
assert values[1:] == [["café", "a"], ["\\ufffd", "b"]], values
assert "pandas" not in sys.modules
"""


def test_reading_loads_no_pandas_which_would_cost_each_task_seconds_and_60_mb() -> None:
    folders = [folder for folder in sys.path if folder.endswith(("/plugins", "/include"))] + [str(REPOSITORY)]
    done = subprocess.run(
        [sys.executable, "-c", _WITHOUT_PANDAS], capture_output=True, text=True, cwd=REPOSITORY,
        env={"PYTHONPATH": ":".join(folders)}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


# -- what is reported -----------------------------------------------------------------------------


def test_findings_are_summed_over_blocks_and_keep_the_first_samples() -> None:
    plans, tally = _dates("null"), Tally()
    decoder = Decoder(plans, ["id"])
    for start in (0, 100):
        rows = [[b"%d" % (start + n), b"0000-00-00"] for n in range(4)]
        decoder.decode(block(plans, rows), tally)
    (finding,) = tally.findings
    assert finding.count == 8
    assert finding.samples == ["(id=0)", "(id=1)", "(id=2)", "(id=3)", "(id=100)"]


def test_a_row_is_named_by_its_whole_key() -> None:
    plans = [plan(column("a", "int")), plan(column("b", "varchar")), *_dates("null")[1:]]
    _, tally = decode(plans, [[b"1", "注".encode(), b"0000-00-00"]], keys=["a", "b"])
    assert tally.findings[0].samples == ["(a=1, b=注)"]


def test_a_row_without_a_key_is_named_by_its_place() -> None:
    _, tally = decode([_dates("null")[1]], [[b"2024-01-01"], [b"0000-00-00"]])
    assert tally.findings[0].samples == ["row 1 of a block"]
