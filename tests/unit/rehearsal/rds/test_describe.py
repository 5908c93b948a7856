"""A replica's channel is shown in the words of the API."""

from __future__ import annotations

import pytest

from rehearsal.rds.operations.describe import channel_info


@pytest.mark.parametrize(
    ("receiver", "applier", "error", "status"),
    [
        ("Yes", "Yes", {}, "replicating"),
        ("Connecting", "Yes", {}, "replicating"),
        ("Connecting", "Yes", {"Last_IO_Error": "Can't connect to the source"}, "error"),
        ("Yes", "No", {"Last_SQL_Error": "Duplicate entry"}, "error"),
        ("No", "Yes", {}, "stopped"),
        ("No", "No", {}, "stopped"),
    ],
)
def test_a_channel_is_stopped_only_if_a_thread_does_not_run(
    receiver: str, applier: str, error: dict[str, str], status: str
) -> None:
    info = channel_info({"Replica_IO_Running": receiver, "Replica_SQL_Running": applier, **error})
    assert (info["Status"], info["Normal"]) == (status, status == "replicating")
    assert info.get("Message") == next(iter(error.values()), None)


def test_a_replica_without_a_channel_is_terminated() -> None:
    assert channel_info({})["Status"] == "terminated"
