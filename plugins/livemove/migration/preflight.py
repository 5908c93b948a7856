"""The evidence for a cutover or a fall back: measured now, by using what will be used."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from typing import Literal, TypeAlias

from livemove.migration import account_copies, comparison, endpoint, preflight_data, preflight_servers, state
from livemove.migration.settings import MigrationSettings, Role
from livemove.migration.topology import Servers
from livemove.mysql import accounts, heartbeat, transactions
from livemove.mysql.credentials import Credentials
from livemove.runbook.errors import TryAgain
from livemove.runbook.evidence import Check, Evidence, ok, stop, warn

log = logging.getLogger(__name__)

Direction: TypeAlias = Literal["cutover", "fall_back", "afterwards"]
Looks: TypeAlias = "tuple[tuple[str, Callable[[Side], Iterable[Check]]], ...]"


class Side:
    """Who serves, who is to serve, and who follows in which order, for one direction.

    :param direction: `cutover`, `fall_back`, or `afterwards`: 4 serves, and nothing is to be moved.
    """

    def __init__(self, servers: Servers, direction: Direction) -> None:
        self.servers = servers
        self.settings = servers.settings
        self.direction = direction
        #: Along the chain, who serves first.
        self.all = _CHAINS[direction]
        self.serving = self.all[0]
        self.next = Role.TARGET if direction != "fall_back" else Role.FALLBACK

    @property
    def followers(self) -> tuple[Role, ...]:
        """All but the one that serves."""
        return self.all[1:]

    def upstream(self, role: Role) -> Role | None:
        """Who a role replicates from."""
        place = self.all.index(role)
        return self.all[place - 1] if place else None


_CHAINS: dict[str, tuple[Role, ...]] = {
    "cutover": (Role.SOURCE, Role.TARGET, Role.CDC, Role.FALLBACK),
    "fall_back": (Role.TARGET, Role.CDC, Role.FALLBACK),
    "afterwards": (Role.FALLBACK, Role.TARGET, Role.CDC),
}


def evidence(servers: Servers, settings: MigrationSettings, direction: Direction) -> Evidence:
    """Measure everything that decides whether the application can move.

    Writes heartbeats and a test account on the serving server, and the endpoint's present value over itself.

    :returns: all checks; what could not be looked at is one that forbids.
    """
    return gathered(Side(servers, direction), _LOOKS, direction)


def gathered(side: Side, looks: Looks, direction: str) -> Evidence:
    """Take looks one after the other."""
    checks: list[Check] = []
    for name, look in looks:
        checks += _looked(name, look, side)
    return Evidence(side.settings.name, direction, tuple(checks))


def _looked(name: str, look: Callable[[Side], Iterable[Check]], side: Side) -> list[Check]:
    """A look that fails is a check that forbids: what could not be seen is not good."""
    try:
        return list(look(side))
    except TryAgain as error:
        return [stop(name, f"could not be looked at: {error}", "Look again; if it stays so, mend what the text names.")]
    except Exception as error:
        log.info("%s could not be looked at", name, exc_info=True)
        text = " ".join(str(error).split()) or type(error).__name__
        return [stop(name, f"could not be looked at: {text}", "Mend what the text names, and look again.")]


def _outcome(side: Side) -> Iterator[Check]:
    wanted = "open" if side.direction == "cutover" else "cut_over"
    found = side.servers.outcome()
    entry = state.last(side.servers.hook(side.serving), side.settings.name, "prepared")
    if found != wanted:
        yield stop(
            "migration",
            f"is {found.replace('_', ' ')}",
            f"This needs one that is {wanted.replace('_', ' ')}: is it the right file?",
        )
    elif entry is None:
        yield stop("migration", "was not prepared", "Run migration_prepare to its end.")
    else:
        yield ok("migration", f"is {found.replace('_', ' ')}, prepared at {entry.at[:19]} UTC")
        yield _window(entry.detail.get("window_ends"))


def _window(ends: str | None) -> Check:
    remedy = "Build the fallback anew (delete it with its snapshot, run migration_prepare), or give up the way back."
    if not ends:
        return warn("window of the way back", "is not known", remedy)
    left = (datetime.fromisoformat(ends) - datetime.now(UTC)).total_seconds() / 3600
    figures = f"ends at {ends[:19]} UTC, {left:.1f} h left"
    if left <= 0:
        # Binary logs of that time are purged only where replication had stood still for as long.
        return warn("window of the way back", figures, remedy)
    return ok("window of the way back", figures)


def lag(side: Side) -> Iterator[Check]:
    """Beat on the serving server, and wait for the beat along the chain: never Seconds_Behind alone."""
    name, limit = side.settings.name, side.settings.limits.lag_seconds
    serving = side.servers.hook(side.serving)
    started = datetime.now(UTC)
    number = heartbeat.beat(serving, name)
    late = []
    for role in side.followers:
        left = max(0.0, limit - (datetime.now(UTC) - started).total_seconds())
        if not heartbeat.wait_seen(side.servers.hook(role), name, number, left, poll_seconds=0.05):
            behind = heartbeat.lag_seconds(serving, side.servers.hook(role), name)
            late.append(f"{side.servers.title(role)} is {'unknown' if behind is None else f'{behind:.1f} s'} behind")
    seconds = (datetime.now(UTC) - started).total_seconds()
    if late:
        remedy = "Wait until it has caught up, or find out why it lags (migration_watch has the course of it)."
        yield stop("heartbeat lag", f"more than {limit:g} s: {'; '.join(late)}", remedy)
    else:
        chain = " → ".join(role.value for role in side.all)
        yield ok("heartbeat lag", f"a row passed {chain} in {seconds:.2f} s (limit {limit:g} s)")


def _accounts(side: Side) -> Iterator[Check]:
    """Aurora does not replicate accounts: compare them by looking at both servers."""
    serving = side.servers.hook(side.serving)
    for role in dict.fromkeys((side.next, Role.FALLBACK)):
        unlike = account_copies.unlike(serving, side.servers.hook(role))
        name = f"accounts on {side.servers.title(role)}"
        if not unlike:
            yield ok(name, f"{len(account_copies.users(serving))} users and their grants are those of {serving.name}")
            continue
        shown = "; ".join(f"{each.account} {each.what}" for each in unlike[:5])
        more = f" and {len(unlike) - 5} more" if len(unlike) > 5 else ""
        remedy = "Run migration_prepare again: its step `settle` carries them over. Or create them by hand."
        found = {each.account.rpartition("@")[0].strip("'") for each in unlike}
        writers = sorted(found & set(side.settings.writers.users))
        yield (stop if writers and role == side.next else warn)(name, shown + more, remedy)


def _writers(side: Side) -> Iterator[Check]:
    """The fence locks the writers' accounts: they have to be there, and nobody else may write unseen."""
    hook = side.servers.hook(side.serving)
    wanted = side.settings.writers.users
    there = {each.user for each in accounts.accounts(hook, wanted)}
    if missing := sorted(set(wanted) - there):
        yield stop("writers", f"no account of {', '.join(missing)}", "Correct writers.users, or create the account.")
        return
    others = (
        set(account_copies.users(hook)) - set(wanted) - {Credentials.of(side.settings.mysql.replication_conn_id).login}
    )
    writing = sorted(user for user in others if _may_write(side, user))
    if writing:
        remedy = "The fence does not lock them. Add them to writers.users unless they never write to these schemas."
        yield warn("writers", f"{', '.join(wanted)} are locked; {', '.join(writing)} may write as well", remedy)
    else:
        yield ok("writers", f"{', '.join(wanted)}; no other account may write to {', '.join(side.settings.schemas)}")


