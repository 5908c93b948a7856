"""The report of `migration_prepare`: with Terraform import blocks for the databases that it made."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from livemove.migration.known import NEW_ROLES
from livemove.migration.topology import Servers
from livemove.rds import facts, naming
from livemove.rds.terraform import Resource, import_blocks
from livemove.runbook.report import ReportOperator

if TYPE_CHECKING:
    from airflow.sdk import Context


def made_by_us(servers: Servers) -> list[Resource]:
    """What carries this migration's tags, and so was made by it: Terraform does not know it yet."""
    found: list[Resource] = []
    for role in NEW_ROLES:
        description, instance = servers.describe(role), servers.writer_instance(role)
        if description is None:
            continue
        if servers.rds(role).tags(facts.arn(description)).get(naming.TAG_MIGRATION) != servers.settings.name:
            continue
        if not role.is_cluster:
            found.append(Resource("aws_db_instance", description["DBInstanceIdentifier"]))
            continue
        found.append(Resource("aws_rds_cluster", description["DBClusterIdentifier"]))
        if instance is not None:
            found.append(Resource("aws_rds_cluster_instance", instance["DBInstanceIdentifier"]))
    return found


class PrepareReportOperator(ReportOperator):
    """The report of a run of `migration_prepare`.

    :param migration: name of the file.
    """

    template_fields: Sequence[str] = ("title", "migration")

    def __init__(self, *, migration: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.migration = migration

    def more(self, context: Context) -> str:
        """What Terraform should be told."""
        made = made_by_us(Servers.named(self.migration))
        if not made:
            return ""
        return f"## For Terraform\n\n```hcl\n{import_blocks(made)}```"
