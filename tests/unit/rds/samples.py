"""One call of every builder, and descriptions as RDS gives them."""

from __future__ import annotations

from typing import Any

from livemove.rds import calls
from livemove.rds.naming import tags

SOURCE_ARN = "arn:aws:rds:ap-northeast-1:123456789012:db:shop"
TARGET_ARN = "arn:aws:rds:ap-northeast-1:123456789012:cluster:shop-aurora"
OURS = tags("shop", "target")

CALLS = {
    "create_read_replica": calls.create_read_replica(
        identifier="shop-reports", source="shop", instance_class="db.r6g.large", security_groups=["sg-1"], tags=OURS
    ),
    "create_aurora_replica": calls.create_aurora_replica(
        identifier="shop-aurora",
        source_arn=SOURCE_ARN,
        engine_version="8.0.mysql_aurora.3.04.0",
        parameter_group="shop-aurora",
        subnet_group="private",
        security_groups=["sg-1", "sg-2"],
        tags=OURS,
        options={"DeletionProtection": True},
    ),
    "create_cluster_instance": calls.create_cluster_instance(
        cluster="shop-aurora", instance_class="db.r6g.large", tags=OURS
    ),
    "promote_instance": calls.promote_instance(identifier="shop-reports", backup_retention_days=7),
    "promote_cluster": calls.promote_cluster(identifier="shop-aurora"),
    "snapshot_instance": calls.snapshot_instance(identifier="shop", snapshot="shop-for-fallback", tags=OURS),
    "snapshot_cluster": calls.snapshot_cluster(identifier="shop-aurora", snapshot="shop-aurora-for-cdc"),
    "restore_instance": calls.restore_instance(
        identifier="shop-fallback",
        snapshot="shop-for-fallback",
        instance_class="db.r6g.large",
        parameter_group="shop-fallback",
        backup_retention_days=7,
        tags=OURS,
    ),
    "restore_cluster": calls.restore_cluster(
        identifier="shop-cdc", snapshot="shop-aurora-for-cdc", parameter_group="shop-cdc", tags=OURS
    ),
    "clone_cluster": calls.clone_cluster(identifier="shop-clone", source="shop-aurora", parameter_group="shop-aurora"),
    "modify_instance": calls.modify_instance(identifier="shop", changes={"BackupRetentionPeriod": 7}),
    "modify_cluster": calls.modify_cluster(
        identifier="shop-aurora", changes={"DeletionProtection": False}, apply_immediately=False
    ),
    "make_multi_az": calls.make_multi_az(identifier="shop-fallback"),
    "reboot": calls.reboot(identifier="shop-aurora-1"),
    "failover": calls.failover(cluster="shop-aurora", to="shop-aurora-2"),
    "create_parameter_group": calls.create_parameter_group(name="shop-cdc", family="aurora-mysql8.0", cluster=True),
    "modify_parameter_group": calls.modify_parameter_group(
        name="shop-cdc",
        cluster=True,
        parameters=[{"ParameterName": "binlog_format", "ParameterValue": "ROW", "ApplyMethod": "pending-reboot"}],
    ),
    "add_tags": calls.add_tags(arn=TARGET_ARN, tags={"livemove:serves": "yes"}),
    "remove_tags": calls.remove_tags(arn=SOURCE_ARN, keys=["livemove:serves"]),
    "delete_instance": calls.delete_instance(identifier="shop", final_snapshot="shop-final"),
    "delete_cluster": calls.delete_cluster(identifier="shop-clone", final_snapshot=None),
}

INSTANCE: dict[str, Any] = {
    "DBInstanceIdentifier": "shop",
    "DBInstanceArn": SOURCE_ARN,
    "DBInstanceStatus": "available",
    "DBInstanceClass": "db.r6g.large",
    "Engine": "mysql",
    "MultiAZ": False,
    "BackupRetentionPeriod": 1,
    "Endpoint": {"Address": "shop.example.com", "Port": 3306},
    "DBParameterGroups": [{"DBParameterGroupName": "shop", "ParameterApplyStatus": "in-sync"}],
    "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-2"}, {"VpcSecurityGroupId": "sg-1"}],
    "DBSubnetGroup": {"DBSubnetGroupName": "private"},
    "TagList": [],
}
CLUSTER: dict[str, Any] = {
    "DBClusterIdentifier": "shop-aurora",
    "DBClusterArn": TARGET_ARN,
    "Status": "available",
    "Engine": "aurora-mysql",
    "EngineVersion": "8.0.mysql_aurora.3.04.0",
    "Endpoint": "shop-aurora.example.com",
    "Port": 3307,
    "DBClusterParameterGroup": "shop-aurora",
    "DBSubnetGroup": "private",
    "ReplicationSourceIdentifier": SOURCE_ARN,
    "DBClusterMembers": [
        {"DBInstanceIdentifier": "shop-aurora-2", "IsClusterWriter": False, "DBClusterParameterGroupStatus": "in-sync"},
        {
            "DBInstanceIdentifier": "shop-aurora-1",
            "IsClusterWriter": True,
            "DBClusterParameterGroupStatus": "pending-reboot",
        },
    ],
}
