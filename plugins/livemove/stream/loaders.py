"""What is done with loaders: deploy, rewind, pause, resume, stop. Plain functions that may be repeated."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from livemove.runbook.errors import NeedsPerson, TryAgain
from livemove.stream import status as reading
from livemove.stream.control import LoaderControl
from livemove.stream.deployment import Deployer, DeployerName, Deployment
from livemove.stream.hook import StreamHook
from livemove.stream.local import LocalDeployer
from livemove.stream.status import LoaderStatus

log = logging.getLogger(__name__)

STOP_SECONDS = 30.0


def make_deployer(name: DeployerName) -> Deployer:
    """The deployer of a name, as configuration files have it."""
    return {"local": LocalDeployer}[name]()


def same_documents(status: LoaderStatus, targets: Sequence[str]) -> bool:
    """Whether a loader writes to these indexes, whatever address the cluster has for it."""
    return {target.rpartition("/")[2] for target in status.targets} == {each.rpartition("/")[2] for each in targets}


@dataclass(frozen=True)
class Loaders:
    """All loaders that keep their state in one place.

    :param aws_conn_id: Airflow connection of type aws, for the streams and for S3; loaders get its credentials.
    :param state: where loaders keep status and control, as `s3://bucket/prefix`.
    :param deployer: what runs them.
    """

    aws_conn_id: str
    state: str
    deployer: Deployer

    @cached_property
    def streams(self) -> StreamHook:
        """The streams."""
        return StreamHook(self.aws_conn_id)

    @cached_property
    def control(self) -> LoaderControl:
        """What loaders say and are told."""
        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        return LoaderControl(S3Hook(aws_conn_id=self.aws_conn_id).get_conn(), self.state)

    def environment(self) -> dict[str, str]:
        """Credentials and endpoints of AWS as variables, for a loader that runs without Airflow."""
        session = self.streams.get_session()
        found = {"AWS_DEFAULT_REGION": session.region_name or ""}
        if credentials := session.get_credentials():
            frozen = credentials.get_frozen_credentials()
            found |= {"AWS_ACCESS_KEY_ID": frozen.access_key, "AWS_SECRET_ACCESS_KEY": frozen.secret_key}
            found |= {"AWS_SESSION_TOKEN": frozen.token} if frozen.token else {}
        found |= {
            "AWS_ENDPOINT_URL_KINESIS": self.streams.conn_client_meta.endpoint_url,
            "AWS_ENDPOINT_URL_S3": self.control_endpoint,
        }
        return {name: value for name, value in found.items() if value}

    @cached_property
    def control_endpoint(self) -> str:
        """The address of S3."""
        from airflow.providers.amazon.aws.hooks.s3 import S3Hook

        return str(S3Hook(aws_conn_id=self.aws_conn_id).conn_client_meta.endpoint_url)

    # -- acting -------------------------------------------------------------------------------

    def deploy(self, wanted: Deployment) -> str:
        """Run a loader: from its checkpoint if it has one, else from where it shall start.

        :returns: what was done.
        :raises NeedsPerson: a loader of that name reads another stream or writes to other indexes.
        """
        said = self.control.status(wanted.name)
        if said and (said.stream != wanted.stream or not same_documents(said, wanted.targets)):
            raise NeedsPerson(
                f"There is a loader {wanted.name} already, from {said.stream} to {', '.join(said.targets)}; "
                f"{wanted.stream} to {', '.join(wanted.targets)} was asked for. Stop that one, or choose another name."
            )
        if self.deployer.state(wanted.name) == "running":
            return f"{wanted.name} runs"
        # What it was told before would stop it at once.
        self.control.resume(wanted.name)
        self.deployer.deploy(replace(wanted, environment={**self.environment(), **wanted.environment}))
        return f"{wanted.name} was started from {'its checkpoint' if said else wanted.start}"

    def rewind(self, wanted: Deployment) -> str:
        """Run a loader from where it shall start, whatever it has applied already."""
        self.stop(wanted.name)
        self.control.forget(wanted.name)
        return self.deploy(wanted)

    def pause(self, name: str, *, lease_seconds: float, timeout_seconds: float = 15) -> LoaderStatus:
        """Pause a loader, and return how far it has come. It goes on by itself when the lease is up.

        :raises TryAgain: it does not say in time that it is paused.
        """
        self.control.pause(name, lease_seconds)
        return self.control.await_state(name, "paused", "stopped", timeout_seconds=timeout_seconds)

    def resume(self, name: str) -> None:
        """Let a loader go on."""
        self.control.resume(name)

    def stop(self, name: str) -> str:
        """End a loader: it finishes what is in flight, or is killed.

        :returns: what was done.
        """
        if self.deployer.state(name) != "running":
            return f"{name} does not run"
        self.control.ask_to_stop(name)
        try:
            self.control.await_state(name, "stopped", timeout_seconds=STOP_SECONDS)
        except (TryAgain, NeedsPerson) as problem:
            log.warning("%s", problem)
        self.deployer.stop(name)
        return f"{name} is stopped"

    # -- looking ------------------------------------------------------------------------------

    def behind(self, name: str, stream: str, limit_seconds: float) -> list[str]:
        """Why a loader is not level with its stream; empty if it is.

        :raises NeedsPerson: it has failed, or set documents aside.
        """
        said = self.control.status(name)
        if said is None:
            return [f"{name} has not said anything yet"]
        if said.state == "failed":
            raise NeedsPerson(f"The loader {name} has failed: {said.error}\n{self.deployer.last_words(name)}")
        self.refuse_failed_documents(said)
        return reading.behind(said, self.streams.open_shards(stream), limit_seconds, datetime.now(UTC))

    def refuse_failed_documents(self, said: LoaderStatus) -> None:
        """Refuse to go on where documents are missing.

        :raises NeedsPerson: it names the first of them.
        """
        if said.failed_documents:
            first = self.control.failed_documents(said.name, 3)
            raise NeedsPerson(
                f"The loader {said.name} has set {said.failed_documents} documents aside, below "
                f"{self.state}/{said.name}/failed/. The first:\n{_shown(first)}\n"
                "Mend the mapping or the documents; the index lacks them."
            )


def _shown(found: Sequence[Mapping[str, Any]]) -> str:
    keys = ("id", "version", "status", "reason")
    return "\n".join("- " + json.dumps({key: each.get(key) for key in keys}, ensure_ascii=False) for each in found)
