"""Checks of the servers themselves: states, replication, GTIDs, rest, retention, privileges, versions."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING

from livemove.migration.errant import classify
from livemove.migration.settings import Role
from livemove.mysql import replicate
from livemove.mysql.errors import ServerError
from livemove.mysql.procedures import choose, has
from livemove.mysql.replication import describe, remedy
from livemove.mysql.schema_checks import version_tuple
from livemove.rds import facts
from livemove.rds.states import Kind, Verdict, judge
from livemove.runbook.evidence import Check, ok, stop, warn

if TYPE_CHECKING:
    from livemove.migration.preflight import Side

RETENTION = "binlog retention hours"
PROBE = "livemove_probe"
# Shutdown, interrupted, gone away, lost, TLS cut off, disconnected by the server.
SESSION_ENDED = (1053, 1317, 2006, 2013, 2026, 4031)


def databases(side: Side) -> Iterator[Check]:
    """Every database is usable; the fallback is single-AZ until it serves."""
    bad = [
        f"{side.servers.title(role)} ({kind}) is {state}"
        for role, kind, state in _states(side)
        if judge(kind, state) is not Verdict.GOOD
    ]
    if bad:
        yield stop("databases", "; ".join(bad), "Wait until all are available, or mend them in the RDS console.")
    else:
        yield ok("databases", f"{', '.join(side.servers.title(role) for role in side.all)} are available")
    fallback = side.servers.describe(Role.FALLBACK) or {}
    if fallback.get("MultiAZ"):
        yield warn(
            "fallback's zones",
            f"{side.servers.title(Role.FALLBACK)} is Multi-AZ, which lags while it replicates",
            "Make it single-AZ (ModifyDBInstance) until after a fall back.",
        )


def _states(side: Side) -> Iterator[tuple[Role, Kind, str]]:
    for role in side.all:
        found, writer = side.servers.describe(role), side.servers.writer_instance(role)
        if role.is_cluster:
            yield role, Kind.CLUSTER, facts.state(Kind.CLUSTER, found) if found else "missing"
        yield role, Kind.INSTANCE, facts.state(Kind.INSTANCE, writer) if writer else "missing"


def replication(side: Side) -> Iterator[Check]:
    """Each server of the chain replicates from the one above it, and the first of them from none."""
    first = side.servers.hook(side.serving).status()
    if first is not None:
        yield stop(
            f"replication of {side.servers.title(side.serving)}",
            f"it serves, and replicates: {describe(first)}",
            "Is this the server that takes the writes? Reset its replication if so.",
        )
    for role in side.followers:
        name, status = f"replication of {side.servers.title(role)}", side.servers.hook(role).status()
        upstream = side.upstream(role)
        if status is None or upstream is None:
            yield stop(name, "it replicates from no server", "Run migration_prepare again.")
            continue
        host, port = side.servers.endpoint(upstream)
        if not status.running:
            advice = remedy(status) or "Start it: mysql.rds_start_replication."
            yield stop(name, describe(status), advice)
        elif not status.follows(host, port) and upstream is not Role.SOURCE:
            # Between 1 and 2 RDS manages the channel, and may use a name of its own for the source.
            yield stop(name, f"{describe(status)}, not from {host}:{port}", "Set the source anew.")
        else:
            yield ok(name, describe(status))


def gtids(side: Side) -> Iterator[Check]:
    """What a server has purged, the next one has executed; otherwise it could not go on from there."""
    gaps = []
    for above, below in zip(side.all, side.followers, strict=False):
        lost = side.servers.hook(above).purged() - side.servers.hook(below).executed()
        if lost:
            gaps.append(f"{side.servers.title(below)} lacks {lost}, which {side.servers.title(above)} has purged")
    if gaps:
        yield stop("GTIDs", "; ".join(gaps), "Build what lacks them anew: delete it with its snapshot, prepare again.")
        return
    serving = side.servers.hook(side.serving).executed()
    waiting = {role: serving - side.servers.hook(role).executed() for role in side.followers}
    shown = ", ".join(f"{role.value} lacks {found.count()}" for role, found in waiting.items())
    yield ok(
        "GTIDs", f"{side.servers.title(side.serving)} has executed {serving.count()}; {shown}, none of them purged"
    )


def errant(side: Side) -> Iterator[Check]:
    """Nothing but replication has written to the followers: what they committed by themselves is looked at."""
    serving = side.servers.hook(side.serving)
    bad: list[str] = []
    seen: list[str] = []
    for role in side.followers:
        hook = side.servers.hook(role)
        own = hook.executed().only(hook.server_uuid()) - serving.executed()
        found = classify(serving, hook, own)
        (bad if found.harmful else seen).append(f"{side.servers.title(role)}: {found.text()}")
    if bad:
        remedy = "Something wrote behind replication's back. Compare by checksum; build what differs anew."
        yield stop("transactions of the followers", "; ".join(bad), remedy)
    else:
        yield ok("transactions of the followers", "; ".join(seen))


def resting(side: Side) -> Iterator[Check]:
    """What does not serve is read_only and runs no events."""
    awake: list[str] = []
    unable: list[str] = []
    for role in side.followers:
        hook, name = side.servers.hook(role), side.servers.title(role)
        if str(hook.value("SELECT @@GLOBAL.event_scheduler")).upper() not in ("OFF", "DISABLED", "0"):
            awake.append(f"{name} runs events")
        if not hook.read_only():
            able = not role.is_cluster or has(hook.catalog(), "set_read_only")
            (awake if able else unable).append(f"{name} is not read_only")
    if awake:
        yield stop("rest", "; ".join(awake), "Run migration_prepare again: its step `rest` sees to it.")
    elif unable:
        yield warn("rest", "; ".join(unable), "This version has no procedure for it: let nobody have its address.")
    else:
        yield ok("rest", f"{', '.join(role.value for role in side.followers)} are read_only and run no events")


def retention(side: Side) -> Iterator[Check]:
    """Binary logs are kept for as long as the way back is open. Calling the procedure shows error 1267 as well."""
    window, short = side.settings.fallback_window_hours, []
    kept = {}
    for role in side.all:
        value = replicate.configuration(side.servers.hook(role)).get(RETENTION)
        kept[role] = f"{role.value} {value or 'unset'}"
        if value is None or int(value) < window:
            short.append(f"{side.servers.title(role)} keeps binary logs for {value or 'no'} hours")
    if short:
        remedy_text = f"Set 'binlog retention hours' to {window} or more: mysql.rds_set_configuration."
        yield stop("retention", f"{'; '.join(short)}; the window is {window} h", remedy_text)
    else:
        yield ok("retention", f"hours: {', '.join(kept.values())}; the window is {window}")


def privileges(side: Side) -> Iterator[Check]:
    """What the fence will do is done to a test account: create, grant, lock, end a session, unlock, drop."""
    serving = side.servers.hook(side.serving)
    name = f"{PROBE}_{secrets.token_hex(4)}"
    try:
        serving.execute("CREATE USER %s@'localhost' IDENTIFIED BY RANDOM PASSWORD ACCOUNT LOCK", (name,))
        serving.execute("ALTER USER %s@'localhost' ACCOUNT UNLOCK", (name,))
        serving.execute("ALTER USER %s@'localhost' ACCOUNT LOCK", (name,))
    finally:
        serving.execute("DROP USER IF EXISTS %s@'localhost'", (name,))
    _end_a_session(side)
    missing = [
        f"mysql.{action} on {side.servers.title(role)}"
        for role in side.followers
        for action in ("start", "stop", "reset", "skip_gtid")
        if not has(side.servers.hook(role).catalog(), action)
    ]
    if missing:
        yield stop(
            "privileges", f"not seen: {', '.join(missing)}", "GRANT EXECUTE on the schema mysql to the admin user."
        )
        return
    done = "an account was made, locked and dropped, a session ended"
    yield ok("privileges", f"{done} on {side.servers.title(side.serving)}; procedures are seen on the others")


def _end_a_session(side: Side) -> None:
    """End a session of our own by the way that the fence ends those of the writers."""
    victim, killer = side.servers.hook(side.serving), side.servers.hook(side.serving)
    try:
        with victim.connection():
            thread = int(victim.value("SELECT CONNECTION_ID()"))
            if has(killer.catalog(), "kill"):
                killer.run(choose(killer.catalog(), "kill", thread=thread))
            else:
                killer.execute("KILL %s", (thread,))
            victim.value("SELECT SLEEP(5)")
    except ServerError as error:
        if error.code not in SESSION_ENDED:
            raise
        return
    raise RuntimeError("a session of our own was ended, and went on")


def versions(side: Side) -> Iterator[Check]:
    """No server is older than one that it replicates from, or will."""
    found = {role: side.servers.hook(role).version() for role in side.all}
    shown = ", ".join(f"{role.value} {version}" for role, version in found.items())
    serving, following = version_tuple(found[side.serving])[:2], version_tuple(found[side.next])[:2]
    if following < serving:
        yield stop("versions", shown, f"Upgrade {side.servers.title(side.next)}: it is older than what serves now.")
    elif len({version_tuple(version)[:2] for version in found.values()}) > 1:
        yield warn("versions", shown, "Replication back to an older server may break on what only the newer one knows.")
    else:
        yield ok("versions", shown)