_WRITES = ("INSERT", "UPDATE", "DELETE", "ALL PRIVILEGES", "CREATE", "DROP", "ALTER")


def _may_write(side: Side, user: str) -> bool:
    places = ["*.*", *(f"`{schema}`." for schema in side.settings.schemas)]
    for granted in accounts.read(side.servers.hook(side.serving), [user]).values():
        for statement in granted:
            what, _, where = statement.partition(" ON ")
            if any(where.startswith(place) for place in places) and any(word in what for word in _WRITES):
                return True
    return False


def _transactions(side: Side) -> Iterator[Check]:
    limit = side.settings.limits.idle_transaction_seconds
    found = transactions.open_transactions(side.servers.hook(side.serving))
    long = transactions.long(found, limit)
    remedy = "Let it end or end it: the fence would roll it back, and the time that takes counts."
    if long:
        yield stop("open transactions", "; ".join(str(each) for each in long[:5]), remedy)
    else:
        oldest = max((each.seconds for each in found), default=0)
        yield ok("open transactions", f"{len(found)}, the oldest for {oldest} s (limit {limit:g} s)")


def _endpoint(side: Side) -> Iterator[Check]:
    """The endpoint leads to the serving server, and may be written: its present value is written over itself."""
    mover = endpoint.mover_of(side.settings)
    found, wanted = mover.address(), side.servers.endpoint(side.serving)
    if found is not None and (found.host.lower(), found.port) != (wanted[0].lower(), wanted[1]):
        remedy = "Is this the right endpoint and the right server? Correct the file, or the endpoint."
        yield stop(
            "endpoint", f"leads to {found}, and {side.servers.title(side.serving)} is {wanted[0]}:{wanted[1]}", remedy
        )
        return
    mover.prove_writable()
    yield ok("endpoint", f"leads to {found} and may be changed" if found else "is moved by a person")


_LOOKS: Looks = (
    ("migration", _outcome),
    ("databases", preflight_servers.databases),
    ("replication", preflight_servers.replication),
    ("heartbeat lag", lag),
    ("GTIDs", preflight_servers.gtids),
    ("transactions of the followers", preflight_servers.errant),
    ("rest", preflight_servers.resting),
    ("retention", preflight_servers.retention),
    ("privileges", preflight_servers.privileges),
    ("versions", preflight_servers.versions),
    ("accounts", _accounts),
    ("writers", _writers),
    ("open transactions", _transactions),
    ("endpoint", _endpoint),
    ("definitions", preflight_data.definitions),
    ("parameters", preflight_data.variables),
    (comparison.NAME, comparison.look),
)
