"""Walk over the tokens of one statement."""

from __future__ import annotations

from collections.abc import Sequence

from ..backend import quote
from ..errors import NOT_SUPPORTED, RedshiftError, syntax_error
from .lexer import Kind, Token

# PostgreSQL's limit; Redshift's own is 127 bytes.
_NAME_BYTES = 63
_END = Token(Kind.END, "end of input")


class Stream:
    """A position in a list of tokens.

    :param tokens: the tokens of one statement.
    :param case_sensitive: quoted names keep their case (`enable_case_sensitive_identifier`).
    """

    def __init__(self, tokens: Sequence[Token], *, case_sensitive: bool = False) -> None:
        self.tokens = list(tokens)
        self.case_sensitive = case_sensitive
        self.position = 0

    def peek(self, ahead: int = 0) -> Token:
        """Return a token further on without moving."""
        index = self.position + ahead
        return self.tokens[index] if index < len(self.tokens) else _END

    def next(self) -> Token:
        """Return the next token and move past it."""
        token = self.peek()
        self.position += 1
        return token

    def at_end(self) -> bool:
        """Tell whether nothing is left."""
        return self.peek().kind is Kind.END

    def at(self, *words: str) -> bool:
        """Tell whether these words follow."""
        return all(self.peek(index).word == word for index, word in enumerate(words))

    def accept(self, *words: str) -> bool:
        """Move past these words if they follow, and tell whether they did."""
        if not self.at(*words):
            return False
        self.position += len(words)
        return True

    def accept_any(self, *words: str) -> str:
        """Move past one of these words if it follows, and return it, else an empty string."""
        return self.next().word if self.peek().word in words else ""

    def expect(self, *words: str) -> None:
        """Move past these words.

        :raises RedshiftError: something else follows.
        """
        if not self.accept(*words):
            raise self.error()

    def error(self) -> RedshiftError:
        """Return the syntax error at this position."""
        return syntax_error(self.peek().text)

    def rest(self) -> list[Token]:
        """Return all that is left."""
        found = self.tokens[self.position :]
        self.position = len(self.tokens)
        return found

    def identifier(self) -> str:
        """Move past an identifier and return it folded, without quotes."""
        if not self.peek().is_name():
            raise self.error()
        return fold(self.next(), self.case_sensitive)

    def name(self) -> str:
        """Move past a name, qualified or not, and return it in PostgreSQL's quotes."""
        parts = [quote(self.identifier())]
        while self.accept("."):
            parts.append(quote(self.identifier()))
        return ".".join(parts)

    def integer(self) -> int:
        """Move past a whole number, with or without a sign, and return it."""
        sign = -1 if self.accept("-") else 1
        if self.peek().kind is not Kind.NUMBER or not self.peek().text.isdigit():
            raise self.error()
        return sign * int(self.next().text)

    def integers(self) -> list[int]:
        """Move past a parenthesised list of whole numbers and return them."""
        inner = Stream(self.parenthesised())
        found = [inner.integer()]
        while inner.accept(","):
            found.append(inner.integer())
        if not inner.at_end():
            raise inner.error()
        return found

    def parenthesised(self) -> list[Token]:
        """Move past a pair of parentheses and return what stands between them."""
        self.expect("(")
        start, depth = self.position, 1
        while depth:
            if self.at_end():
                raise self.error()
            token = self.next()
            depth += {"(": 1, ")": -1}.get(token.word, 0)
        return self.tokens[start : self.position - 1]


def fold(token: Token, case_sensitive: bool) -> str:
    """Return an identifier as Redshift stores it.

    Names fold to lower case, quoted or not (Developer Guide, "Names and identifiers").

    :raises RedshiftError: it is longer than the stand-in can store.
    """
    if token.kind is Kind.QUOTED:
        name = token.text[1:-1].replace('""', '"')
        name = name if case_sensitive else _lower(name)
    else:
        name = _lower(token.text)
    if len(name.encode()) > _NAME_BYTES:
        raise RedshiftError(
            f'identifier "{name}" has {len(name.encode())} bytes: the stand-in keeps {_NAME_BYTES}, Redshift 127',
            code=NOT_SUPPORTED,
        )
    return name


def split_list(tokens: Sequence[Token]) -> list[list[Token]]:
    """Cut a list at its commas, those inside parentheses left alone."""
    items: list[list[Token]] = [[]]
    depth = 0
    for token in tokens:
        depth += {"(": 1, ")": -1}.get(token.word, 0)
        if token.word == "," and depth == 0:
            items.append([])
        else:
            items[-1].append(token)
    return items


def _lower(name: str) -> str:
    # ASCII alone, as PostgreSQL and Redshift do.
    return "".join(letter.lower() if letter.isascii() else letter for letter in name)
