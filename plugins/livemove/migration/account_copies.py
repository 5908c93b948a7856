"""Carry accounts over to a server that replication does not bring them to, passwords as hashes."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Sequence

from livemove.mysql.accounts import Account, Difference, differences, read
from livemove.mysql.credentials import struck_out
from livemove.mysql.errors import ServerError
from livemove.mysql.hook import RdsMySqlHook
from livemove.runbook.errors import NeedsPerson

log = logging.getLogger(__name__)

# What RDS and Aurora bring themselves (RDS User Guide, "Master user account privileges"); roles of Aurora's features.
_RESERVED = re.compile(r"(rds.*|mysql\..*|AWS_.*|root|)\Z", re.IGNORECASE)
_HASH = re.compile(r"\bAS (0x[0-9A-Fa-f]+|'(?:[^'\\]|\\.|'')*')")


def users(hook: RdsMySqlHook) -> list[str]:
    """The users of a server that are nobody's but its owner's: neither RDS's own nor the master user."""
    me = str(hook.value("SELECT CURRENT_USER()")).rpartition("@")[0]
    rows = hook.rows("SELECT DISTINCT user AS user FROM mysql.user ORDER BY user")
    return [name for row in rows if (name := _text(row["user"])) != me and not _RESERVED.match(name)]


def unlike(source: RdsMySqlHook, replica: RdsMySqlHook, only: Sequence[str] | None = None) -> list[Difference]:
    """Where the accounts of two servers differ, less those that only the replica has.

    :param only: users to look at; by default all of the source's.
    """
    chosen = list(only) if only is not None else users(source)
    return differences(read(source, chosen), read(replica, chosen), (source.name, replica.name))


def copy(source: RdsMySqlHook, replica: RdsMySqlHook, only: Sequence[str] | None = None) -> list[str]:
    """Make the accounts of a replica what those of the source are: create, alter and grant what is missing.

    What the replica has beyond that is left alone and told in the log.

    :param only: users to copy; by default all of the source's.
    :returns: the accounts that were changed.
    :raises NeedsPerson: the replica refuses a privilege or a plugin.
    """
    chosen = list(only) if only is not None else users(source)
    theirs, ours = read(source, chosen), read(replica, chosen)
    names = (source.name, replica.name)
    affected = sorted({each.account for each in differences(theirs, ours, names)})
    changed = []
    with replica.connection():
        for account in sorted(theirs):
            if str(account) in affected:
                _carry(source, replica, account, theirs[account], there=account in ours)
                changed.append(str(account))
    for left in unlike(source, replica, chosen):
        log.warning("Accounts still differ: %s %s.", left.account, left.what)
    return changed


def _carry(
    source: RdsMySqlHook, replica: RdsMySqlHook, account: Account, grants: Iterable[str], *, there: bool
) -> None:
    with source.connection():
        # Hashes hold any byte; as hexadecimal digits they survive.
        source.execute("SET SESSION print_identified_with_as_hex = ON")
        made = _text(source.value("SHOW CREATE USER %s@%s", (account.user, account.host)))
    # Written to the binary log: a replica further on may have the account already.
    verb = "ALTER USER" if there else "CREATE USER IF NOT EXISTS"
    for statement in (made.replace("CREATE USER", verb, 1), *grants):
        _run(replica, account, statement)
    log.info("%s: %s is as on %s.", replica.name, account, source.name)


def _run(replica: RdsMySqlHook, account: Account, statement: str) -> None:
    try:
        # Without values, percent signs of the statement are text.
        replica.execute(statement)
    except ServerError as error:
        hashes = tuple(found[1] for found in _HASH.finditer(statement))
        kind = statement.split(" ", 1)[0]
        raise NeedsPerson(
            f"{replica.name}: {kind} for {account} was refused: {struck_out(str(error), hashes)} Create the account "
            "there by hand, with what this engine offers in place of it, and run this again."
        ) from None


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
