"""SQL is cut into tokens without loss."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rehearsal.redshift.dialect.lexer import Kind, render, split, tokenize, unquote_string

PIECES = ["'", '"', "\\", "$$", "$a$", "#", "--", "/*", "*/", "\n", " ", ";", "a", "日本", "1.5", "::", "(", ")", "E'"]


@given(st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map("".join)))
def test_the_tokens_put_together_are_the_statement(sql: str) -> None:
    assert render(tokenize(sql)) == sql


@given(st.text(st.characters(exclude_characters="\0")))
def test_a_quoted_text_is_one_token_and_gives_the_text_back(text: str) -> None:
    literal = "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
    token, _ = tokenize(literal)
    assert token.kind is Kind.STRING
    assert unquote_string(token) == text


def test_semicolons_in_literals_names_and_comments_do_not_end_a_statement() -> None:
    first = """SELECT ';', ";", $$;$$, '\\';' -- ;
    /* ; */ FROM t"""
    assert [render(tokens).strip() for tokens in split(f"{first}; SELECT 2;")] == [first, "SELECT 2"]


@pytest.mark.parametrize("sql", ["", " ", ";;", "-- nothing", "/* nothing */ ;"])
def test_empty_statements_are_left_out(sql: str) -> None:
    assert split(sql) == []
