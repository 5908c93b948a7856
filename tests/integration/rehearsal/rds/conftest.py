"""What the tests of the RDS stand-in share: a client, procedures called as the master user."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pymysql
import pytest

from rehearsal.mysql.server import MySqlServer
from rehearsal.rds.service import Rds
from rehearsal.stack import Stack
from tests.fixtures.waiting import until

GTID = {"gtid-mode": "ON", "enforce_gtid_consistency": "ON"}
BINLOG = {**GTID, "binlog_format": "ROW"}
CLASS = "db.r6g.large"


class Play:
    """The stand-in as its users see it.

    :ivar client: boto3's.
    """

    def __init__(self, stack: Stack, rds: Rds) -> None:
        self.stack = stack
        self.rds = rds
        self.client = rds.client()

    def instance(self, name: str) -> dict[str, Any]:
        return self.client.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]

    def cluster(self, name: str) -> dict[str, Any]:
        return self.client.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]

    def instance_is(self, name: str, status: str = "available") -> dict[str, Any]:
        until(lambda: self._came(self.instance(name)["DBInstanceStatus"], status))
        return self.instance(name)

    def cluster_is(self, name: str, status: str = "available") -> dict[str, Any]:
        until(lambda: self._came(self.cluster(name)["Status"], status))
        return self.cluster(name)

    def _came(self, found: str, wanted: str) -> bool:
        assert found != "failed" or wanted == "failed", self.rds.process.log_tail(60)
        return found == wanted

    def set(self, group: str, values: dict[str, str], method: str = "pending-reboot", *, cluster: bool = False) -> None:
        parameters = [
            {"ParameterName": name, "ParameterValue": value, "ApplyMethod": method} for name, value in values.items()
        ]
        if cluster:
            self.client.modify_db_cluster_parameter_group(DBClusterParameterGroupName=group, Parameters=parameters)
        else:
            self.client.modify_db_parameter_group(DBParameterGroupName=group, Parameters=parameters)

    def member(self, cluster: str, number: int = 1) -> None:
        """Add an instance to a cluster and wait for it."""
        name = f"{cluster}-{number}"
        self.client.create_db_instance(
            DBInstanceIdentifier=name, DBInstanceClass=CLASS, Engine="aurora-mysql", DBClusterIdentifier=cluster
        )
        self.instance_is(name)

    def aurora_replica(self, name: str = "shop-aurora", **values: str) -> MySqlServer:
        """An Aurora replica of the source, with binlog unless told otherwise."""
        self.set("shop-aurora", {**BINLOG, **values}, cluster=True)
        self.client.create_db_cluster(
            DBClusterIdentifier=name,
            Engine="aurora-mysql",
            ReplicationSourceIdentifier=self.instance("shop")["DBInstanceArn"],
            DBClusterParameterGroupName="shop-aurora",
        )
        self.member(name)
        return self.rds.server(name)

    def cluster_snapshot(self, cluster: str, name: str = "snap") -> None:
        self.client.create_db_cluster_snapshot(DBClusterIdentifier=cluster, DBClusterSnapshotIdentifier=name)
        waited = self.client.describe_db_cluster_snapshots
        until(lambda: waited(DBClusterSnapshotIdentifier=name)["DBClusterSnapshots"][0]["Status"] == "available")

    def snapshot(self, instance: str, name: str = "snap") -> str:
        arn = self.client.create_db_snapshot(DBInstanceIdentifier=instance, DBSnapshotIdentifier=name)["DBSnapshot"]
        waited = self.client.describe_db_snapshots
        until(lambda: waited(DBSnapshotIdentifier=name)["DBSnapshots"][0]["Status"] == "available")
        self.instance_is(instance)
        return str(arn["DBSnapshotArn"])

    def restored(self, name: str, snapshot: str, group: str = "shop-cdc") -> MySqlServer:
        """A cluster from a snapshot, with its writer."""
        self.client.restore_db_cluster_from_snapshot(
            DBClusterIdentifier=name,
            SnapshotIdentifier=snapshot,
            Engine="aurora-mysql",
            DBClusterParameterGroupName=group,
        )
        self.member(name)
        return self.rds.server(name)

    def clone(self, source: str, name: str, group: str = "shop-aurora") -> MySqlServer:
        self.client.restore_db_cluster_to_point_in_time(
            DBClusterIdentifier=name,
            SourceDBClusterIdentifier=source,
            RestoreType="copy-on-write",
            UseLatestRestorableTime=True,
            DBClusterParameterGroupName=group,
        )
        self.member(name)
        return self.rds.server(name)

    def events(self, identifier: str, kind: str = "db-instance") -> list[str]:
        found = self.client.describe_events(SourceIdentifier=identifier, SourceType=kind)["Events"]
        return [event["Message"] for event in found]

    def call(self, server: MySqlServer, procedure: str, *values: object) -> list[Any]:
        """Call a procedure as the master user; rows of all results and the warnings' numbers."""
        connection = pymysql.connect(
            host="127.0.0.1",
            port=server.port,
            user="admin",
            password=self.stack.password("mysql-admin"),
            autocommit=True,
        )
        with closing(connection), connection.cursor() as cursor:
            cursor.execute(f"CALL mysql.{procedure}({', '.join(['%s'] * len(values))})", values)
            rows = list(cursor.fetchall())
            while cursor.nextset():
                rows += cursor.fetchall()
            cursor.execute("SHOW WARNINGS")
            return rows + [row[1] for row in cursor.fetchall()]

    def replicate(self, server: MySqlServer, source: MySqlServer) -> None:
        """External replication by GTID, as a runbook sets it up."""
        login = ("127.0.0.1", source.port, "replication", self.stack.password("rds-replication"), 1)
        if server.value("SELECT COUNT(*) FROM information_schema.routines WHERE routine_name = 'rds_gtid_purged'"):
            self.call(server, "rds_set_external_source_with_auto_position", *login)
        else:
            self.call(server, "rds_set_external_master_with_auto_position", *login, 0)
        self.call(server, "rds_start_replication")


def channel(server: MySqlServer) -> dict[str, Any]:
    """The replica status, empty where there is no channel."""
    rows = server.rows("SHOW REPLICA STATUS")
    return rows[0] if rows else {}


def replicates(server: MySqlServer) -> bool:
    found = channel(server)
    return found.get("Replica_IO_Running") == "Yes" and found.get("Replica_SQL_Running") == "Yes"


def executed(server: MySqlServer) -> str:
    return str(server.value("SELECT @@global.gtid_executed")).replace("\n", "")


def catches_up(server: MySqlServer, source: MySqlServer) -> bool:
    return server.value("SELECT WAIT_FOR_EXECUTED_GTID_SET(%s, 20)", (executed(source),)) == 0


@pytest.fixture
def play(stack: Stack, rds_seeded: Rds) -> Play:
    """The stand-in with its source instance."""
    return Play(stack, rds_seeded)
