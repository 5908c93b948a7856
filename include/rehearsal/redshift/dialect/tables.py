"""CREATE TABLE and ALTER TABLE."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from ..backend import quote
from ..errors import NOT_SUPPORTED, RedshiftError, not_supported, syntax_error
from .lexer import Token
from .statement import PLACEHOLDER, Append, Statement
from .stream import Stream, split_list
from .types import read_type

Rewrite = Callable[[Sequence[Token]], str]

NOTE_TABLE = "SELECT rs.note_table($1::text::regclass, $2, $3, $4)"
NOTE_LIKE = (
    "SELECT rs.note_table($1::text::regclass, style, '', sorting) FROM rs.layout WHERE relid = $2::text::regclass"
)
# Lets a FOREIGN KEY refer to a key that is not enforced.
OFFER_KEYS = (("SELECT rs.offer_keys()",),)
# Let late binding views follow names, not tables.
UNBIND_VIEWS = (("SELECT rs.unbind_views()",),)
BIND_VIEWS = (("SELECT rs.bind_views()",),)
_COLUMN_ENDS = {"NOT", "NULL", "DEFAULT", "UNIQUE", "PRIMARY", "REFERENCES", "ENCODE", "DISTKEY", "SORTKEY"}
_COLUMN_ENDS |= {"IDENTITY", "GENERATED", "COLLATE", "CHECK", "CONSTRAINT"}


@dataclass
class Layout:
    """How Redshift would lay the table out; PostgreSQL does not care, but `svv_table_info` shows it.

    :ivar like: the table whose layout is inherited (Developer Guide, CREATE TABLE, LIKE).
    """

    style: str = "AUTO"
    distribution: str = ""
    sorting: list[str] = field(default_factory=list)
    like: str = ""

    def note(self, table: str) -> tuple[str, ...]:
        """Return the statement that keeps this layout."""
        if self.like:
            return (NOTE_LIKE, table, self.like)
        style = f"KEY({self.distribution})" if self.distribution else self.style
        return (NOTE_TABLE, table, style, self.distribution, ",".join(self.sorting))


def create_table(stream: Stream, rewrite: Rewrite, temporary: bool) -> Statement:
    """Translate CREATE TABLE, whose words up to TABLE are read already.

    :param rewrite: puts expressions and queries into PostgreSQL's words.
    :raises RedshiftError: it holds something that Redshift does not take.
    """
    guard = "IF NOT EXISTS " if stream.accept("IF", "NOT", "EXISTS") else ""
    temporary = temporary or stream.peek().text.startswith("#")
    table = stream.name()
    layout = Layout()
    inner = stream.parenthesised() if stream.at("(") else []
    _table_attributes(stream, layout)
    create = f"CREATE {'TEMPORARY TABLE' if temporary else 'TABLE'} {guard}{table}"
    if stream.accept("AS"):
        columns = f"({rewrite(inner)})" if inner else ""
        sql = f"{create} {columns} AS {rewrite(stream.rest())}"
        return Statement(sql, after=(layout.note(table),), counts=table)
    if not inner or not stream.at_end():
        raise stream.error()
    elements = ", ".join(_element(item, table, layout, rewrite, stream) for item in split_list(inner))
    refers = any(token.word == "REFERENCES" for token in inner)
    before = OFFER_KEYS if refers else ()
    return Statement(f"{create} ({elements})", before=before, after=(layout.note(table),), tag="CREATE TABLE")


def _table_attributes(stream: Stream, layout: Layout) -> None:
    while True:
        if stream.accept("BACKUP"):
            stream.accept_any("YES", "NO")
        elif stream.accept("DISTSTYLE"):
            layout.style = stream.accept_any("AUTO", "EVEN", "ALL", "KEY")
        elif stream.accept("DISTKEY"):
            layout.distribution = Stream(stream.parenthesised()).identifier()
        elif stream.at("SORTKEY") or stream.at("COMPOUND", "SORTKEY") or stream.at("INTERLEAVED", "SORTKEY"):
            layout.sorting = _sort_key(stream)
        elif not stream.accept("ENCODE", "AUTO"):
            return


def _sort_key(stream: Stream) -> list[str]:
    stream.accept_any("COMPOUND", "INTERLEAVED")
    stream.expect("SORTKEY")
    if stream.accept_any("AUTO", "NONE"):
        return []
    return [Stream(item).identifier() for item in split_list(stream.parenthesised())]


def _element(tokens: Sequence[Token], table: str, layout: Layout, rewrite: Rewrite, outer: Stream) -> str:
    stream = Stream(tokens, case_sensitive=outer.case_sensitive)
    if stream.accept("LIKE"):
        source = layout.like = stream.name()
        # CHECK constraints hold nothing but the lengths of VARBYTE columns, which go along.
        defaults = "INCLUDING DEFAULTS" if stream.accept("INCLUDING", "DEFAULTS") else ""
        stream.accept("EXCLUDING", "DEFAULTS")
        if not stream.at_end():
            raise stream.error()
        return f"LIKE {source} INCLUDING CONSTRAINTS {defaults}"
    if stream.peek().word in ("CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "CHECK"):
        return _table_constraint(stream, rewrite)
    return _column(stream, table, layout, rewrite)


def _table_constraint(stream: Stream, rewrite: Rewrite) -> str:
    if any(token.word == "CHECK" for token in stream.tokens):
        raise not_supported("CHECK constraint")
    return rewrite(stream.rest())


def _column(stream: Stream, table: str, layout: Layout, rewrite: Rewrite) -> str:
    name = stream.identifier()
    shown = table.rsplit(".", 1)[-1].strip('"') + "." + name
    kind = read_type(stream, shown)
    parts = [quote(name), kind.sql]
    if kind.varbyte:
        check = f'"varbyte({kind.varbyte}) {name[:30]}"'
        parts.append(f"CONSTRAINT {check} CHECK (octet_length({quote(name)}) <= {kind.varbyte})")
    while not stream.at_end():
        parts.append(_column_attribute(stream, name, layout, rewrite))
    return " ".join(part for part in parts if part)


def _column_attribute(stream: Stream, name: str, layout: Layout, rewrite: Rewrite) -> str:
    if stream.accept("ENCODE"):
        stream.next()
    elif stream.accept("DISTKEY"):
        layout.distribution = name
    elif stream.accept("SORTKEY"):
        layout.sorting = [name]
    elif stream.accept("COLLATE"):
        stream.next()
    elif stream.accept("CHECK"):
        raise not_supported("CHECK constraint")
    elif stream.accept("IDENTITY"):
        return f"GENERATED ALWAYS AS IDENTITY ({_identity(stream)})"
    elif stream.accept("GENERATED", "BY", "DEFAULT", "AS", "IDENTITY"):
        return f"GENERATED BY DEFAULT AS IDENTITY ({_identity(stream)})"
    elif stream.accept("DEFAULT"):
        return "DEFAULT " + rewrite(_until_attribute(stream))
    else:
        return _constraint_words(stream, rewrite)
    return ""


def _constraint_words(stream: Stream, rewrite: Rewrite) -> str:
    for words in (("NOT", "NULL"), ("NULL",), ("UNIQUE",), ("PRIMARY", "KEY")):
        if stream.accept(*words):
            return " ".join(words)
    if stream.at("REFERENCES"):
        return rewrite([stream.next(), *_until_attribute(stream)])
    raise stream.error()


def _until_attribute(stream: Stream) -> list[Token]:
    found: list[Token] = []
    depth = 0
    while not stream.at_end():
        word = stream.peek().word
        if depth == 0 and found and word in _COLUMN_ENDS:
            break
        depth += {"(": 1, ")": -1}.get(word, 0)
        found.append(stream.next())
    return found


def _identity(stream: Stream) -> str:
    numbers = stream.integers()
    if len(numbers) != 2:
        raise syntax_error("IDENTITY")
    seed, step = numbers
    return f"START WITH {seed} INCREMENT BY {step} MINVALUE {min(seed, 1)}"


def alter_table(stream: Stream, rewrite: Rewrite) -> Statement:
    """Translate ALTER TABLE, whose first two words are read already.

    :param rewrite: puts expressions into PostgreSQL's words.
    :raises RedshiftError: it does something that Redshift does not do.
    """
    table = stream.name()
    if len(split_list(stream.tokens[stream.position :])) > 1:
        raise syntax_error(",")  # one change for each statement
    if stream.accept("APPEND", "FROM"):
        source = stream.name()
        if stream.accept_any("IGNOREEXTRA", "FILLTARGET"):
            raise RedshiftError("ALTER TABLE APPEND with options is not imitated", code=NOT_SUPPORTED)
        return Statement(PLACEHOLDER, special=Append(table, source), alone="ALTER TABLE APPEND")
    if stream.accept("ADD"):
        return _add(stream, table, rewrite)
    if stream.accept("ALTER"):
        return _alter(stream, table)
    if stream.peek().word in ("DROP", "RENAME", "OWNER"):
        sql = f"ALTER TABLE {table} {rewrite(stream.rest())}"
        return Statement(sql, before=UNBIND_VIEWS, after=BIND_VIEWS)
    raise stream.error()


def _add(stream: Stream, table: str, rewrite: Rewrite) -> Statement:
    if stream.peek().word in ("CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "CHECK"):
        foreign = any(token.word == "REFERENCES" for token in stream.tokens)
        constraint = _table_constraint(stream, rewrite) + (" NOT VALID" if foreign else "")
        before = OFFER_KEYS if foreign else ()
        return Statement(f"ALTER TABLE {table} ADD {constraint}", before=before)
    stream.accept("COLUMN")
    words = [token.word for token in stream.tokens[stream.position :]]
    not_null = any(pair == ("NOT", "NULL") for pair in pairwise(words))
    if not_null and "DEFAULT" not in words:
        raise RedshiftError(
            "ALTER TABLE ADD COLUMN defined as NOT NULL must have a non-null default expression",
            code=NOT_SUPPORTED,
        )
    if {"UNIQUE", "PRIMARY", "REFERENCES", "DISTKEY", "SORTKEY", "IDENTITY"} & set(words):
        raise RedshiftError("ALTER TABLE ADD COLUMN takes no key and no IDENTITY", code=NOT_SUPPORTED)
    return Statement(f"ALTER TABLE {table} ADD COLUMN {_column(stream, table, Layout(), rewrite)}")


def _alter(stream: Stream, table: str) -> Statement:
    layout = Layout()
    note = "SELECT rs.change_layout($1::text::regclass, $2, $3)"
    if stream.accept("COLUMN"):
        column = stream.identifier()
        if stream.accept("ENCODE"):
            return Statement(PLACEHOLDER, tag="ALTER TABLE")
        stream.expect("TYPE")
        return _enlarge(stream, table, column)
    if stream.accept("DISTSTYLE"):
        layout.style = stream.accept_any("ALL", "EVEN", "AUTO", "KEY")
        if stream.accept("DISTKEY"):
            layout.style = f"KEY({stream.identifier()})"
        return Statement(PLACEHOLDER, after=((note, table, "style", layout.style),), tag="ALTER TABLE")
    if stream.accept("DISTKEY"):
        return Statement(PLACEHOLDER, after=((note, table, "style", f"KEY({stream.identifier()})"),), tag="ALTER TABLE")
    if stream.accept("ENCODE", "AUTO"):
        return Statement(PLACEHOLDER, tag="ALTER TABLE")
    keys = ",".join(_sort_key(stream))
    return Statement(PLACEHOLDER, after=((note, table, "sorting", keys),), tag="ALTER TABLE")


def _enlarge(stream: Stream, table: str, column: str) -> Statement:
    kind = read_type(stream, column)
    if not kind.sql.startswith("varchar"):
        raise RedshiftError("ALTER COLUMN TYPE changes the size of VARCHAR columns alone", code=NOT_SUPPORTED)
    length = kind.sql.removeprefix("varchar(").removesuffix(")")
    check = ("SELECT rs.check_enlarge($1::text::regclass, $2, $3::integer)", table, column, length)
    return Statement(
        f"ALTER TABLE {table} ALTER COLUMN {quote(column)} TYPE {kind.sql}",
        before=(check, *UNBIND_VIEWS),
        after=BIND_VIEWS,
        alone="ALTER TABLE ALTER COLUMN",
    )
