"""The RDS API through Airflow's AWS connection: looking, and making one call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, NoRegionError, ParamValidationError

from livemove.rds import facts, naming
from livemove.rds.calls import Call
from livemove.rds.faults import NotThere, explain
from livemove.rds.states import Kind, Subject
from livemove.runbook.errors import NeedsPerson, TryAgain

# Adaptive mode slows all calls of a client down once RDS throttles one (boto3 guide, "Retries").
RETRIES: Final = {"mode": "adaptive", "total_max_attempts": 8}
# DescribeEvents keeps two weeks.
EVENTS_KEPT: Final = timedelta(days=14)


class RdsHook(AwsBaseHook):
    """The RDS API.

    Calls are retried with botocore's adaptive mode, unless the connection's `config_kwargs` say otherwise. Errors come
    as TryAgain where the same call may work later, else as NeedsPerson with the remedy.

    :param aws_conn_id: Airflow connection of type aws.
    :param region_name: Region, if it is not the connection's.
    """

    def __init__(self, aws_conn_id: str | None = "aws_default", region_name: str | None = None, **kwargs: Any) -> None:
        kwargs["client_type"] = "rds"
        super().__init__(aws_conn_id=aws_conn_id, region_name=region_name, **kwargs)

    def _get_config(self, config: Config | None = None) -> Config:
        found = super()._get_config(config)
        return found if found.retries else found.merge(Config(retries=RETRIES))

    # -- calls --------------------------------------------------------------------------------

    def run(self, call: Call) -> dict[str, Any]:
        """Make a call and return its answer.

        :raises TryAgain: it may work later; `NotNow` for a state that does not allow it, `AlreadyThere` if it exists.
        :raises NeedsPerson: it will not.
        """
        self.log.info("%s", call.text())
        return self._ask(call.operation, **call.parameters)

    def _ask(self, operation: str, **parameters: Any) -> dict[str, Any]:
        answer = self._translated(operation, lambda: getattr(self.conn, xform_name(operation))(**parameters))
        return dict(answer)

    def _pages(self, operation: str, key: str, **parameters: Any) -> list[dict[str, Any]]:
        def read() -> list[dict[str, Any]]:
            pages = self.conn.get_paginator(xform_name(operation)).paginate(**parameters)
            return [item for page in pages for item in page[key]]

        return list(self._translated(operation, read))

    def _translated(self, operation: str, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except ClientError as error:
            answer = error.response
            status = int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
            detail = answer.get("Error", {})
            raise explain(detail.get("Code", ""), detail.get("Message", ""), status, operation) from error
        except (ParamValidationError, NoCredentialsError, NoRegionError) as error:
            raise NeedsPerson(f"rds:{operation}: {error} (AWS connection {self.aws_conn_id})") from error
        except BotoCoreError as error:
            raise TryAgain(f"rds:{operation}: {error}") from error

    # -- looks --------------------------------------------------------------------------------

    def _one(self, operation: str, key: str, **parameters: Any) -> dict[str, Any] | None:
        try:
            found = self._ask(operation, **parameters)[key]
        except NotThere:
            return None
        return dict(found[0]) if found else None

    def instance(self, identifier: str) -> dict[str, Any] | None:
        """Description of an instance (DescribeDBInstances); None if there is none."""
        name = naming.identifier_of(identifier)
        return self._one("DescribeDBInstances", "DBInstances", DBInstanceIdentifier=name)

    def cluster(self, identifier: str) -> dict[str, Any] | None:
        """Description of a cluster (DescribeDBClusters); None if there is none."""
        name = naming.identifier_of(identifier)
        return self._one("DescribeDBClusters", "DBClusters", DBClusterIdentifier=name)

    def snapshot(self, identifier: str, cluster: bool = False) -> dict[str, Any] | None:
        """Description of an instance's or cluster's snapshot; None if there is none.

        :param identifier: of the snapshot, or its ARN, which also finds one that another account shares.
        """
        for name in dict.fromkeys([naming.identifier_of(identifier), identifier]):
            if cluster:
                found = self._one("DescribeDBClusterSnapshots", "DBClusterSnapshots", DBClusterSnapshotIdentifier=name)
            else:
                found = self._one("DescribeDBSnapshots", "DBSnapshots", DBSnapshotIdentifier=name)
            if found is not None:
                return found
        return None

    def look(self, subject: Subject) -> dict[str, Any] | None:
        """Description of any resource; None if there is none."""
        if subject.kind is Kind.INSTANCE:
            return self.instance(subject.identifier)
        if subject.kind is Kind.CLUSTER:
            return self.cluster(subject.identifier)
        return self.snapshot(subject.identifier, cluster=subject.kind is Kind.CLUSTER_SNAPSHOT)

    def endpoint(self, identifier: str) -> tuple[str, int]:
        """Host and port of a cluster's writer, or of an instance.

        :raises NotThere: neither exists.
        :raises TryAgain: it has no endpoint yet.
        """
        found = self.cluster(identifier) or self.instance(identifier)
        if found is None:
            raise NotThere(
                f"There is no RDS cluster or instance {identifier}. Check the identifier and the Region of the AWS "
                f"connection {self.aws_conn_id}."
            )
        host, port = facts.host(found), facts.port(found)
        if not host or not port:
            raise TryAgain(f"{identifier} has no endpoint yet.")
        return host, int(port)

    def arn_of_instance(self, name: str) -> str:
        """ARN of an instance that is named by identifier or by ARN.

        :raises NotThere: there is no such instance.
        """
        if naming.is_arn(name):
            return name
        found = self.instance(name)
        if found is None:
            raise NotThere(f"There is no RDS instance {name}. Check the identifier and the Region.")
        return facts.arn(found)

    def tags(self, arn: str) -> dict[str, str]:
        """Tags of a resource."""
        return naming.as_dict(self._ask("ListTagsForResource", ResourceName=arn)["TagList"])

    def parameters(self, group: str, *, cluster: bool) -> list[dict[str, Any]]:
        """All parameters of an instances' or clusters' parameter group."""
        if cluster:
            return self._pages("DescribeDBClusterParameters", "Parameters", DBClusterParameterGroupName=group)
        return self._pages("DescribeDBParameters", "Parameters", DBParameterGroupName=group)

    def parameter_group(self, name: str, *, cluster: bool) -> dict[str, Any] | None:
        """Description of a parameter group; None if there is none."""
        if cluster:
            return self._one(
                "DescribeDBClusterParameterGroups", "DBClusterParameterGroups", DBClusterParameterGroupName=name
            )
        return self._one("DescribeDBParameterGroups", "DBParameterGroups", DBParameterGroupName=name)

    def events(self, subject: Subject, since: datetime | None = None) -> list[dict[str, Any]]:
        """Events of an instance or cluster, the oldest first.

        RDS keeps them for 14 days and sends them best-effort (RDS User Guide, "Working with Amazon RDS event
        notification"), so that one is missing proves nothing.

        :param since: with a time zone; the default is all that RDS keeps.
        """
        now = datetime.now(UTC)
        oldest = now - EVENTS_KEPT + timedelta(minutes=1)
        found = self._pages(
            "DescribeEvents",
            "Events",
            SourceIdentifier=subject.identifier,
            SourceType="db-instance" if subject.kind is Kind.INSTANCE else "db-cluster",
            StartTime=max(since or oldest, oldest),
            EndTime=now + timedelta(minutes=1),
        )
        return sorted(found, key=lambda event: event["Date"])

    def log_files(self, instance: str, containing: str = "") -> list[dict[str, Any]]:
        """Log files of an instance (DescribeDBLogFiles)."""
        return self._pages(
            "DescribeDBLogFiles",
            "DescribeDBLogFiles",
            DBInstanceIdentifier=instance,
            **({"FilenameContains": containing} if containing else {}),
        )

    def log_text(self, instance: str, file: str) -> Iterator[str]:
        """The portions of a log file (DownloadDBLogFilePortion), the first first."""
        marker = "0"
        while True:
            answer = self._ask(
                "DownloadDBLogFilePortion", DBInstanceIdentifier=instance, LogFileName=file, Marker=marker
            )
            yield answer.get("LogFileData") or ""
            if not answer.get("AdditionalDataPending"):
                return
            marker = answer["Marker"]
