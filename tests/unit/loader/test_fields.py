"""Values of columns as they go into documents."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loader.errors import PoisonError
from loader.fields import convert, read_json


@pytest.mark.parametrize(
    ("conversion", "value", "expected"),
    [
        ("json", '{"a": [1, 2.5]}', {"a": [1, 2.5]}),
        ("json", ["ready"], ["ready"]),
        ("boolean", 1, True),
        ("boolean", "0", False),
        ("number", "12.50", 12.5),
        ("number", 7, 7),
        ("text", 7, "7"),
        ("date", "2026-11-22 08:15:00", "2026-11-22T08:15:00"),
        ("json", None, None),
    ],
)
def test_a_column_is_converted_as_its_settings_say(conversion, value, expected):
    assert convert({"c": value, "other": 1}, {"c": conversion}) == {"c": expected, "other": 1}


def test_a_column_can_be_left_out():
    assert convert({"secret": "x", "id": 1}, {"secret": "omit", "absent": "json"}) == {"id": 1}


@pytest.mark.parametrize(
    ("conversion", "value"), [("json", "{"), ("boolean", 2), ("number", "many"), ("number", "true")]
)
def test_a_value_that_cannot_be_converted_is_poison_that_names_the_column_and_not_the_value(conversion, value):
    with pytest.raises(PoisonError, match="column c") as error:
        convert({"c": value}, {"c": conversion})
    assert conversion in str(error.value)


@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_no_digit_of_a_decimal_is_lost(number):
    text = format(number, "f")
    found = read_json(text)
    assert Decimal(found if isinstance(found, str) else repr(found)) == Decimal(text)
    json.dumps(found, allow_nan=False)
