"""What a replica says about itself, in words and with a remedy. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from livemove.mysql.gtid import GtidSet
from livemove.runbook.errors import NeedsPerson

# The receiver tries these again by itself: the source is down, restarts or cannot be reached now.
NETWORK_ERRORS = frozenset({1040, 1053, 1158, 1159, 1160, 1161, 1203, 1226, 2002, 2003, 2005, 2006, 2013, 2055, 4031})
# Last_IO_Errno of a fatal answer of the source; the text names error 1236.
FATAL_READ_ERRORS = frozenset({1236, 13114, 13117})


@dataclass(frozen=True)
class ReplicaStatus:
    """One row of SHOW REPLICA STATUS.

    :param io_running: state of the receiver: `Yes`, `No` or `Connecting`.
    :param sql_running: whether the applier runs.
    :param retrieved: GTIDs received since the relay log was last reset.
    :param executed: GTIDs that this server has committed, from any source.
    :param seconds_behind: as the server says, None when it does not know; never proof of anything alone.
    """

    source_host: str
    source_port: int
    source_user: str
    io_running: str
    sql_running: bool
    io_errno: int
    io_error: str
    sql_errno: int
    sql_error: str
    retrieved: GtidSet
    executed: GtidSet
    auto_position: bool
    seconds_behind: int | None
    source_uuid: str
    source_file: str
    source_position: int
    delay_seconds: int
    ssl: bool
    io_state: str
    sql_state: str

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> ReplicaStatus:
        """Read a row of SHOW REPLICA STATUS, or of SHOW SLAVE STATUS before 8.0.22."""

        def field(name: str) -> Any:
            old = name.replace("Source_", "Master_").replace("Replica_", "Slave_").replace("_Source", "_Master")
            return row[name] if name in row else row.get(old)

        def text(name: str) -> str:
            return str(field(name) or "")

        behind = field("Seconds_Behind_Source")
        return cls(
            source_host=text("Source_Host"),
            source_port=int(field("Source_Port") or 0),
            source_user=text("Source_User"),
            io_running=text("Replica_IO_Running"),
            sql_running=text("Replica_SQL_Running") == "Yes",
            io_errno=int(field("Last_IO_Errno") or 0),
            io_error=text("Last_IO_Error"),
            sql_errno=int(field("Last_SQL_Errno") or 0),
            sql_error=text("Last_SQL_Error"),
            retrieved=GtidSet.parse(field("Retrieved_Gtid_Set")),
            executed=GtidSet.parse(field("Executed_Gtid_Set")),
            auto_position=bool(int(field("Auto_Position") or 0)),
            seconds_behind=None if behind is None else int(behind),
            source_uuid=text("Source_UUID"),
            source_file=text("Relay_Source_Log_File"),
            source_position=int(field("Exec_Source_Log_Pos") or 0),
            delay_seconds=int(field("SQL_Delay") or 0),
            ssl=text("Source_SSL_Allowed") == "Yes",
            io_state=text("Replica_IO_State"),
            sql_state=text("Replica_SQL_Running_State"),
        )

    @property
    def running(self) -> bool:
        """Whether both threads run and the receiver is connected."""
        return self.io_running == "Yes" and self.sql_running

    @property
    def stopped(self) -> bool:
        """Whether neither thread runs."""
        return self.io_running == "No" and not self.sql_running

    @property
    def broken(self) -> bool:
        """Whether a thread has an error that it does not get over by itself."""
        if self.sql_errno and not self.sql_running:
            return True
        return bool(self.io_errno) and not (self.io_running == "Connecting" and self.io_errno in NETWORK_ERRORS)

    def follows(self, host: str, port: int) -> bool:
        """Whether this is its source."""
        return self.source_host.lower() == host.lower() and self.source_port == port


class ReplicationBroken(NeedsPerson):
    """A replication thread has stopped with an error; the message holds it and the remedy.

    :param name: the server.
    """

    def __init__(self, name: str, status: ReplicaStatus | None, why: str = "") -> None:
        self.status = status
        told = describe(status) if status else "it replicates from no server"
        parts = [f"{name}: {why or 'replication does not run'}: {told}."]
        if status and (advice := remedy(status)):
            parts.append(advice)
        super().__init__(" ".join(parts))


def describe(status: ReplicaStatus) -> str:
    """Say in one line what a replica does, with its figures."""
    behind = "unknown" if status.seconds_behind is None else f"{status.seconds_behind} s"
    parts = [
        f"source {status.source_host}:{status.source_port}",
        f"receiver {_receiver(status)}",
        f"applier {'runs' if status.sql_running else 'stopped'}",
        "GTID auto-position" if status.auto_position else f"position {status.source_file}:{status.source_position}",
        f"{status.executed.count()} GTIDs executed",
        f"{(status.retrieved - status.executed).count()} waiting",
        f"behind {behind}",
    ]
    if status.delay_seconds:
        parts.append(f"delayed by {status.delay_seconds} s on purpose")
    if status.io_errno:
        parts.append(f"receiver's error {status.io_errno}: {_one_line(status.io_error)}")
    if status.sql_errno:
        parts.append(f"applier's error {status.sql_errno}: {_one_line(status.sql_error)}")
    return ", ".join(parts)


def remedy(status: ReplicaStatus) -> str:
    """Say what a person can do about the error of a replica; '' if there is none."""
    if status.io_errno:
        return _receiver_remedy(status)
    if status.sql_errno:
        return _APPLIER_REMEDIES.get(status.sql_errno, _ANY_APPLIER_ERROR) + _skipping(status)
    return ""


def _receiver(status: ReplicaStatus) -> str:
    return {"Yes": "runs", "No": "stopped", "Connecting": "is connecting"}.get(status.io_running, status.io_running)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _receiver_remedy(status: ReplicaStatus) -> str:
    text = status.io_error
    if status.io_errno in FATAL_READ_ERRORS or "error 1236" in text:
        if "purged" in text:
            return (
                "The source no longer has binary logs that this replica needs. Find out what the missing GTIDs were "
                "(the ledger, livemove.gtid_ledger); if they were heartbeats of RDS only, purge or skip them here, "
                "and raise 'binlog retention hours' on the source. If they were writes, build this replica anew."
            )
        if "has more GTIDs" in text or "more GTIDs than" in text:
            return (
                "This replica has transactions with the source's own UUID that the source lacks: the source has "
                "lost or never had them. Build this replica anew."
            )
        return "Check the file and position, max_allowed_packet and the source's error log."
    remedies = {
        1045: "Correct the login or password of the replication connection and set the source again.",
        1130: "Let the replication user log in from this replica's address: its host part does not match.",
        1593: "Source and replica have the same server_id or server_uuid: give one of them another.",
        2061: (
            "The replication user logs in by caching_sha2_password, which needs TLS (or a warm cache of the source, "
            "which its restart empties). Set the source again with ssl=1."
        ),
        3118: "The replication user is locked on the source: ALTER USER … ACCOUNT UNLOCK.",
    }
    if status.io_errno in NETWORK_ERRORS:
        return (
            f"Let this replica reach {status.source_host}:{status.source_port}: is the source up, do the security "
            "groups and routes allow it? The receiver tries again by itself."
        )
    return remedies.get(status.io_errno, "See the error and the source's error log.")


def _skipping(status: ReplicaStatus) -> str:
    if status.auto_position:
        return " To give up one transaction: skip its GTID (mysql.rds_skip_transaction_with_gtid)."
    return (
        " To give up one statement: mysql.rds_skip_repl_error; it does nothing if the transaction has a GTID, "
        "which is skipped by mysql.rds_skip_transaction_with_gtid then."
    )


_ANY_APPLIER_ERROR = "Find out why this statement works on the source and not here; then start replication again."
_APPLIER_REMEDIES = {
    1032: "A row that the source changed is missing here: something has written here behind replication's back. "
    "Compare the table by checksum; build this replica anew if rows differ.",
    1062: "A row that the source inserted is here already: something has written here behind replication's back, or "
    "the position lies before the snapshot. Compare the table by checksum.",
    1146: "A table is missing here: something has dropped it, or the snapshot lacks it.",
    1396: "An account statement failed: the account is there already, or is missing.",
    1451: "A foreign key fails: rows of the other table differ. Compare both tables by checksum.",
    1452: "A foreign key fails: rows of the other table differ. Compare both tables by checksum.",
}  # fmt: skip
