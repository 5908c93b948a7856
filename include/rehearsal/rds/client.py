"""The controls of a running stand-in, for tests, drills and benchmarks."""

from __future__ import annotations

from typing import Any

import requests

from rehearsal.errors import RehearsalError

TIMEOUT_SECONDS = 180


class Control:
    """The controls under /_rehearsal/; each is described in `rehearsal.rds.control`.

    :param url: the stand-in's, as boto3's endpoint_url.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def call(self, what: str, **arguments: Any) -> Any:
        """Use a control.

        :raises RehearsalError: it failed; with the reason.
        """
        with requests.Session() as session:
            # Settings of a proxy must not send requests to 127.0.0.1 elsewhere.
            session.trust_env = False
            answer = session.post(f"{self._url}/_rehearsal/{what}", json=arguments, timeout=TIMEOUT_SECONDS)
        if not answer.ok:
            raise RehearsalError(f"The RDS stand-in refuses {what}: {answer.json()['error']}")
        return answer.json()

    def settings(self, **values: float) -> dict[str, float]:
        """Change how long states take, and the intervals; see `rehearsal.rds.store.Settings`."""
        return dict(self.call("settings", **values))

    def throttle(self, operation: str, count: int = 1) -> None:
        """Answer the next calls of an operation (a regular expression) with Throttling."""
        self.call("faults", operation=operation, code="Throttling", count=count)

    def fail(self, operation: str, code: str, count: int = 1) -> None:
        """Answer the next calls of an operation with an exception of the API, by its name in boto3."""
        self.call("faults", operation=operation, code=code, count=count)

    def clear_faults(self) -> None:
        """Forget faults that have not struck."""
        self.call("clear_faults")

    def servers(self) -> dict[str, dict[str, Any]]:
        """All servers, by the identifier of the instance or the cluster."""
        return dict(self.call("servers"))

    def heartbeat(self, identifier: str, count: int = 1) -> None:
        """Write RDS's heartbeat now."""
        self.call("heartbeat", identifier=identifier, count=count)

    def purge(self, identifier: str, keep_seconds: float = 0) -> list[str]:
        """Purge binary logs older than that, whatever the retention says; returns those that are left."""
        return list(self.call("purge", identifier=identifier, keep_seconds=keep_seconds))

    def cut(self, replica: str) -> None:
        """Cut the link from a replica to its source."""
        self.call("cut", replica=replica)

    def mend(self, replica: str) -> None:
        """Mend the link from a replica to its source."""
        self.call("mend", replica=replica)

    def kill(self, identifier: str, *, recover: bool = True) -> None:
        """Kill a server with SIGKILL; the service starts it again unless told otherwise."""
        self.call("kill", identifier=identifier, recover=recover)

    def recover(self, identifier: str) -> None:
        """Start a server that was killed without recovery."""
        self.call("recover", identifier=identifier)

    def collation_trap(self, identifier: str, *, on: bool = True) -> None:
        """Let the procedures fail with error 1267."""
        self.call("collation_trap", identifier=identifier, on=on)

    def start_failure(self, identifier: str, how: str) -> None:
        """How `rds_start_replication` tells of a failure: `error` or `row`."""
        self.call("start_failure", identifier=identifier, how=how)

    def wait(self, seconds: float = 60) -> bool:
        """Wait until no resource changes its state any more; returns whether that came to be."""
        return bool(self.call("wait", seconds=seconds))

    def reset(self) -> None:
        """Delete everything at once."""
        self.call("reset")
