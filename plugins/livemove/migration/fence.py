"""The fence: no application writes on a server. Events are off, writers' accounts locked, their sessions ended.

What was open is looked at first and recorded, so that exactly this is opened again, by whoever does it and however
often. Both ways ask the server what is still to do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from livemove.mysql.names import quoted
from livemove.runbook.errors import NeedsPerson, TryAgain

POLL_SECONDS = 0.05
# Set by ALTER EVENT … DISABLE; a replica shows replicated events as SLAVESIDE_DISABLED or REPLICA_SIDE_DISABLED.
ENABLED = "ENABLED"


class Server(Protocol):
    """What the fence needs of a server: a `Line` or an `RdsMySqlHook`."""

    @property
    def name(self) -> str:
        """How messages call it."""

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Run a query."""

    def execute(self, sql: str, params: Sequence[Any] = ()) -> Any:
        """Run a statement."""


class Account(NamedTuple):
    """A MySQL account."""

    user: str
    host: str

    def __str__(self) -> str:
        return f"{_text(self.user)}@{_text(self.host)}"


class Event(NamedTuple):
    """A scheduled event.

    :ivar definer: `user@host`. ALTER EVENT without it makes whoever runs it the definer.
    """

    schema: str
    name: str
    definer: str

    def statement(self, state: str) -> str:
        """The statement that enables or disables it."""
        user, _, host = self.definer.rpartition("@")
        return f"ALTER DEFINER = {Account(user, host)} EVENT {quoted(self.schema, self.name)} {state}"


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


@dataclass(frozen=True)
class Opening:
    """What of a server is open to its application: what a fence shuts, and what has to be opened again.

    :ivar accounts: writers' accounts that are not locked.
    :ivar events: events that are enabled.
    """

    accounts: tuple[Account, ...] = ()
    events: tuple[Event, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """For the journal."""
        return {"accounts": [list(each) for each in self.accounts], "events": [list(each) for each in self.events]}

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Opening:
        """What `as_json` made."""
        accounts = tuple(Account(*each) for each in given["accounts"])
        return cls(accounts, tuple(Event(*each) for each in given["events"]))

    def shut_statements(self) -> list[str]:
        """What shuts it, in order."""
        return [
            *(event.statement("DISABLE") for event in self.events),
            *(f"ALTER USER {account} ACCOUNT LOCK" for account in self.accounts),
        ]

    def open_statements(self) -> list[str]:
        """What opens it, in order: writes come back first."""
        return [
            *(f"ALTER USER {account} ACCOUNT UNLOCK" for account in self.accounts),
            *(event.statement("ENABLE") for event in self.events),
        ]


def look(server: Server, users: Iterable[str]) -> Opening:
    """What is open now: unlocked accounts of these users, at all of their hosts, and enabled events of all schemas."""
    accounts = tuple(account for account, locked in _accounts(server, users).items() if not locked)
    events = tuple(event for event, status in _events(server).items() if status == ENABLED)
    return Opening(accounts, events)


def _accounts(server: Server, users: Iterable[str]) -> dict[Account, bool]:
    rows = server.rows(
        "SELECT user AS u, host AS h, account_locked = 'Y' AS locked FROM mysql.user WHERE user IN %s ORDER BY 1, 2",
        (tuple(users),),
    )
    return {Account(_str(row["u"]), _str(row["h"])): bool(row["locked"]) for row in rows}


def _events(server: Server) -> dict[Event, str]:
    # Lower-case names: the server's own spelling of these columns differs between versions.
    rows = server.rows(
        "SELECT event_schema AS s, event_name AS n, definer AS d, status AS st FROM information_schema.events "
        "WHERE event_schema NOT IN ('mysql', 'sys') ORDER BY 1, 2"
    )
    return {Event(_str(r["s"]), _str(r["n"]), _str(r["d"])): _str(r["st"]).upper() for r in rows}


def _str(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def shut(
    server: Server, opening: Opening, users: Sequence[str], *, until: float, passing: Callable[[str], None]
) -> None:
    """Shut what is open and wait until no session of these users is left.

    :param until: `time.monotonic()` at which to give up.
    :param passing: called before each statement and while waiting, with what is done; may raise to stop.
    :raises TryAgain: sessions were left when the time was up.
    :raises NeedsPerson: a prepared XA transaction of anybody is left, which could be committed at any time later.
    """
    for statement in opening.shut_statements():
        passing(statement)
        server.execute(statement)
    while found := sessions(server, users, opening.events):
        passing(f"ending {len(found)} sessions of {', '.join(users)}")
        for thread in found:
            _kill(server, thread)
        if time.monotonic() > until:
            raise TryAgain(f"{server.name}: {len(found)} sessions of {', '.join(users)} do not end (threads {found}).")
        time.sleep(POLL_SECONDS)
    if prepared := server.rows("XA RECOVER"):
        raise NeedsPerson(
            f"{server.name}: {len(prepared)} prepared XA transactions are left, which may be committed at any time. "
            "End them (XA RECOVER lists them) before the cutover."
        )


def sessions(server: Server, users: Sequence[str], events: Iterable[Event] = ()) -> list[int]:
    """Threads of these users, and of events that still run (their thread has no host)."""
    definers = {event.definer.rpartition("@")[0] for event in events}
    rows = server.rows("SELECT id, user AS u, host AS h, command AS c FROM information_schema.processlist")
    found = []
    for row in rows:
        user, host, command = _str(row["u"]), _str(row["h"] or ""), _str(row["c"])
        if user in users or (user in definers and command == "Connect" and host in ("", "localhost")):
            found.append(int(row["id"]))
    return found


def _kill(server: Server, thread: int) -> None:
    from livemove.mysql.errors import ServerError

    try:
        # RDS's master user may not KILL what is another user's; the procedure is on RDS and Aurora alike.
        server.execute("CALL mysql.rds_kill(%s)", (thread,))
    except ServerError as error:
        # It has ended by itself.
        if error.code != 1094:
            raise


def open_again(server: Server, opening: Opening) -> list[str]:
    """Open what was open, and return the statements that were needed. What is open already is left alone.

    :raises NeedsPerson: an account or event is not there.
    """
    accounts, events = _accounts(server, {a.user for a in opening.accounts} or {""}), _events(server)
    if missing := [str(account) for account in opening.accounts if account not in accounts]:
        raise NeedsPerson(f"{server.name}: account {missing[0]} is not there. Create it with its grants, unlocked.")
    states = {(event.schema, event.name): status for event, status in events.items()}
    wanted = Opening(
        tuple(account for account in opening.accounts if accounts[account]),
        tuple(e for e in opening.events if states.get((e.schema, e.name), "") not in ("", ENABLED)),
    )
    done = []
    for statement in wanted.open_statements():
        server.execute(statement)
        done.append(statement)
    if lost := [f"{e.schema}.{e.name}" for e in opening.events if (e.schema, e.name) not in states]:
        raise NeedsPerson(f"{server.name}: event {lost[0]} is not there. Create it, enabled.")
    return done


def is_shut(server: Server, users: Iterable[str]) -> bool:
    """Whether no account of these users can log in."""
    return all(_accounts(server, users).values())
