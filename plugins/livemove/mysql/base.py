"""What the operators have in common: one server, steps that look first, and no password in any field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from livemove.mysql.hook import RdsMySqlHook
from livemove.mysql.replication import ReplicaStatus
from livemove.runbook.failing import no_retry_for_a_person

if TYPE_CHECKING:
    from airflow.sdk import Context


class MySqlOperator(BaseOperator):
    """Base of the operators: each works on one server, looks first, and can be cleared and run again.

    :param mysql_conn_id: Airflow connection of type mysql, with a user that may call `mysql.rds_*`.
    :param host: of the server, in the place of the connection's; such as an endpoint from the RDS API.
    :param port: in the place of the connection's.
    """

    template_fields: Sequence[str] = ("mysql_conn_id", "host", "port")
    ui_color = "#dcebe4"

    def __init__(
        self, *, mysql_conn_id: str, host: str | None = None, port: int | str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.mysql_conn_id = mysql_conn_id
        self.host = host
        self.port = port

    @property
    def hook(self) -> RdsMySqlHook:
        """A hook to the server."""
        return RdsMySqlHook(self.mysql_conn_id, host=self.host, port=int(self.port) if self.port else None)

    def execute(self, context: Context) -> Any:
        """Do the step; a problem that needs a person is not retried."""
        with no_retry_for_a_person():
            return self.step(self.hook)

    def step(self, hook: RdsMySqlHook) -> Any:
        """What this operator does."""
        raise NotImplementedError


def figures(status: ReplicaStatus | None) -> dict[str, Any]:
    """A replica's status as XCom takes it; {} for a server that does not replicate."""
    if status is None:
        return {}
    return {
        "source": f"{status.source_host}:{status.source_port}",
        "running": status.running,
        "auto_position": status.auto_position,
        "executed": str(status.executed),
        "seconds_behind": status.seconds_behind,
    }
