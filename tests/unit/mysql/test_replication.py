"""A replica's status is read from either generation's words, and told with the remedy."""

from __future__ import annotations

from typing import Any

import pytest

from livemove.mysql.gtid import GtidSet
from livemove.mysql.replication import ReplicaStatus, ReplicationBroken, describe, remedy
from livemove.runbook.errors import NeedsPerson

UUID = "aaaaaaaa-1111-2222-3333-444444444444"
ROW: dict[str, Any] = {
    "Source_Host": "shop.example.com", "Source_Port": 3306, "Source_User": "replication",
    "Replica_IO_State": "Waiting for source to send event", "Replica_IO_Running": "Yes", "Replica_SQL_Running": "Yes",
    "Last_IO_Errno": 0, "Last_IO_Error": "", "Last_SQL_Errno": 0, "Last_SQL_Error": "",
    "Retrieved_Gtid_Set": f"{UUID}:5-9", "Executed_Gtid_Set": f"{UUID}:1-8", "Auto_Position": 1,
    "Seconds_Behind_Source": 0, "Source_UUID": UUID, "Relay_Source_Log_File": "b.1", "Exec_Source_Log_Pos": 4,
    "SQL_Delay": 0, "Source_SSL_Allowed": "Yes", "Replica_SQL_Running_State": "", "Channel_Name": "",
}  # fmt: skip


def old_words(row: dict[str, Any]) -> dict[str, Any]:
    """As SHOW SLAVE STATUS has it."""
    return {key.replace("Source", "Master").replace("Replica", "Slave"): value for key, value in row.items()}


def status(**changes: Any) -> ReplicaStatus:
    return ReplicaStatus.of({**ROW, **changes})


def test_both_generations_of_words_are_read_alike() -> None:
    assert ReplicaStatus.of(old_words(ROW)) == ReplicaStatus.of(ROW)
    found = ReplicaStatus.of(old_words(ROW))
    assert (found.source_host, found.source_port, found.source_uuid) == ("shop.example.com", 3306, UUID)
    assert found.seconds_behind == 0
    assert found.retrieved - found.executed == GtidSet.parse(f"{UUID}:9")
    assert found.running
    assert found.ssl


def test_a_replica_that_runs_is_described_with_its_figures() -> None:
    assert describe(status()) == (
        "source shop.example.com:3306, receiver runs, applier runs, GTID auto-position, 8 GTIDs executed, 1 waiting, "
        "behind 0 s"
    )
    assert "behind unknown" in describe(status(Seconds_Behind_Source=None))
    assert "delayed by 60 s on purpose" in describe(status(SQL_Delay=60))


@pytest.mark.parametrize(
    ("changes", "running", "stopped", "broken"),
    [
        ({}, True, False, False),
        ({"Replica_IO_Running": "Connecting"}, False, False, False),
        ({"Replica_IO_Running": "Connecting", "Last_IO_Errno": 2003}, False, False, False),
        ({"Replica_IO_Running": "Connecting", "Last_IO_Errno": 1045}, False, False, True),
        ({"Replica_IO_Running": "No", "Last_IO_Errno": 13114}, False, False, True),
        ({"Replica_SQL_Running": "No", "Last_SQL_Errno": 1062}, False, False, True),
        ({"Replica_IO_Running": "No", "Replica_SQL_Running": "No"}, False, True, False),
        ({"Replica_IO_Running": "No", "Last_IO_Errno": 2003}, False, False, True),
    ],
)
def test_states_are_told_apart(changes: dict[str, Any], running: bool, stopped: bool, broken: bool) -> None:
    found = status(**changes)
    assert (found.running, found.stopped, found.broken) == (running, stopped, broken)


PURGED = (
    "Got fatal error 1236 from source when reading data from binary log: 'Cannot replicate because the source purged "
    "required binary logs. The missing transactions are '44444444-1111-2222-3333-444444444444:1''"
)


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"Last_IO_Errno": 13114, "Last_IO_Error": PURGED}, "ledger"),
        ({"Last_IO_Errno": 1236, "Last_IO_Error": PURGED.replace("source", "master")}, "ledger"),
        (
            {"Last_IO_Errno": 13114, "Last_IO_Error": "error 1236 … the slave has more GTIDs than the master has"},
            "anew",
        ),
        ({"Last_IO_Errno": 13114, "Last_IO_Error": "Got fatal error 1236: log event entry exceeded"}, "max_allowed"),
        ({"Last_IO_Errno": 2061, "Last_IO_Error": "Authentication requires secure connection"}, "ssl=1"),
        ({"Last_IO_Errno": 1045}, "password"),
        ({"Last_IO_Errno": 2003}, "security groups"),
        ({"Last_IO_Errno": 1593}, "server_id"),
        ({"Last_IO_Errno": 9999}, "error log"),
        ({"Last_SQL_Errno": 1062}, "rds_skip_transaction_with_gtid"),
        ({"Last_SQL_Errno": 1062, "Auto_Position": 0}, "rds_skip_repl_error"),
        ({"Last_SQL_Errno": 1032}, "behind replication's back"),
        ({"Last_SQL_Errno": 4242}, "Find out why"),
    ],
)
def test_each_error_has_its_remedy(changes: dict[str, Any], advice: str) -> None:
    assert advice in remedy(status(**changes))


def test_a_healthy_replica_needs_no_remedy() -> None:
    assert remedy(status()) == ""


def test_the_error_names_server_cause_and_remedy_on_one_line() -> None:
    broken = status(Replica_IO_Running="No", Last_IO_Errno=13114, Last_IO_Error=PURGED.replace("; ", "\n"))
    error = ReplicationBroken("cdc", broken, "not running after 60 s")
    assert isinstance(error, NeedsPerson)
    assert str(error).startswith("cdc: not running after 60 s: source shop.example.com:3306, receiver stopped")
    assert "44444444-1111-2222-3333-444444444444:1" in str(error)
    assert "\n" not in str(error)
    assert str(ReplicationBroken("cdc", None)) == "cdc: replication does not run: it replicates from no server."
