"""Both generations of MySQL, chosen by the engine's version."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from rehearsal.rds.service import Rds
from rehearsal.stack import Stack
from tests.fixtures.waiting import until
from tests.integration.rehearsal.rds.conftest import Play, catches_up, executed, replicates

VERSIONS = {
    "8.0.31": ("8.0.36", "8.0.mysql_aurora.3.04.0", "9.7.mysql_aurora.9.7.0"),
    "9.7": ("9.7.0", "9.7.mysql_aurora.9.7.0", "8.0.mysql_aurora.3.04.0"),
}


@pytest.mark.every_mysql
def test_a_generation_is_seeded_replicated_and_promoted_but_not_mixed(
    stack: Stack, rds: Rds, mysql_version: str
) -> None:
    version, aurora, other = VERSIONS[mysql_version]
    rds.seed(version=version)
    play = Play(stack, rds)
    source = rds.server("shop")
    assert str(source.value("SELECT version()")).startswith(mysql_version)
    play.set("shop-aurora", {"gtid-mode": "ON", "enforce_gtid_consistency": "ON", "binlog_format": "ROW"}, cluster=True)
    replica_of = {
        "DBClusterIdentifier": "shop-aurora",
        "Engine": "aurora-mysql",
        "ReplicationSourceIdentifier": play.instance("shop")["DBInstanceArn"],
    }
    with pytest.raises(ClientError, match="cannot replicate from MySQL"):
        play.client.create_db_cluster(**replica_of, EngineVersion=other)
    play.client.create_db_cluster(**replica_of, EngineVersion=aurora, DBClusterParameterGroupName="shop-aurora")
    play.member("shop-aurora")
    replica = rds.server("shop-aurora")
    source.execute("CREATE USER late@'%'", "INSERT INTO shop.audit (what) VALUES ('later')")
    rds.control.heartbeat("shop")
    assert catches_up(replica, source)
    assert executed(replica) == executed(source)
    assert replica.value("SELECT COUNT(*) FROM mysql.user WHERE user = 'late'") == 0
    until(lambda: replicates(replica))
    play.client.promote_read_replica_db_cluster(DBClusterIdentifier="shop-aurora")
    play.cluster_is("shop-aurora")
    replica.execute("INSERT INTO shop.audit (what) VALUES ('on Aurora')")
    assert len(rds.control.purge("shop")) == 1
