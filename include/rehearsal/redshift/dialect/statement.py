"""What a client's statement becomes."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto

from .transfer import Copy, Unload


class Control(Enum):
    """What a statement does to the transaction."""

    NONE = auto()
    BEGIN = auto()
    END = auto()


@dataclass(frozen=True)
class Truncate:
    """TRUNCATE, which commits."""

    table: str


@dataclass(frozen=True)
class Append:
    """ALTER TABLE ... APPEND FROM, which moves all rows of `source` and commits."""

    table: str
    source: str


@dataclass(frozen=True)
class Vacuum:
    """VACUUM; no table means all of them.

    :param sorts: the form sorts rows.
    :param deletes: the form reclaims the space of deleted rows.
    :param threshold: per cent of rows that need no work, above which a phase is left out.
    """

    table: str | None
    sorts: bool
    deletes: bool
    threshold: int
    form: str


@dataclass(frozen=True)
class Analyze:
    """ANALYZE; no table means all of them."""

    table: str | None
    columns: tuple[str, ...] = ()


Special = Copy | Unload | Truncate | Append | Vacuum | Analyze


@dataclass(frozen=True)
class Statement:
    """A statement in PostgreSQL's words, and what the session must do around it.

    :param sql: what PostgreSQL runs; for a special statement only a placeholder that it prepares.
    :param special: what the session runs itself instead of `sql`.
    :param control: what the statement does to the transaction.
    :param writes: tables to lock before, in PostgreSQL's quotes.
    :param before: statements of our own to run first in the same transaction.
    :param after: statements of our own to run afterwards in the same transaction, with their parameters.
    :param counts: the table whose rows the statement changes, for the bookkeeping of VACUUM and ANALYZE.
    :param tag: the command tag, if it differs from PostgreSQL's.
    :param alone: name of a command that refuses to run in a transaction block.
    :param follow_up: statements to run in the same transaction when `sql` is done, as a part of it.
    """

    sql: str
    special: Special | None = None
    control: Control = Control.NONE
    writes: tuple[str, ...] = ()
    before: tuple[tuple[str, ...], ...] = ()
    after: tuple[tuple[str, ...], ...] = ()
    counts: str | None = None
    tag: str | None = None
    alone: str | None = None
    follow_up: tuple[str, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)


# Prepared in place of a special statement: it returns no rows and takes no lock.
PLACEHOLDER = "SET rehearsal.placeholder = ''"
