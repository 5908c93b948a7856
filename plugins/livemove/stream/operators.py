"""Operators for the loaders of a stream. Each can be used alone, in any DAG.

Example::

    loader = {"name": "products-20261122093000", "state": "s3://my-bucket/loaders"}
    with DAG("replay_an_hour", schedule=None):
        deploy = DeployLoaderOperator(
            task_id="deploy",
            stream="livemove-documents",
            targets=["https://search:9200/products-20261122093000"],
            start="2026-11-22T08:30:00Z",
            **loader,
        )
        level = LoaderCaughtUpSensor(task_id="until_level", stream="livemove-documents", **loader)
        stop = StopLoaderOperator(task_id="stop", **loader)
        deploy >> level >> stop
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from livemove.runbook.failing import problems_reported
from livemove.runbook.report import say
from livemove.stream.deployment import DeployerName, Deployment
from livemove.stream.loaders import Loaders, make_deployer

if TYPE_CHECKING:
    from airflow.sdk import Context


class LoaderOperator(BaseOperator):
    """Base of the operators for one loader.

    :param name: of the loader; the one that feeds an index has the index's name.
    :param state: where loaders keep status and control, as `s3://bucket/prefix`.
    :param deployer: what runs loaders; `local` runs processes on the worker's machine.
    :param aws_conn_id: Airflow connection of type aws, for the streams and for S3.
    """

    template_fields: Sequence[str] = ("name", "state", "aws_conn_id")
    ui_color = "#e8f0fb"

    def __init__(
        self,
        *,
        name: str,
        state: str,
        deployer: DeployerName = "local",
        aws_conn_id: str = "aws_default",
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.name = name
        self.state = state
        self.deployer = deployer
        self.aws_conn_id = aws_conn_id

    def execute(self, context: Context) -> str:
        """Do it; a problem that needs a person is not retried."""
        with problems_reported(context):
            done = self.act(Loaders(self.aws_conn_id, self.state, make_deployer(self.deployer)))
            self.log.info("%s", done)
            say(context, done)
            return done

    def act(self, loaders: Loaders) -> str:
        """Do it, and say what is true now."""
        raise NotImplementedError


class DeployLoaderOperator(LoaderOperator):
    """Run a loader, unless it runs; it goes on from its checkpoint if it has one.

    :param stream: the Kinesis stream of documents.
    :param targets: indices that it writes to, as `https://host:port/index`.
    :param start: `latest`, `trim_horizon` or a time in ISO 8601, where it has no checkpoint.
    :param until: where it ends, in ISO 8601; None for never.
    """

    template_fields: Sequence[str] = (*LoaderOperator.template_fields, "stream", "targets", "start", "until")

    def __init__(
        self, *, stream: str, targets: Sequence[str], start: str, until: str | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.stream = stream
        self.targets = targets
        self.start = start
        self.until = until

    @property
    def deployment(self) -> Deployment:
        """What is run."""
        return Deployment(self.name, self.stream, tuple(self.targets), self.state, self.start, self.until)

    def act(self, loaders: Loaders) -> str:
        """Deploy it."""
        return loaders.deploy(self.deployment)


class RewindLoaderOperator(DeployLoaderOperator):
    """Let a loader begin at `start`, whatever it has applied already. Versions make that harmless."""

    def act(self, loaders: Loaders) -> str:
        """Stop it, forget its checkpoint, and deploy it."""
        return loaders.rewind(self.deployment)


class PauseLoaderOperator(LoaderOperator):
    """Pause a loader for a while; it goes on by itself when the time is up.

    :param seconds: how long.
    """

    def __init__(self, *, seconds: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seconds = seconds

    def act(self, loaders: Loaders) -> str:
        """Pause it, and wait until it says so."""
        loaders.pause(self.name, lease_seconds=self.seconds)
        return f"{self.name} is paused for {self.seconds:g} s"


class ResumeLoaderOperator(LoaderOperator):
    """Let a paused loader go on."""

    def act(self, loaders: Loaders) -> str:
        """Resume it."""
        loaders.resume(self.name)
        return f"{self.name} goes on"


class StopLoaderOperator(LoaderOperator):
    """End a loader after what is in flight; one that does not run is left alone."""

    def act(self, loaders: Loaders) -> str:
        """Stop it."""
        return loaders.stop(self.name)
