"""What feeds the example's index: the transform, and the loaders that the local deployer runs."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from rehearsal.airflow.environment import inherited
from rehearsal.airflow.library import library_variables
from rehearsal.errors import RehearsalError
from rehearsal.paths import REPOSITORY
from rehearsal.progress import say
from rehearsal.s3 import ACCESS_KEY, SECRET_KEY
from rehearsal.search import products
from rehearsal.search.seed import ALIAS
from rehearsal.services import LOADERS, REGION

if TYPE_CHECKING:
    from rehearsal.stack import Stack

SETTINGS = REPOSITORY / "include" / "indices" / ALIAS / "index.yaml"
SEED_SECONDS = 180
STALLED_SECONDS = 30


class Stream:
    """The stream processors of one stack."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.transform = stack.folder.server("stream-transform")

    def start(self) -> None:
        """Start what does not run; at the first time make the index and its alias, and wait for the documents.

        :raises RehearsalError: a part did not come up.
        """
        if self.transform.pid is None:
            self.transform.spawn(
                [sys.executable, "-u", "-m", "loader", "transform", "--index", str(SETTINGS)],
                {**inherited(), **self._addresses(), "PYTHONPATH": str(REPOSITORY / "include")},
            )
        self._seed()
        self._await_documents()

    def _addresses(self) -> Mapping[str, str]:
        return {
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL_KINESIS": self._stack.kinesis.endpoint_url,
            "AWS_ENDPOINT_URL_S3": self._stack.s3.endpoint_url,
        }

    def _seed(self) -> None:
        home = self._stack.path / "seed"
        home.mkdir(parents=True, exist_ok=True)
        variables = {
            **inherited(),
            **library_variables(home, self._stack.layout),
            **self._stack.connections(),
            LOADERS: str(self._stack.folder.loaders),
            "PYTHONPATH": os.pathsep.join(str(REPOSITORY / name) for name in ("include", "plugins")),
        }
        done = subprocess.run(
            [sys.executable, "-m", "rehearsal.search.seed"],
            env=variables,
            capture_output=True,
            text=True,
            timeout=SEED_SECONDS,
            check=False,
        )
        if done.returncode:
            raise RehearsalError(f"The index of the example could not be made:\n{done.stderr[-3000:]}")

    def _await_documents(self) -> None:
        """Wait until searches find as many documents as the table has rows; a rehearsal may have deleted some."""
        table = f"{products.DATABASE}.products"
        rows = int(self._stack.mysql().writer.value(f"SELECT COUNT(*) FROM {table}"))  # noqa: S608 - a constant
        most, ends = 0, time.monotonic() + STALLED_SECONDS
        while (documents := self._documents()) < rows:
            if documents > most:
                most, ends = documents, time.monotonic() + STALLED_SECONDS
            if time.monotonic() > ends:
                say(f"  searches find {documents} documents, and {table} has {rows} rows; see {self.transform.log}")
                return
            time.sleep(0.1)

    def _documents(self) -> int:
        return int(self._stack.elasticsearch.request("GET", f"/{ALIAS}/_count")["count"])
