"""Errors as Redshift words them."""

from __future__ import annotations

import re

SYNTAX_ERROR = "42601"
NOT_SUPPORTED = "0A000"
ACTIVE_TRANSACTION = "25001"
INTERNAL = "XX000"
DISK_FULL = "53100"

# Fields that clients of Redshift see: severity, code, message, detail, hint, position and where it was
# raised.
_KNOWN_FIELDS = ("S", "C", "M", "D", "H", "P", "F", "L", "R")


class RedshiftError(Exception):
    """A statement is refused as Redshift refuses it.

    :param message: the primary message.
    :param code: SQLSTATE.
    :param detail: the DETAIL line, if any.
    :param hint: the HINT line, if any.
    """

    def __init__(self, message: str, *, code: str, detail: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.detail = detail
        self.hint = hint

    def fields(self) -> dict[str, str]:
        """Return the fields of the ErrorResponse."""
        found = {"S": "ERROR", "C": self.code, "M": self.message}
        if self.detail:
            found["D"] = self.detail
        if self.hint:
            found["H"] = self.hint
        return found


def syntax_error(near: str) -> RedshiftError:
    """Return the error that the parser gives at a word it does not know in that place."""
    return RedshiftError(f'syntax error at or near "{near}"', code=SYNTAX_ERROR)


def unsupported_command(command: str) -> RedshiftError:
    """Return the error for a PostgreSQL command that Redshift does not have."""
    return RedshiftError(f'SQL command "{command}" not supported on Redshift tables.', code=NOT_SUPPORTED)


def not_supported(what: str) -> RedshiftError:
    """Return the error for a clause that Redshift does not have."""
    return RedshiftError(f"{what} is not supported", code=NOT_SUPPORTED)


def in_transaction(command: str) -> RedshiftError:
    """Return the error for a command that refuses to run in a transaction block."""
    return RedshiftError(f"{command} cannot run inside a transaction block", code=ACTIVE_TRANSACTION)


def internal(error: str, code: int, context: str, query: int) -> RedshiftError:
    """Return an error of the execution layer, whose detail is a framed block.

    :param error: name of the error, also its message, such as `Disk Full`.
    :param code: Redshift's own number for it.
    :param context: what happened.
    :param query: id of the query.
    """
    rule = "-" * 47
    lines = [
        "",
        rule,
        f"error:  {error}",
        f"code:      {code}",
        f"context:   {context}",
        f"query:     {query}",
    ]
    lines += ["location:  rehearsal", "process:   rehearsal [pid=0]", rule]
    sqlstate = DISK_FULL if code == 1016 else INTERNAL
    return RedshiftError(error, code=sqlstate, detail="\n  ".join(lines))


def translate(fields: dict[str, str], *, table_id: int = 0, pid: int = 0) -> dict[str, str]:
    """Return PostgreSQL's error fields in Redshift's words.

    :param fields: the fields of PostgreSQL's ErrorResponse.
    :param table_id: the table that the statement writes, 0 if it is not known.
    :param pid: the process that serves the session.
    """
    known = {key: fields[key] for key in _KNOWN_FIELDS if fields.get(key)}
    code, message = fields.get("C", ""), fields.get("M", "")
    if code == "40001":
        detail = f"Serializable isolation violation on table - {table_id}, transactions forming the cycle are: "
        known |= {
            "C": INTERNAL,
            "M": "1023",
            "D": f"{detail}{_transaction(fields)} (pid:{pid})",
            "R": "pg_throw",
        }
        known.pop("H", None)
    elif code == "28P01":
        known["C"] = "28000"
    elif code == "23502":
        found = re.search(r'column "([^"]+)"', message)
        known["M"] = f"Cannot insert a NULL value into column {found[1] if found else '?'}"
        known.pop("D", None)
    elif code == "21000" and message.startswith("MERGE command cannot affect row a second time"):
        known["M"] = "Found multiple matches to update the same tuple."
        known.pop("H", None)
    elif code == "23514" and fields.get("n", "").startswith("varbyte("):
        length = fields["n"].partition("(")[2].partition(")")[0]
        known |= {"C": "22001", "M": f"value too long for type binary varying({length})"}
        known.pop("D", None)
    return known


def _transaction(fields: dict[str, str]) -> str:
    found = re.search(r"\d+", fields.get("D", ""))
    return found[0] if found else "0"
