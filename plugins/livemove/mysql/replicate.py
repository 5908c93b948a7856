"""Steps that change how a server replicates: each looks first, does what is missing, and proves it by the status.

A procedure's message proves nothing: a failed start is a row on some versions and error 1644 on others.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from livemove.mysql.credentials import Credentials, Secret
from livemove.mysql.errors import ServerError
from livemove.mysql.gtid import GtidRange, GtidSet
from livemove.mysql.hook import RdsMySqlHook
from livemove.mysql.procedures import choose, has
from livemove.mysql.replication import ReplicaStatus, ReplicationBroken, describe
from livemove.runbook.errors import NeedsPerson, TryAgain

__all__ = [
    "Credentials", "configuration", "purge_gtids", "reset", "set_configuration", "set_read_only", "set_source",
    "skip_error", "skip_gtid", "start", "start_until", "stop",
]  # fmt: skip

log = logging.getLogger(__name__)
POLL_SECONDS = 0.2
# A thread may start and stop at once, as when the source has purged what is needed.
SETTLE_SECONDS = 1.0
SIGNALLED = 1644
SINGLE_GTIDS = 10_000


def set_source(
    hook: RdsMySqlHook,
    *,
    host: str,
    port: int,
    replication: Credentials,
    auto_position: bool = True,
    ssl: bool = True,
    file: str | None = None,
    position: int | None = None,
) -> None:
    """Make a server a replica of another, without starting it; nothing to do if it replicates from it already.

    A replica of the same source that has stopped or is broken is configured anew, as the password may have changed.

    :param hook: the replica.
    :param host: of the source.
    :param replication: the user that the replica logs in as there.
    :param auto_position: by GTID; otherwise from `file` and `position`.
    :param ssl: use TLS; a user of caching_sha2_password cannot log in without for long.
    :param file: the source's binary log, such as `mysql-bin-changelog.000118`.
    :param position: in that file.
    :raises NeedsPerson: it replicates from another server; or the procedure refuses.
    """
    if not auto_position and (not file or position is None):
        raise NeedsPerson(f"{hook.name}: to replicate by position, give the binary log's file and the position.")
    status = hook.status()
    if status and not _may_be_set(hook, status, host, port, auto_position):
        return
    values = {
        "host": host,
        "port": port,
        "user": replication.login,
        "password": Secret(replication.password),
        "ssl": int(ssl),
    }
    if auto_position:
        call = choose(hook.catalog(), "set_source_auto_position", **values)
    else:
        call = choose(hook.catalog(), "set_source", **values, file=file, position=position)
    refusal = _tried(lambda: hook.run(call))
    if ssl and "ssl" not in call.layout:
        hook.run(choose(hook.catalog(), "set_source_ssl", mode=1))
    status = hook.status()
    if status is None or not status.follows(host, port) or status.auto_position != auto_position:
        told = describe(status) if status else "it has no source"
        raise NeedsPerson(f"{hook.name}: {call.text()} had no effect: {refusal or 'it says nothing'}; {told}.")
    if refusal:
        raise NeedsPerson(f"{hook.name}: {call.text()} was refused: {refusal}")
    log.info("%s: %s", hook.name, describe(status))


def _may_be_set(hook: RdsMySqlHook, status: ReplicaStatus, host: str, port: int, auto_position: bool) -> bool:
    """Whether the source still has to be set; stops a replica of the same source that is broken."""
    same = status.follows(host, port) and status.auto_position == auto_position
    if same and status.running:
        log.info("%s already replicates from %s:%s.", hook.name, host, port)
        return False
    if not status.stopped:
        if not status.follows(host, port):
            raise NeedsPerson(
                f"{hook.name} replicates from {status.source_host}:{status.source_port}, not from {host}:{port}. "
                "Stop and reset its replication first, if that is meant."
            )
        stop(hook)
    return True


def start(hook: RdsMySqlHook, seconds: float = 60) -> ReplicaStatus:
    """Start replication and wait until both threads run, and go on running.

    :param seconds: how long they may take.
    :raises ReplicationBroken: a thread stopped with an error, or they did not both run in time.
    """
    ends = time.monotonic() + seconds
    status = _configured(hook)
    if status.running:
        log.info("%s already replicates: %s.", hook.name, describe(status))
        return status
    if not status.stopped:
        # The procedure takes a replica of which one thread has stopped for one that runs.
        stop(hook)
    refusal = _tried(lambda: hook.run(choose(hook.catalog(), "start")))
    return _await_running(hook, ends, seconds, refusal)


def _await_running(hook: RdsMySqlHook, ends: float, seconds: float, refusal: str) -> ReplicaStatus:
    since: float | None = None
    while True:
        status = hook.status()
        now = time.monotonic()
        if status is None or status.broken:
            raise ReplicationBroken(hook.name, status, refusal)
        since = (since or now) if status.running else None
        if since is not None and now - since >= SETTLE_SECONDS:
            log.info("%s: %s.", hook.name, describe(status))
            return status
        if now > ends and not status.running:
            raise ReplicationBroken(hook.name, status, f"not running after {seconds:.0f} s{_because(refusal)}")
        time.sleep(POLL_SECONDS)


def start_until(hook: RdsMySqlHook, gtid: str) -> None:
    """Start replication of a stopped replica up to a transaction, after which it stops by itself.

    :param gtid: a GTID or a set, the last to apply.
    :raises NeedsPerson: it is not stopped, or the server applies with several workers or cannot do so.
    """
    _configured(hook)
    wanted = GtidSet.parse(gtid)
    if wanted <= hook.executed():
        log.info("%s has applied %s already.", hook.name, gtid)
        return
    refusal = _tried(lambda: hook.run(choose(hook.catalog(), "start_until_gtid", gtid=str(wanted))))
    if refusal:
        raise NeedsPerson(f"{hook.name}: replication until {gtid} was refused: {refusal}")


def stop(hook: RdsMySqlHook) -> None:
    """Stop replication; nothing to do where both threads have stopped.

    :raises NeedsPerson: the server refuses, as a replica that RDS itself manages does.
    """
    status = hook.status()
    if status is None or status.stopped:
        return
    refusal = _tried(lambda: hook.run(choose(hook.catalog(), "stop")))
    status = hook.status()
    if status and not status.stopped:
        raise NeedsPerson(f"{hook.name}: replication did not stop{_because(refusal)}: {describe(status)}.")


def reset(hook: RdsMySqlHook) -> None:
    """End replication for good: the server forgets its source. Nothing to do where it has none.

    :raises NeedsPerson: the server refuses.
    """
    if hook.status() is None:
        return
    refusal = _tried(lambda: hook.run(choose(hook.catalog(), "reset")))
    status = hook.status()
    if status:
        raise NeedsPerson(f"{hook.name}: replication was not reset{_because(refusal)}: {describe(status)}.")


def skip_error(hook: RdsMySqlHook, seconds: float = 60) -> ReplicaStatus:
    """Skip the one event that the applier has stopped at, and wait until replication runs.

    A replica that runs is left alone. By GTID the procedure does nothing: there `skip_gtid` is the way.

    :raises ReplicationBroken: the next event fails as well, or the error is the receiver's.
    :raises NeedsPerson: the replica uses GTID auto-position.
    """
    status = _configured(hook)
    if status.running:
        return status
    if status.auto_position:
        raise ReplicationBroken(
            hook.name, status, "with GTID auto-position mysql.rds_skip_repl_error does nothing: skip the GTID instead"
        )
    if not status.sql_errno:
        raise ReplicationBroken(hook.name, status, "there is no error of the applier to skip")
    log.warning("%s: skipping %s: %s", hook.name, status.sql_errno, status.sql_error)
    if status.stopped:
        # The procedure skips on a replica of which one thread runs, and refuses one that is stopped.
        _tried(lambda: hook.run(choose(hook.catalog(), "start")))
    refusal = _tried(lambda: hook.run(choose(hook.catalog(), "skip_error")))
    return _await_running(hook, time.monotonic() + seconds, seconds, refusal)


def skip_gtid(hook: RdsMySqlHook, gtid: str) -> bool:
    """Let one transaction count as executed, so that replication passes it over.

    :param gtid: `uuid:n`.
    :returns: False if the server had it already.
    :raises ValueError: it is no single GTID.
    :raises NeedsPerson: the server refuses.
    """
    if gtid in hook.executed():
        return False
    single = str(GtidSet.parse(gtid))
    refusal = _tried(lambda: hook.run(choose(hook.catalog(), "skip_gtid", gtid=single)))
    if gtid not in hook.executed():
        raise NeedsPerson(f"{hook.name}: {gtid} was not skipped{_because(refusal)}.")
    return True


def purge_gtids(hook: RdsMySqlHook, gtids: GtidSet) -> GtidSet:
    """Let transactions count as executed and purged, however many they are; those it has are left out.

    By `mysql.rds_gtid_purged` (Aurora) or a call for each range (RDS, replication stopped), else one by one.

    :returns: those that it did not have before.
    :raises NeedsPerson: replication runs where it must not, or there are too many to skip one by one.
    """
    lacking = gtids - hook.executed()
    if not lacking:
        return lacking
    catalog = hook.catalog()
    if has(catalog, "purge_set"):
        refusal = _tried(lambda: hook.run(choose(catalog, "purge_set", gtids=f"+{lacking}")))
    elif has(catalog, "purge_range") and not any(each.tag for each in lacking.ranges()):
        refusal = _purged_by_range(hook, lacking)
    else:
        refusal = _skipped_singly(hook, lacking)
    left = lacking - hook.executed()
    if left:
        raise NeedsPerson(f"{hook.name}: {left.count()} GTIDs are still missing{_because(refusal)}: {left}")
    return lacking


def _purged_by_range(hook: RdsMySqlHook, lacking: GtidSet) -> str:
    status = hook.status()
    if status and not status.stopped:
        raise NeedsPerson(f"{hook.name}: stop its replication before GTIDs are purged: {describe(status)}.")

    def purge(each: GtidRange) -> str:
        values = {"uuid": each.uuid, "first": each.first, "last": each.last}
        return _tried(lambda: hook.run(choose(hook.catalog(), "purge_range", **values)))

    return "; ".join(filter(None, [purge(each) for each in lacking.ranges()]))


def _skipped_singly(hook: RdsMySqlHook, lacking: GtidSet) -> str:
    if lacking.count() > SINGLE_GTIDS:
        raise NeedsPerson(
            f"{hook.name}: {lacking.count()} GTIDs would have to be skipped one by one, and {SINGLE_GTIDS} is the "
            "most: upgrade to a version with mysql.rds_set_external_source_gtid_purged, or build the replica anew."
        )
    call = choose(hook.catalog(), "skip_gtid", gtid="")

    def skip(gtid: str) -> str:
        return _tried(lambda: hook.call(call.procedure, gtid))

    with hook.connection():
        return "; ".join(filter(None, [skip(gtid) for gtid in lacking.gtids()]))


def configuration(hook: RdsMySqlHook) -> dict[str, str | None]:
    """What mysql.rds_show_configuration lists: values by name, None for unset."""
    call = choose(hook.catalog(), "configuration")
    rows = hook.rows(f"CALL mysql.{call.procedure}()")
    return {str(row["name"]): None if row["value"] is None else str(row["value"]) for row in rows}


def set_configuration(hook: RdsMySqlHook, name: str, value: int | None) -> bool:
    """Set a value of RDS's own configuration, such as `binlog retention hours`.

    :param value: None unsets it.
    :returns: False if it was so already.
    :raises NeedsPerson: the server refuses the name or the value.
    """
    wanted = None if value is None else str(value)
    before = configuration(hook)
    if name in before and before[name] == wanted:
        return False
    refusal = _tried(lambda: hook.run(choose(hook.catalog(), "set_configuration", name=name, value=value)))
    after = configuration(hook)
    if name not in after or after[name] != wanted:
        raise NeedsPerson(f"{hook.name}: {name!r} was not set to {wanted}{_because(refusal)}.")
    return True


def set_read_only(hook: RdsMySqlHook, on: bool) -> bool:
    """Set read_only on Aurora, by its procedure. A reboot undoes it.

    :returns: False if it was so already.
    :raises NeedsPerson: the server has no procedure for it: on RDS it is a value of the parameter group.
    """
    if hook.read_only() == on:
        return False
    if not has(hook.catalog(), "set_read_only"):
        raise NeedsPerson(
            f"{hook.name}: read_only is {'OFF' if on else 'ON'} and no procedure changes it. On RDS set `read_only` "
            f"to {int(on)} in the instance's parameter group (it is dynamic)."
        )
    refusal = _tried(lambda: hook.run(choose(hook.catalog(), "set_read_only", mode=int(on))))
    if hook.read_only() != on:
        raise NeedsPerson(f"{hook.name}: read_only did not become {'ON' if on else 'OFF'}{_because(refusal)}.")
    return True


def _configured(hook: RdsMySqlHook) -> ReplicaStatus:
    status = hook.status()
    if status is None:
        raise ReplicationBroken(hook.name, None, "it has no source; set one first")
    return status


def _tried(action: Callable[[], object]) -> str:
    """Run an action and return a procedure's own refusal, '' if there is none: the state decides, not the message."""
    try:
        action()
    except TryAgain:
        raise
    except ServerError as error:
        if error.code != SIGNALLED:
            raise
        return str(error)
    return ""


def _because(refusal: str) -> str:
    return f" ({refusal})" if refusal else ""
