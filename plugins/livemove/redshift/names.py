"""Identifiers: how they are quoted for MySQL and Redshift, and what Redshift makes of them."""

from __future__ import annotations

from livemove.runbook.errors import NeedsPerson

MAX_REDSHIFT_NAME_BYTES = 127


def mysql(*parts: str) -> str:
    """Return a quoted MySQL name: `` `flights`.`order` ``."""
    return ".".join("`" + part.replace("`", "``") + "`" for part in parts)


def redshift(*parts: str) -> str:
    """Return a quoted Redshift name: `"flights"."order"`."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def literal(value: str) -> str:
    """Return a string as an SQL literal, for the few places where no value can be bound (COPY, DDL).

    Backslashes are doubled too, as Redshift reads them as escapes.
    """
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def folded(name: str) -> str:
    """Return the name as Redshift stores it: ASCII letters in lower case, quoted or not (guide, r_names)."""
    return "".join(letter.lower() if letter.isascii() else letter for letter in name)


def in_redshift(name: str, *, where: str) -> str:
    """Return the name as Redshift stores it, if it does.

    :param where: the place to name in the error, such as `tables.orders`.
    :raises NeedsPerson: the name is longer than Redshift takes (127 bytes of UTF-8).
    """
    stored = folded(name)
    size = len(stored.encode())
    if size > MAX_REDSHIFT_NAME_BYTES:
        raise NeedsPerson(
            f"{where}: the name {name!r} has {size} bytes, Redshift takes {MAX_REDSHIFT_NAME_BYTES}. "
            "Give it a shorter one: `target` for a table, `rename` for a column."
        )
    return stored
