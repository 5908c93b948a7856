"""What is deployed to read a stream, and what can deploy it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

State = Literal["absent", "starting", "running", "ended"]
#: What can run loaders.
DeployerName = Literal["local"]


@dataclass(frozen=True)
class Deployment:
    """One loader.

    :ivar name: of the deployment; the loader that feeds an index has the index's name.
    :ivar stream: the Kinesis stream that it reads.
    :ivar targets: `https://host:port/index`, without credentials.
    :ivar state: where it keeps status and control, as `s3://bucket/prefix`.
    :ivar start: where it begins if it has no checkpoint: `latest`, `trim_horizon` or a time in ISO 8601.
    :ivar until: where it ends, as a time in ISO 8601; None for never.
    :ivar environment: variables that it needs, such as credentials; never shown.
    """

    name: str
    stream: str
    targets: tuple[str, ...]
    state: str
    start: str
    until: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)

    def arguments(self) -> list[str]:
        """Words of `python -m loader`; nothing in them is secret."""
        words = ["load", "--name", self.name, "--stream", self.stream, "--state", self.state]
        for target in self.targets:
            words += ["--target", target]
        words += ["--from", "checkpoint", "--otherwise", self.start]
        return [*words, "--until", self.until] if self.until else words


class Deployer(Protocol):
    """Runs loaders somewhere. Every call may be repeated, and finds what an earlier one has left."""

    def deploy(self, deployment: Deployment) -> None:
        """Run a loader, unless one of that name runs.

        :raises NeedsPerson: it cannot be run as things are.
        :raises TryAgain: it may work later.
        """

    def state(self, name: str) -> State:
        """What becomes of the loader of this name."""

    def stop(self, name: str) -> None:
        """End the loader of this name, with all that it started; nothing to do when none runs."""

    def running(self) -> list[str]:
        """Names of all loaders that run."""

    def last_words(self, name: str) -> str:
        """The end of what a loader has logged, for a person who looks for the reason of its end."""

    def describe(self, deployment: Deployment) -> str:
        """What `deploy` does, for a plan."""
