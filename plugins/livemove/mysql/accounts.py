"""Accounts: who may log in, with which grants, and how writers are locked out.

Aurora discards account statements that arrive by replication, so accounts are compared between servers, and a
fence locks them on each server by itself.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from livemove.mysql.credentials import Secret
from livemove.mysql.errors import ServerError
from livemove.mysql.hook import RdsMySqlHook
from livemove.mysql.procedures import choose, has

_NO_SUCH_THREAD = 1094
_NO_SUCH_GRANT = 1141
_DENIED = (1044, 1095, 1142, 1227)
POLL_SECONDS = 0.05


@dataclass(frozen=True, order=True)
class Account:
    """A user at a host, as the server knows it.

    :param credential: fingerprint of what it logs in by; equal on two servers if the password is.
    """

    user: str
    host: str
    locked: bool = field(default=False, compare=False)
    plugin: str = field(default="", compare=False)
    credential: str = field(default="", compare=False, repr=False)
    tls: str = field(default="", compare=False)

    def __str__(self) -> str:
        return f"'{self.user}'@'{self.host}'"


@dataclass(frozen=True)
class Difference:
    """One thing about an account that two servers do not agree on.

    :param account: such as `'app'@'%'`.
    :param what: in words, with both sides' values.
    """

    account: str
    what: str


def accounts(hook: RdsMySqlHook, users: Iterable[str]) -> list[Account]:
    """The accounts of these users, at whatever hosts they have, sorted.

    :raises NeedsPerson: this user may not read `mysql.user`.
    """
    wanted = tuple(users)
    if not wanted:
        return []
    rows = hook.rows(
        "SELECT user AS user, host AS host, account_locked AS locked, plugin AS plugin, ssl_type AS tls, "
        "SHA2(authentication_string, 256) AS credential FROM mysql.user WHERE user IN %s ORDER BY user, host",
        (wanted,),
    )
    return [_account(row) for row in rows]


def _account(row: Mapping[str, Any]) -> Account:
    text = {key: _text(value) for key, value in row.items()}
    return Account(text["user"], text["host"], text["locked"] == "Y", text["plugin"], text["credential"], text["tls"])


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value or "")


def grants(hook: RdsMySqlHook, account: Account) -> tuple[str, ...]:
    """What SHOW GRANTS says of an account, sorted; () if it is not there."""
    try:
        rows = hook.rows("SHOW GRANTS FOR %s@%s", (account.user, account.host))
    except ServerError as error:
        if error.code != _NO_SUCH_GRANT:
            raise
        return ()
    return tuple(sorted(_text(next(iter(row.values()))) for row in rows))


def lock(hook: RdsMySqlHook, chosen: Iterable[Account]) -> list[Account]:
    """Lock accounts, so that nobody logs in by them any more; sessions that are open go on: see `end_sessions`.

    :returns: those that were not locked before.
    """
    return _locked(hook, chosen, wanted=True)


def unlock(hook: RdsMySqlHook, chosen: Iterable[Account]) -> list[Account]:
    """Unlock accounts.

    :returns: those that were locked before.
    """
    return _locked(hook, chosen, wanted=False)


def lock_statement(account: Account, locked: bool) -> str:
    """The statement that locks or unlocks an account, for plans; `lock` binds its values."""
    return f"ALTER USER {account} ACCOUNT {'LOCK' if locked else 'UNLOCK'}"


def _locked(hook: RdsMySqlHook, chosen: Iterable[Account], *, wanted: bool) -> list[Account]:
    listed = sorted(set(chosen))
    with hook.connection():
        now = {each: each.locked for each in accounts(hook, {each.user for each in listed})}
        changed = [each for each in listed if now.get(each) is not wanted]
        for each in changed:
            hook.execute(f"ALTER USER %s@%s ACCOUNT {'LOCK' if wanted else 'UNLOCK'}", (each.user, each.host))
    return changed


def end_sessions(hook: RdsMySqlHook, users: Iterable[str], seconds: float = 10) -> int:
    """End the sessions of users, and wait until none is left: what they had open is rolled back by then.

    By `mysql.rds_kill` where the server has it, as RDS's master user may not KILL sessions of others.

    :param users: the writers; this connection's own user is refused.
    :param seconds: how long their transactions may take to be rolled back.
    :returns: how many were ended.
    :raises TryAgain: some are still there after that time.
    """
    wanted = tuple(users)
    ended: set[int] = set()
    ends = time.monotonic() + seconds
    with hook.connection():
        kill = choose(hook.catalog(), "kill", thread=0).procedure if has(hook.catalog(), "kill") else None
        while threads := _sessions(hook, wanted):
            for thread in threads:
                _kill(hook, kill, thread)
                ended.add(thread)
            if time.monotonic() > ends:
                from livemove.runbook.errors import TryAgain

                raise TryAgain(
                    f"{hook.name}: sessions {sorted(threads)} of {', '.join(wanted)} have not ended after "
                    f"{seconds:.0f} s; a large transaction may be rolling back."
                )
            time.sleep(POLL_SECONDS)
    return len(ended)


def _sessions(hook: RdsMySqlHook, users: Sequence[str]) -> set[int]:
    if not users:
        return set()
    rows = hook.rows(
        "SELECT id AS id FROM information_schema.processlist WHERE user IN %s AND id <> CONNECTION_ID()", (users,)
    )
    return {int(row["id"]) for row in rows}


def _kill(hook: RdsMySqlHook, procedure: str | None, thread: int) -> None:
    try:
        if procedure:
            hook.call(procedure, thread)
        else:
            hook.execute("KILL %s", (thread,))
    except ServerError as error:
        # It has ended by itself.
        if error.code != _NO_SUCH_THREAD:
            raise


def read(hook: RdsMySqlHook, users: Iterable[str]) -> dict[Account, tuple[str, ...]]:
    """The accounts of users with their grants, for `differences`."""
    with hook.connection():
        return {each: grants(hook, each) for each in accounts(hook, users)}


def differences(
    a: Mapping[Account, Sequence[str]],
    b: Mapping[Account, Sequence[str]],
    names: tuple[str, str] = ("source", "target"),
) -> list[Difference]:
    """Compare the accounts of two servers: which exist, how they log in, what they may. Pure.

    Whether an account is locked is left out, as a fence changes it on purpose. A password that was set on two
    servers one after the other has another salt by caching_sha2_password, and so seems to differ: its hash must be
    carried over (SHOW CREATE USER).

    :param a: what `read` gives for one server.
    :param names: how both are called in the answer.
    """
    first, second = names
    found = [Difference(str(each), f"is on {first} and not on {second}") for each in sorted(a.keys() - b.keys())]
    found += [Difference(str(each), f"is on {second} and not on {first}") for each in sorted(b.keys() - a.keys())]
    twins = {each: each for each in b}
    # Not `a.keys() & b.keys()`: that may hold b's accounts, which equal a's whatever their password is.
    for mine in sorted(each for each in a if each in twins):
        theirs = twins[mine]
        found += [Difference(str(mine), what) for what in _unlike(mine, theirs, first, second)]
        lacking, more = _privileges(a[mine]) - _privileges(b[theirs]), _privileges(b[theirs]) - _privileges(a[mine])
        found += [Difference(str(mine), f"{first} grants {each}, {second} does not") for each in sorted(lacking)]
        found += [Difference(str(mine), f"{second} grants {each}, {first} does not") for each in sorted(more)]
    return found


def _unlike(mine: Account, theirs: Account, first: str, second: str) -> list[str]:
    if mine.plugin != theirs.plugin:
        return [f"logs in by {mine.plugin} on {first} and by {theirs.plugin} on {second}"]
    found = []
    if mine.credential != theirs.credential:
        found.append(f"has another password on {first} than on {second} (or the same with another salt)")
    if mine.tls != theirs.tls:
        found.append(f"needs TLS {mine.tls or 'NONE'} on {first} and {theirs.tls or 'NONE'} on {second}")
    return found


def _privileges(statements: Iterable[str]) -> set[str]:
    """Each single privilege of GRANT statements, as the order and grouping are the version's own."""
    found = set()
    for statement in statements:
        match = re.fullmatch(r"GRANT (.+?) ON (.+) TO (?:`|').+", statement)
        option = " WITH GRANT OPTION" if statement.endswith("WITH GRANT OPTION") else ""
        if match:
            names = re.split(r",\s*(?![^(]*\))", match[1])
            found |= {f"{name} ON {match[2]}{option}" for name in names if name != "USAGE"}
        else:
            found.add(statement)
    return found


def secret_of(password: str) -> Secret:
    """A password as a value of a statement, struck out of errors."""
    return Secret(password)
