"""Put an expression or a query into PostgreSQL's words, token by token."""

from __future__ import annotations

from collections.abc import Sequence

from ..backend import quote
from ..errors import NOT_SUPPORTED, RedshiftError, not_supported
from .lexer import Kind, Token, render
from .stream import fold

# Functions of later PostgreSQL versions, which Redshift does not have.
# fmt: off
_ABSENT = frozenset({
    "array_agg", "string_agg", "unnest", "json_agg", "jsonb_agg", "json_object_agg", "jsonb_object_agg",
    "to_json", "to_jsonb", "row_to_json", "json_build_object", "jsonb_build_object", "json_build_array",
    "jsonb_build_array", "jsonb_set", "jsonb_array_elements", "gen_random_uuid", "format", "concat_ws",
    "regexp_matches", "regexp_split_to_table", "regexp_split_to_array", "make_date", "make_time",
    "make_timestamp", "make_interval", "num_nulls", "num_nonnulls", "hashtext",
})
# fmt: on
_DATE_PARTS = frozenset({"DATEADD", "DATE_ADD", "DATEDIFF", "DATE_DIFF"})
_RENAMED = {"NVL": "coalesce", "LISTAGG": "string_agg", "APPROXIMATE": ""}
_CAST_TYPES = {"SUPER": "jsonb", "VARBYTE": "bytea", "VARBINARY": "bytea", "NVARCHAR": "varchar"}


def rewrite(tokens: Sequence[Token], *, case_sensitive: bool = False) -> str:
    """Translate the tokens of a query or an expression.

    :param case_sensitive: quoted names keep their case.
    :raises RedshiftError: it uses something that Redshift does not have.
    """
    return _Rewriter(tokens, case_sensitive).run()


class _Rewriter:
    def __init__(self, tokens: Sequence[Token], case_sensitive: bool) -> None:
        self.tokens = list(tokens)
        self.case_sensitive = case_sensitive

    def run(self) -> str:
        return render(self._token(index, token) for index, token in enumerate(self.tokens))

    def _word(self, index: int) -> str:
        return self.tokens[index].word if 0 <= index < len(self.tokens) else ""

    def _token(self, index: int, token: Token) -> Token:
        if token.kind is Kind.WORD:
            return self._plain_word(index, token)
        if token.kind in (Kind.QUOTED, Kind.TEMPORARY):
            return token.with_text(quote(fold(token, self.case_sensitive)))
        return token

    def _plain_word(self, index: int, token: Token) -> Token:
        word = token.word
        before, after = self._word(index - 1), self._word(index + 1)
        self._refuse(index, word)
        if after == "(" and before != ".":
            return self._function(token)
        if word == "SYSDATE" and before != ".":
            return token.with_text("pg_catalog.sysdate()")
        if word == "MAX" and before == "(" and self._word(index - 2) in ("VARCHAR", "NVARCHAR", "VARYING"):
            return token.with_text("65535")
        if word in _CAST_TYPES and (before == "::" or (before == "AS" and after == ")")):
            return token.with_text(_CAST_TYPES[word])
        if before == "(" and self._word(index - 2) in _DATE_PARTS:
            return token.with_text(f"'{word.lower()}'")
        fold(token, self.case_sensitive)  # refuses what is too long
        return token

    def _function(self, token: Token) -> Token:
        name = token.text.lower()
        if name in _ABSENT:
            raise RedshiftError(f"function {name}() does not exist", code="42883")
        if token.word in _RENAMED:
            return token.with_text(_RENAMED[token.word])
        if token.word in _CAST_TYPES and token.word != "SUPER":
            return token.with_text(_CAST_TYPES[token.word])
        return token

    def _refuse(self, index: int, word: str) -> None:
        after = self._word(index + 1)
        if word == "DISTINCT" and after == "ON":
            raise not_supported("SELECT DISTINCT ON")
        if word == "LATERAL":
            raise not_supported("LATERAL")
        if word == "FOR" and after in ("UPDATE", "SHARE"):
            raise not_supported(f"SELECT FOR {after}")
        if word == "FILTER" and after == "(" and self._word(index - 1) == ")":
            raise RedshiftError('syntax error at or near "("', code="42601")
        if word in ("JSONB", "JSON", "UUID") and self._word(index - 1) == "::":
            raise RedshiftError(f'type "{word.lower()}" does not exist', code=NOT_SUPPORTED)
