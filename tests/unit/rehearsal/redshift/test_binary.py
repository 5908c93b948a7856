"""Binary rows are laid out as PostgreSQL reads them."""

import datetime as dt
import struct

import pyarrow as pa
import pytest

from rehearsal.redshift.binary import encode, is_fixed
from rehearsal.redshift.columns import Column

COLUMNS = [Column("i", "int4"), Column("at", "timestamp")]


def test_a_row_is_its_count_and_each_length_and_value() -> None:
    moment = pa.array([dt.datetime(2000, 1, 1, 0, 0, 0, 7)], pa.timestamp("us"))
    assert encode([pa.array([-2], pa.int32()), moment], COLUMNS) == struct.pack("!hiiiq", 2, 4, -2, 8, 7)


def test_a_null_has_a_length_of_minus_one_and_no_value() -> None:
    rows = encode([pa.array([None, 5], pa.int32()), pa.array([None, None], pa.timestamp("us"))], COLUMNS)
    assert rows == struct.pack("!hii", 2, -1, -1) + struct.pack("!hiii", 2, 4, 5, -1)


def test_a_number_out_of_range_is_an_error() -> None:
    with pytest.raises(pa.ArrowInvalid):
        encode([pa.array([40000], pa.int32())], [Column("s", "int2")])


def test_texts_have_no_fixed_width() -> None:
    assert is_fixed(COLUMNS)
    assert not is_fixed([*COLUMNS, Column("v", "varchar", 5)])
