"""What MySQL's errors mean for a run: a person, another attempt, or neither is known."""

from __future__ import annotations

from livemove.runbook.errors import NeedsPerson, TryAgain


class ServerError(Exception):
    """MySQL refused a statement for a reason that neither a retry nor known advice heals.

    :param code: MySQL's error number; 1644 is a procedure's own refusal.
    """

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class Refused(NeedsPerson, ServerError):  # noqa: N818 - it reads as what it says
    """MySQL refuses what no retry heals; the message holds the remedy."""

    def __init__(self, message: str, code: int) -> None:
        ServerError.__init__(self, message, code)


class Unreachable(TryAgain, ServerError):  # noqa: N818
    """The server does not answer now, or gave way to another session: the statement may be sent again."""

    def __init__(self, message: str, code: int) -> None:
        ServerError.__init__(self, message, code)


# Server error reference: connections, deadlocks, lock time-outs, shutdowns, killed statements.
PASSING = frozenset({
    1040, 1053, 1077, 1152, 1158, 1159, 1160, 1161, 1180, 1184, 1203, 1205, 1213, 1226, 1317, 1927, 2002, 2003, 2005,
    2006, 2013, 2055, 3024, 3168, 3572, 4031,
})  # fmt: skip
# TLS reports a peer that went away as an error of its own.
_TLS_ERROR = 2026
_GONE = ("eof", "reset by peer", "broken pipe", "closed", "timed out", "shutdown")
_GRANTS = "Grant the privilege to this user; see include/sql/grants_for_migration.sql."
REMEDIES = {
    1044: _GRANTS,
    1045: "Correct the login or password of the connection.",
    1049: "Correct the name of the database, or create it.",
    1130: "Let the user log in from this address: the host part of the account does not match.",
    1142: _GRANTS,
    1143: _GRANTS,
    1146: "Correct the name of the table, or create it.",
    1193: "This version of MySQL does not have the variable.",
    1227: _GRANTS + " What needs SUPER is not granted on RDS: there is a procedure mysql.rds_… for it.",
    1267: (
        "Procedures of instances that were upgraded over many years mix collations: ask AWS Support to repair the "
        "procedure; nobody else can."
    ),
    1290: "The server is read_only: it does not take writes now. Is it the right one of the migration?",
    1305: "The server lacks this procedure: is it RDS or Aurora MySQL, of a version that has it?",
    1318: "The procedure takes another number of arguments on this version.",
    1370: "Grant EXECUTE on the procedure to this user; see include/sql/grants_for_migration.sql.",
    1396: "Is the account there?",
    1694: "The session's autocommit must be on.",
    1774: "Give a single GTID, `uuid:n`, no range.",
    1820: "The password of this user has expired: set it.",
    1836: "The server is in read-only mode.",
    1862: "The password of this user has expired: set it.",
    2026: (
        "TLS failed. Correct `ssl` or `ssl_mode` in the connection's extra; "
        '{"ssl_mode": "DISABLED"} switches TLS off, if you must.'
    ),
    2059: "This client cannot log in by the account's method: use caching_sha2_password or mysql_native_password.",
    2061: "Logging in by caching_sha2_password needs TLS: leave ssl_mode at REQUIRED.",
    3056: "MySQL takes at most 32 characters for the password of a replication user: give it a shorter one.",
    3118: "The account is locked: ALTER USER … ACCOUNT UNLOCK.",
    3159: "The server wants TLS: leave ssl_mode at REQUIRED.",
}


def explained(name: str, code: int, text: str) -> ServerError:
    """Make the error to raise of MySQL's.

    :param name: the server, as people call it.
    :param text: MySQL's message, without secrets.
    """
    if code in PASSING or (code == _TLS_ERROR and any(word in text.lower() for word in _GONE)):
        return Unreachable(f"{name}: MySQL error {code}: {text}", code)
    if code in REMEDIES:
        return Refused(f"{name}: MySQL refuses: {text} (error {code}). {REMEDIES[code]}", code)
    return ServerError(f"{name}: MySQL error {code}: {text}", code)
