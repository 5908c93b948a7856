"""Identifiers survive quoting, and are what Redshift will call them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livemove.redshift import names
from livemove.runbook.errors import NeedsPerson

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)


def _unquote(text: str, quote: str) -> list[str]:
    """The parts of a dotted name, read by the rule of both databases: a doubled quote is one."""
    parts, rest = [], text
    while rest:
        assert rest[0] == quote
        end = 1
        while rest[end] != quote or rest[end : end + 2] == quote * 2:
            end += 2 if rest[end] == quote else 1
        parts.append(rest[1:end].replace(quote * 2, quote))
        assert rest[end + 1 : end + 2] in ("", ".")
        rest = rest[end + 2 :]
    return parts


@given(st.lists(NAMES, min_size=1, max_size=3))
def test_any_name_reads_back_from_its_quoted_form(parts: list[str]) -> None:
    assert _unquote(names.mysql(*parts), "`") == parts
    assert _unquote(names.redshift(*parts), '"') == parts


def test_reserved_and_japanese_names_are_quoted() -> None:
    assert names.mysql("shop", "order") == "`shop`.`order`"
    assert names.redshift("店", "注文") == '"店"."注文"'


def test_quotes_in_a_name_do_not_end_it() -> None:
    assert names.mysql("a`; DROP TABLE t; --") == "`a``; DROP TABLE t; --`"
    assert names.redshift('a"; DROP TABLE t; --') == '"a""; DROP TABLE t; --"'


def test_quotes_and_backslashes_in_a_literal_do_not_end_it() -> None:
    assert names.literal("a'b") == "'a''b'"
    assert names.literal("a\\") == "'a\\\\'"


@pytest.mark.parametrize(
    ("name", "stored"),
    [("OrderLines", "orderlines"), ("Größe", "größe"), ("ÄRGER", "Ärger"), ("ＩＤ", "ＩＤ"), ("注文ID", "注文id")],
)
def test_redshift_folds_ascii_letters_only(name: str, stored: str) -> None:
    assert names.in_redshift(name, where="tables.t") == stored


def test_a_name_of_127_bytes_fits() -> None:
    name = "注" * 42 + "x"
    assert names.in_redshift(name, where="tables.t") == name


def test_a_longer_name_is_refused_with_its_place_size_and_remedy() -> None:
    with pytest.raises(NeedsPerson) as refused:
        names.in_redshift("注" * 43, where="tables.t.columns.c")
    assert "tables.t.columns.c" in str(refused.value)
    assert "129 bytes" in str(refused.value)
    assert "`rename`" in str(refused.value)
