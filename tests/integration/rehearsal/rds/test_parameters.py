"""Parameter groups: what waits for a restart and what takes effect at once."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from tests.integration.rehearsal.rds.conftest import BINLOG, Play


def apply_status(play: Play, name: str) -> str:
    return str(play.instance(name)["DBParameterGroups"][0]["ParameterApplyStatus"])


def test_a_static_parameter_waits_for_the_restart(play: Play) -> None:
    server = play.rds.server("shop")
    play.set("shop", {"gtid-mode": "ON_PERMISSIVE"})
    assert apply_status(play, "shop") == "pending-reboot"
    assert server.value("SELECT @@global.gtid_mode") == "ON"
    play.client.reboot_db_instance(DBInstanceIdentifier="shop")
    play.instance_is("shop")
    assert server.value("SELECT @@global.gtid_mode") == "ON_PERMISSIVE"
    assert apply_status(play, "shop") == "in-sync"


def test_a_dynamic_parameter_takes_effect_at_once_and_outlives_a_restart(play: Play) -> None:
    server = play.rds.server("shop")
    play.set("shop", {"event_scheduler": "OFF", "read_only": "1", "binlog_format": "MIXED"}, "immediate")
    wanted = {"@@global.event_scheduler": "OFF", "@@global.read_only": 1, "@@global.binlog_format": "MIXED"}
    assert server.rows(f"SELECT {', '.join(wanted)}") == [wanted]
    play.client.reboot_db_instance(DBInstanceIdentifier="shop")
    play.instance_is("shop")
    assert server.rows(f"SELECT {', '.join(wanted)}") == [wanted]


def test_another_group_takes_effect_at_the_restart(play: Play) -> None:
    play.set("shop-fallback", {**BINLOG, "event_scheduler": "OFF"})
    play.client.modify_db_instance(DBInstanceIdentifier="shop", DBParameterGroupName="shop-fallback")
    assert apply_status(play, "shop") == "pending-reboot"
    assert play.rds.server("shop").value("SELECT @@global.event_scheduler") == "ON"
    play.client.reboot_db_instance(DBInstanceIdentifier="shop")
    play.instance_is("shop")
    assert play.rds.server("shop").value("SELECT @@global.event_scheduler") == "OFF"


def test_a_cluster_writes_a_binlog_only_when_its_group_says_so_and_it_was_restarted(play: Play) -> None:
    server = play.aurora_replica(binlog_format="OFF")
    assert server.value("SELECT @@global.log_bin") == 0
    play.set("shop-aurora", {"binlog_format": "ROW"}, cluster=True)
    members = play.cluster("shop-aurora")["DBClusterMembers"]
    assert [each["DBClusterParameterGroupStatus"] for each in members] == ["pending-reboot"]
    play.client.reboot_db_instance(DBInstanceIdentifier="shop-aurora-1")
    play.instance_is("shop-aurora-1")
    assert server.rows("SELECT @@global.log_bin, @@global.binlog_format") == [
        {"@@global.log_bin": 1, "@@global.binlog_format": "ROW"}
    ]


@pytest.mark.parametrize(
    ("name", "value", "method", "code"),
    [
        ("gtid-mode", "ON", "immediate", "InvalidParameterCombination"),
        ("gtid-mode", "MAYBE", "pending-reboot", "InvalidParameterValue"),
        ("server_id", "7", "pending-reboot", "InvalidParameterValue"),
        ("no_such_parameter", "1", "pending-reboot", "InvalidParameterValue"),
    ],
)
def test_nonsense_is_refused(play: Play, name: str, value: str, method: str, code: str) -> None:
    with pytest.raises(ClientError) as refused:
        play.set("shop", {name: value}, method)
    assert refused.value.response["Error"]["Code"] == code


def test_values_are_shown_with_their_source(play: Play) -> None:
    found = play.client.describe_db_parameters(DBParameterGroupName="shop", Source="user")["Parameters"]
    assert {each["ParameterName"]: each["ParameterValue"] for each in found} == {
        **BINLOG,
        "log_bin_trust_function_creators": "1",
    }
    every = play.client.describe_db_cluster_parameters(DBClusterParameterGroupName="shop-aurora")["Parameters"]
    values = {each["ParameterName"]: each for each in every}
    assert values["binlog_format"]["ParameterValue"] == "OFF"
    assert values["aurora_enhanced_binlog"]["ApplyType"] == "static"


def test_a_group_in_use_cannot_be_deleted_and_another_family_not_be_used(play: Play) -> None:
    with pytest.raises(play.client.exceptions.InvalidDBParameterGroupStateFault):
        play.client.delete_db_parameter_group(DBParameterGroupName="shop")
    play.client.create_db_parameter_group(
        DBParameterGroupName="new", DBParameterGroupFamily="mysql8.4", Description="x"
    )
    with pytest.raises(ClientError, match="cannot be used"):
        play.client.modify_db_instance(DBInstanceIdentifier="shop", DBParameterGroupName="new")


def test_read_only_binds_the_master_user_on_rds_but_not_on_aurora(play: Play) -> None:
    replica = play.aurora_replica()
    assert replica.value("SELECT @@global.read_only") == 0
    grants = replica.rows("SELECT 1 FROM mysql.global_grants WHERE user = 'admin' AND priv = 'CONNECTION_ADMIN'")
    assert len(grants) == 1
    source = play.rds.server("shop")
    assert source.rows("SELECT 1 FROM mysql.global_grants WHERE user = 'admin' AND priv = 'CONNECTION_ADMIN'") == []
