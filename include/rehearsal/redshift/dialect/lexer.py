"""Cut SQL into words without changing it: the texts of all tokens, put together, are the statement again."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum, auto

# What PostgreSQL counts as white space; other Unicode spaces are letters of an identifier to it.
_PATTERN = re.compile(
    r"""
    (?P<before>(?:[ \t\r\n\f\v]+|--[^\n]*|/\*.*?\*/)*)
    (?:
        (?P<STRING>[eEbBxX]?'(?:[^'\\]|\\.|'')*')
      | (?P<DOLLAR>\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$)
      | (?P<QUOTED>"(?:[^"]|"")*")
      | (?P<PARAMETER>\$\d+)
      | (?P<TEMPORARY>\#[^\W\d][\w$]*)
      | (?P<NUMBER>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
      | (?P<WORD>[^\W\d][\w$]*)
      | (?P<OPERATOR>::|<=|>=|<>|!=|\|\||.)
      | (?P<END>$)
    )
    """,
    re.VERBOSE | re.DOTALL,
)


class Kind(Enum):
    """What a token is."""

    STRING = auto()
    DOLLAR = auto()  # $$ ... $$
    QUOTED = auto()  # "name"
    PARAMETER = auto()  # $1
    TEMPORARY = auto()  # #name
    NUMBER = auto()
    WORD = auto()
    OPERATOR = auto()
    END = auto()
    RAW = auto()  # SQL of our own, already in PostgreSQL's words


@dataclass(frozen=True)
class Token:
    """One token and the white space and comments before it."""

    kind: Kind
    text: str
    before: str = ""

    @property
    def word(self) -> str:
        """The token in upper case if it can be a keyword or an operator, else an empty string."""
        return self.text.upper() if self.kind in (Kind.WORD, Kind.OPERATOR) else ""

    def is_name(self) -> bool:
        """Tell whether the token can be an identifier."""
        return self.kind in (Kind.WORD, Kind.QUOTED, Kind.TEMPORARY)

    def with_text(self, text: str) -> Token:
        """Return SQL of our own in this token's place."""
        return replace(self, kind=Kind.RAW, text=text)


def raw(text: str) -> Token:
    """Return a token of SQL of our own."""
    return Token(Kind.RAW, text, " ")


def tokenize(sql: str) -> list[Token]:
    """Cut a statement into tokens, the last of them of kind END."""
    tokens = []
    for match in _PATTERN.finditer(sql):
        kind = match.lastgroup if match.lastgroup != "tag" else "DOLLAR"
        tokens.append(Token(Kind[kind or "END"], match[0][len(match["before"]) :], match["before"]))
        if tokens[-1].kind is Kind.END:
            break
    return tokens


def render(tokens: Iterable[Token]) -> str:
    """Put tokens together to a statement."""
    return "".join(token.before + token.text for token in tokens)


def split(sql: str) -> list[list[Token]]:
    """Cut a text into its statements, empty ones left out."""
    statements: list[list[Token]] = [[]]
    for token in tokenize(sql):
        if token.word == ";":
            statements.append([])
        elif token.kind is not Kind.END:
            statements[-1].append(token)
    return [statement for statement in statements if statement]


def unquote_string(token: Token) -> str:
    """Return the value of a string literal.

    In Redshift a backslash escapes inside '...' (Developer Guide, LIKE and COPY examples), as in PostgreSQL
    8.0.
    """
    if token.kind is Kind.DOLLAR:
        tag = token.text.index("$", 1) + 1
        return token.text[tag:-tag]
    body = token.text[token.text.index("'") + 1 : -1]
    return re.sub(r"''|\\(.)", _unescape, body, flags=re.DOTALL)


def _unescape(found: re.Match[str]) -> str:
    escapes = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
    return escapes.get(found[1], found[1]) if found[1] else "'"
