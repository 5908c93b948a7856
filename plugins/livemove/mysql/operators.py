"""Operators for the procedures `mysql.rds_*` of RDS and Aurora MySQL. Each can be used alone, in any DAG.

Each asks the server for the procedure's name and arguments, takes all results, and judges by SHOW REPLICA STATUS or
the setting itself, never by the procedure's message: a failed start is a message row on some versions and error 1644
on others. A step whose effect is there already changes nothing, so every task can be cleared and run again.

Passwords come from connections at run time. They are in no field, log, XCom or exception of these operators. What the
server itself shows is out of their hands: while a CALL runs, SHOW PROCESSLIST shows its text to users with PROCESS,
and the general log, where it is switched on, keeps it.

Example: an Aurora clone that follows its source (`restore` gives the file and position)::

    with DAG("clone_follows", schedule=None):
        keep = SetConfigurationOperator(
            task_id="keep", mysql_conn_id="source", setting="binlog retention hours", value=168
        )
        point = SetExternalSourceOperator(
            task_id="point", mysql_conn_id="clone", source_host="shop.example.com", replication_conn_id="replication",
            file="mysql-bin-changelog.000118", position=245880,
        )
        start = StartReplicationOperator(task_id="start", mysql_conn_id="clone")
        caught_up = ReplicaCaughtUpSensor(task_id="caught_up", source_mysql_conn_id="source", mysql_conn_id="clone")
        keep >> point >> start >> caught_up

.. seealso:: RDS User Guide and Aurora User Guide, "MySQL stored procedure reference".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from livemove.mysql import replicate
from livemove.mysql.base import MySqlOperator, figures
from livemove.mysql.credentials import Credentials
from livemove.mysql.gtid import GtidSet
from livemove.mysql.hook import RdsMySqlHook
from livemove.mysql.operators_compare import CompareTableOperator
from livemove.mysql.replication import ReplicationBroken
from livemove.runbook.errors import NeedsPerson

__all__ = [
    "CompareTableOperator", "PurgeGtidsOperator", "ResetReplicationOperator", "SetConfigurationOperator",
    "SetExternalSourceOperator", "SetExternalSourceWithAutoPositionOperator", "SetReadOnlyOperator",
    "ShowConfigurationOperator", "SkipGtidOperator", "SkipReplicationErrorOperator", "StartReplicationOperator",
    "StartReplicationUntilGtidOperator", "StopReplicationOperator",
]  # fmt: skip

# More GTIDs than this are not skipped one by one without being asked for.
GTID_CAP = 1000


class ShowConfigurationOperator(MySqlOperator):
    """Read RDS's own configuration: `mysql.rds_show_configuration`.

    :returns: values by name, None for unset.

    Example::

        ShowConfigurationOperator(task_id="show", mysql_conn_id="shop_admin")
    """

    def step(self, hook: RdsMySqlHook) -> dict[str, str | None]:
        """Read and log."""
        found = replicate.configuration(hook)
        for name, value in found.items():
            self.log.info("%s: %s = %s", hook.name, name, value)
        return found


class SetConfigurationOperator(MySqlOperator):
    """Change RDS's own configuration: `mysql.rds_set_configuration`.

    :param setting: such as `binlog retention hours`.
    :param value: None unsets it. Binlogs are kept for at most 168 hours on RDS and 2160 on Aurora.
    :returns: whether it was changed.

    Example::

        SetConfigurationOperator(
            task_id="keep_binlogs", mysql_conn_id="shop_admin", setting="binlog retention hours", value=168
        )
    """

    template_fields: Sequence[str] = ("setting", "value", *MySqlOperator.template_fields)

    def __init__(self, *, setting: str, value: int | str | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.setting = setting
        self.value = value

    def step(self, hook: RdsMySqlHook) -> bool:
        """Set, and read again."""
        value = None if self.value in (None, "", "None") else int(str(self.value))
        return replicate.set_configuration(hook, self.setting, value)


class _SetSource(MySqlOperator):
    """Base of the two operators that tell a server its source.

    :param source_host: as the replica reaches it.
    :param replication_conn_id: connection with the login and password that the replica uses there; its host is not
        used. MySQL takes passwords of up to 32 characters for this.
    :param ssl: use TLS. Without it a user of caching_sha2_password logs in only until the source restarts.
    """

    template_fields: Sequence[str] = (
        "source_host", "source_port", "replication_conn_id", *MySqlOperator.template_fields,
    )  # fmt: skip

    def __init__(
        self,
        *,
        source_host: str,
        replication_conn_id: str,
        source_port: int | str = 3306,
        ssl: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.source_host = source_host
        self.source_port = source_port
        self.replication_conn_id = replication_conn_id
        self.ssl = ssl

    def step(self, hook: RdsMySqlHook) -> dict[str, Any]:
        """Set the source where that is missing."""
        replicate.set_source(
            hook,
            host=self.source_host,
            port=int(self.source_port),
            replication=Credentials.of(self.replication_conn_id),
            ssl=self.ssl,
            **self.place(),
        )
        return figures(hook.status())

    def place(self) -> dict[str, Any]:
        """Where replication begins."""
        raise NotImplementedError


class SetExternalSourceOperator(_SetSource):
    """Make a server a replica from a binary log position: `mysql.rds_set_external_source` or `…_master`.

    It starts nothing. A server that replicates from there already is left alone, one that replicates from elsewhere
    is refused.

    :param file: the source's binary log.
    :param position: in that file.
    :returns: the replica's figures.

    Example::

        SetExternalSourceOperator(
            task_id="point", mysql_conn_id="clone_admin", source_host="shop.example.com",
            replication_conn_id="replication", file="mysql-bin-changelog.000118", position=245880,
        )
    """

    template_fields: Sequence[str] = ("file", "position", *_SetSource.template_fields)

    def __init__(self, *, file: str, position: int | str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.file = file
        self.position = position

    def place(self) -> dict[str, Any]:
        """File and position."""
        return {"auto_position": False, "file": self.file, "position": int(self.position)}


class SetExternalSourceWithAutoPositionOperator(_SetSource):
    """Make a server a replica by GTID: `mysql.rds_set_external_source_with_auto_position` or `…_master_…`.

    It starts nothing. A server that replicates from there already is left alone, one that replicates from elsewhere
    is refused.

    :returns: the replica's figures.

    Example::

        SetExternalSourceWithAutoPositionOperator(
            task_id="point", mysql_conn_id="mysql_admin", host="{{ ti.xcom_pull('replica')['host'] }}",
            source_host="shop.example.com", replication_conn_id="replication",
        )
    """

    def place(self) -> dict[str, Any]:
        """By GTID."""
        return {"auto_position": True}


class StartReplicationOperator(MySqlOperator):
    """Start replication and wait until both threads run: `mysql.rds_start_replication`.

    A replica that runs is left alone; one of which a thread has stopped is stopped and started again.

    :param timeout_seconds: how long both threads may take.
    :returns: the replica's figures.
    :raises AirflowFailException: a thread stopped with an error; the message holds it and the remedy.

    Example::

        StartReplicationOperator(task_id="start", mysql_conn_id="replica_admin", timeout_seconds=120)
    """

    def __init__(self, *, timeout_seconds: float = 60, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.timeout_seconds = timeout_seconds

    def step(self, hook: RdsMySqlHook) -> dict[str, Any]:
        """Start and wait."""
        return figures(replicate.start(hook, self.timeout_seconds))


class StartReplicationUntilGtidOperator(MySqlOperator):
    """Start replication up to a transaction: `mysql.rds_start_replication_until_gtid`.

    :param gtid: `uuid:n`; the last transaction to apply.

    Example::

        StartReplicationUntilGtidOperator(
            task_id="until", mysql_conn_id="replica_admin", gtid="3e11fa47-71ca-11e1-9e33-c80aa9429562:23"
        )
    """

    template_fields: Sequence[str] = ("gtid", *MySqlOperator.template_fields)

    def __init__(self, *, gtid: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.gtid = gtid

    def step(self, hook: RdsMySqlHook) -> None:
        """Start; it stops by itself."""
        replicate.start_until(hook, self.gtid)


class StopReplicationOperator(MySqlOperator):
    """Stop replication: `mysql.rds_stop_replication`. The server keeps its source and its place.

    Example::

        StopReplicationOperator(task_id="stop", mysql_conn_id="replica_admin")
    """

    def step(self, hook: RdsMySqlHook) -> dict[str, Any]:
        """Stop."""
        replicate.stop(hook)
        return figures(hook.status())


class ResetReplicationOperator(MySqlOperator):
    """End replication for good: `mysql.rds_reset_external_source` or `…_master`. The server forgets its source.

    Example::

        ResetReplicationOperator(task_id="reset", mysql_conn_id="fallback_admin")
    """

    def step(self, hook: RdsMySqlHook) -> None:
        """Reset, and see that SHOW REPLICA STATUS is empty."""
        replicate.reset(hook)


class SkipReplicationErrorOperator(MySqlOperator):
    """Skip what the applier has stopped at: `mysql.rds_skip_repl_error`, for replication without GTIDs.

    A row that is there twice, after a clone whose position lies a little too early, may be skipped so. Each skipped
    error is logged; compare the table by checksum afterwards.

    :param times: how many errors may be skipped, one after the other.
    :returns: the replica's figures.

    Example::

        SkipReplicationErrorOperator(task_id="skip", mysql_conn_id="clone_admin", times=3)
    """

    template_fields: Sequence[str] = ("times", *MySqlOperator.template_fields)

    def __init__(self, *, times: int | str = 1, timeout_seconds: float = 60, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.times = times
        self.timeout_seconds = timeout_seconds

    def step(self, hook: RdsMySqlHook) -> dict[str, Any]:
        """Skip until replication runs, at most so many times."""
        for left in reversed(range(int(self.times))):
            try:
                return figures(replicate.skip_error(hook, self.timeout_seconds))
            except ReplicationBroken as error:
                again = error.status is not None and error.status.sql_errno and not error.status.auto_position
                if not left or not again:
                    raise
        return figures(hook.status())


class SkipGtidOperator(MySqlOperator):
    """Let transactions count as executed, one by one: `mysql.rds_skip_transaction_with_gtid`.

    The skipping server does not write them to its own binary log: the next replica in a chain misses them in its
    turn, so begin at the far end of the chain.

    :param gtids: a GTID set, such as `uuid:5` or `uuid:5-7`.
    :param cap: the most that are skipped.
    :returns: the set that was skipped; '' if the server had them all.

    Example::

        SkipGtidOperator(
            task_id="skip", mysql_conn_id="replica_admin", gtids="44444444-1111-2222-3333-444444444444:1"
        )
    """

    template_fields: Sequence[str] = ("gtids", *MySqlOperator.template_fields)

    def __init__(self, *, gtids: str, cap: int = GTID_CAP, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.gtids = gtids
        self.cap = cap

    def step(self, hook: RdsMySqlHook) -> str:
        """Skip those that are missing."""
        lacking = _capped(self.gtids, hook, self.cap)
        for gtid in lacking.gtids():
            replicate.skip_gtid(hook, gtid)
        return str(lacking)


class PurgeGtidsOperator(MySqlOperator):
    """Let transactions count as executed and purged, in ranges.

    By `mysql.rds_gtid_purged` (Aurora) or `mysql.rds_set_external_source_gtid_purged` (RDS, replication stopped), and
    one by one where the server has neither.

    :param gtids: a GTID set.
    :param cap: the most that are purged; None for any number.
    :returns: the set that was purged; '' if the server had them all.

    Example::

        PurgeGtidsOperator(
            task_id="purge", mysql_conn_id="replica_admin", gtids="44444444-1111-2222-3333-444444444444:1-288"
        )
    """

    template_fields: Sequence[str] = ("gtids", *MySqlOperator.template_fields)

    def __init__(self, *, gtids: str, cap: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.gtids = gtids
        self.cap = cap

    def step(self, hook: RdsMySqlHook) -> str:
        """Purge those that are missing."""
        return str(replicate.purge_gtids(hook, _capped(self.gtids, hook, self.cap)))


def _capped(text: str, hook: RdsMySqlHook, cap: int | None) -> GtidSet:
    try:
        lacking = GtidSet.parse(text) - hook.executed()
    except ValueError as error:
        raise NeedsPerson(f"gtids: {error}") from None
    if cap is not None and lacking.count() > cap:
        raise NeedsPerson(
            f"gtids: {hook.name} lacks {lacking.count()} of these GTIDs, more than the cap of {cap}. Find out what "
            "they were (livemove.mysql.gtid_ledger), then raise `cap` if all of them may be given up."
        )
    return lacking


class SetReadOnlyOperator(MySqlOperator):
    """Switch read_only on Aurora MySQL: `mysql.rds_set_read_only`. A reboot undoes it.

    It does not bind users with CONNECTION_ADMIN, such as Aurora's master user. On RDS it is a parameter of the
    parameter group.

    :param on: whether writes are refused.
    :returns: whether it was changed.

    Example::

        SetReadOnlyOperator(task_id="writable", mysql_conn_id="aurora_admin", on=False)
    """

    def __init__(self, *, on: bool, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.on = on

    def step(self, hook: RdsMySqlHook) -> bool:
        """Switch, and look again."""
        return replicate.set_read_only(hook, self.on)
