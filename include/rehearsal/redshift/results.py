"""Results as Redshift's wire format has them."""

from __future__ import annotations

import struct

from .wire import pack_row, unpack_row

_JSONB, _BYTEA = 3802, 17
_SUPER, _VARBYTE = 4000, 6551


def describe(body: bytes) -> tuple[bytes, frozenset[int]]:
    """Give SUPER and VARBYTE columns of a RowDescription the type numbers that Redshift gives them.

    :returns: the body, and the positions of the VARBYTE columns.
    """
    (count,) = struct.unpack_from("!H", body)
    changed = bytearray(body)
    position = 2
    varbytes = set()
    for index in range(count):
        position = body.index(b"\0", position) + 1
        (kind,) = struct.unpack_from("!I", body, position + 6)
        if kind == _JSONB:
            struct.pack_into("!I", changed, position + 6, _SUPER)
        elif kind == _BYTEA:
            struct.pack_into("!I", changed, position + 6, _VARBYTE)
            varbytes.add(index)
        position += 18
    return bytes(changed), frozenset(varbytes)


def hexadecimal(body: bytes, varbytes: frozenset[int], *, twice: bool) -> bytes:
    r"""Write the VARBYTE values of a DataRow as Redshift does: in hexadecimal, without PostgreSQL's `\x`.

    :param varbytes: positions of these values.
    :param twice: for redshift_connector, which undoes one hexadecimal coding under the protocol version that
        the stand-in speaks, and none under Redshift's own; so users of both see the same text.
    """
    values = unpack_row(body)
    for index in varbytes:
        value = values[index]
        if value is not None:
            plain = value.removeprefix(rb"\x")
            values[index] = plain.hex().encode() if twice else plain
    return pack_row(values)


def command_tag(tag: str) -> str:
    """Return PostgreSQL's command tag as Redshift writes it: SELECT has no count (as in PostgreSQL 8.0)."""
    return "SELECT" if tag.startswith("SELECT") else tag


def changed_rows(tag: str) -> int:
    """Return the count in a command tag, 0 if there is none."""
    last = tag.rsplit(" ", 1)[-1]
    return int(last) if last.isdigit() else 0
