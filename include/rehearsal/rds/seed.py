"""The beginning of a rehearsal: a source instance with a shop's data, and what a team has prepared around it."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pymysql

from rehearsal.errors import RehearsalError
from rehearsal.mysql import script
from rehearsal.ports import LOOPBACK
from rehearsal.s3 import ACCESS_KEY, REGION, SECRET_KEY

if TYPE_CHECKING:
    from rehearsal.stack import Stack

SQL = Path(__file__).parent / "sql" / "shop.sql"
REPLICATION_USER = "replication"
# The application's accounts; their password is the stack's `rds-application`.
APPLICATION_USERS = ("app", "batch")
INSTANCE_CLASS = "db.r6g.large"
AVAILABLE_SECONDS = 120
GTID = {"gtid-mode": "ON", "enforce_gtid_consistency": "ON"}


class Seed:
    """What `./dev up` puts into an empty stack."""

    def __init__(self, stack: Stack, identifier: str, schema: str, version: str) -> None:
        self._stack = stack
        self._identifier = identifier
        self._schema = schema
        self._version = version
        self._rds = stack.rds.client()

    def sow(self) -> None:
        """Make what is missing."""
        family = f"mysql{'.'.join(self._version.split('.')[:2])}"
        self._group(self._identifier, family, {**GTID, "binlog_format": "ROW", "log_bin_trust_function_creators": "1"})
        # Made by the team with the engine's own values; what a migration needs is for its preparation to set.
        self._group(f"{self._identifier}-fallback", family, {})
        for role in ("aurora", "cdc"):
            self._group(f"{self._identifier}-{role}", f"aurora-{family}", {}, cluster=True)
        new = self._create()
        endpoint = self._available()
        self._fill(endpoint["Port"])
        self._parameter(f"{LOOPBACK}:{endpoint['Port']}", new=new)

    def _group(self, name: str, family: str, values: dict[str, str], *, cluster: bool = False) -> None:
        kind = "DBClusterParameterGroup" if cluster else "DBParameterGroup"
        create = self._rds.create_db_cluster_parameter_group if cluster else self._rds.create_db_parameter_group
        with contextlib.suppress(self._rds.exceptions.DBParameterGroupAlreadyExistsFault):
            create(**{f"{kind}Name": name, "DBParameterGroupFamily": family, "Description": "Rehearsal"})
        changes = [
            {"ParameterName": key, "ParameterValue": value, "ApplyMethod": "pending-reboot"}
            for key, value in values.items()
        ]
        if changes:
            self._rds.modify_db_parameter_group(DBParameterGroupName=name, Parameters=changes)

    def _create(self) -> bool:
        """Create the instance; returns whether it was not there."""
        try:
            self._rds.create_db_instance(
                DBInstanceIdentifier=self._identifier,
                DBInstanceClass=INSTANCE_CLASS,
                Engine="mysql",
                EngineVersion=self._version,
                MasterUsername="admin",
                MasterUserPassword=self._stack.password("mysql-admin"),
                AllocatedStorage=100,
                BackupRetentionPeriod=1,
                DBParameterGroupName=self._identifier,
            )
        except self._rds.exceptions.DBInstanceAlreadyExistsFault:
            return False
        return True

    def _available(self) -> dict[str, Any]:
        """Wait until the instance is available; returns its endpoint."""
        ends = time.monotonic() + AVAILABLE_SECONDS
        while True:
            found = self._rds.describe_db_instances(DBInstanceIdentifier=self._identifier)["DBInstances"][0]
            if found["DBInstanceStatus"] == "available":
                return dict(found["Endpoint"])
            if found["DBInstanceStatus"] == "failed" or time.monotonic() > ends:
                raise RehearsalError(
                    f"The source instance {self._identifier} is {found['DBInstanceStatus']}. "
                    f"Look at {self._stack.rds.process.log}."
                )
            time.sleep(0.1)

    def _fill(self, port: int) -> None:
        """Accounts and data; the last table of the script says that all is there."""
        connection = pymysql.connect(
            host=LOOPBACK, port=port, user="admin", password=self._stack.password("mysql-admin"), autocommit=True
        )
        with connection, connection.cursor() as cursor:
            events = "SELECT 1 FROM information_schema.events WHERE event_schema = %s AND event_name = 'forget_audit'"
            if cursor.execute(events, (self._schema,)):
                return
            self._accounts(cursor)
            cursor.execute(f"DROP DATABASE IF EXISTS `{self._schema}`")
            cursor.execute(f"CREATE DATABASE `{self._schema}`")
            cursor.execute(f"USE `{self._schema}`")
            for statement in script.statements(SQL.read_text(encoding="utf-8")):
                cursor.execute(statement)

    def _accounts(self, cursor: Any) -> None:
        cursor.execute(
            "CREATE USER IF NOT EXISTS %s@'%%' IDENTIFIED BY %s",
            (REPLICATION_USER, self._stack.password("rds-replication")),
        )
        cursor.execute("GRANT REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO %s@'%%'", (REPLICATION_USER,))
        rights = {"app": "SELECT, INSERT, UPDATE, DELETE, EXECUTE", "batch": "SELECT, INSERT, UPDATE, DELETE"}
        for user in APPLICATION_USERS:
            secret = self._stack.password("rds-application")
            cursor.execute("CREATE USER IF NOT EXISTS %s@'%%' IDENTIFIED BY %s", (user, secret))
            cursor.execute(f"GRANT {rights[user]} ON `{self._schema}`.* TO %s@'%%'", (user,))

    def _parameter(self, address: str, *, new: bool) -> None:
        """Where the application finds its database; a runbook may have moved that, unless the instance is new."""
        if not self._stack.folder.running("s3"):
            return
        ssm = boto3.client(
            "ssm",
            endpoint_url=self._stack.s3.endpoint_url,
            region_name=REGION,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
        )
        with contextlib.suppress(ssm.exceptions.ParameterAlreadyExists):
            ssm.put_parameter(Name=f"/{self._schema}/database", Value=address, Type="String", Overwrite=new)
