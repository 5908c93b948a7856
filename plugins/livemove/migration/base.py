"""What the operators of the migration's runbooks have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from livemove.migration.topology import Servers
from livemove.runbook.failing import problems_reported

if TYPE_CHECKING:
    from airflow.sdk import Context


class MigrationOperator(BaseOperator):
    """Base of the operators that work on one migration.

    :param migration: name of the file in `include/migrations`, without `.yaml`.
    """

    template_fields: Sequence[str] = ("migration",)
    ui_color = "#fdf1e3"

    def __init__(self, *, migration: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.migration = migration

    def execute(self, context: Context) -> Any:
        """Do the work; a problem that needs a person is not retried."""
        with problems_reported(context):
            return self.work(context, Servers.named(self.migration))

    def work(self, context: Context, servers: Servers) -> Any:
        """What this operator does."""
        raise NotImplementedError
