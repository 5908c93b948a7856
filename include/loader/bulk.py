"""Writing ready-made bulk lines to one index.

Plain HTTP by urllib3, which boto3 brings along: the lines come finished out of the stream, so a client library
would only take them apart and put them together again, which costs more than all else here (`./dev bench loader`).
"""

from __future__ import annotations

import contextlib
import json
import logging
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from loader.errors import LoaderError, StoppedError
from loader.outcomes import Body, Outcome, Refusal, read_outcome
from loader.times import jittered

log = logging.getLogger(__name__)

# Only what tells refused documents apart comes back.
_FILTER: Final = "filter_path=errors,items.*.status,items.*.error"
_TIMEOUT: Final = urllib3.Timeout(connect=5, read=90)
# It is asked every second, between reading control and writing status.
_LOOK_TIMEOUT: Final = urllib3.Timeout(connect=2, read=5)
_RETRIED: Final = frozenset({408, 429, 500, 502, 503, 504})


@dataclass(frozen=True)
class Credentials:
    """How a target is entered; its values are never printed."""

    user: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)
    ca_file: str | None = None

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Credentials:
        """From LOADER_ELASTICSEARCH_USER, _PASSWORD, _API_KEY and _CA."""
        names = ("USER", "PASSWORD", "API_KEY", "CA")
        return cls(*(environment.get(f"LOADER_ELASTICSEARCH_{name}") or None for name in names))

    def headers(self) -> dict[str, str]:
        """The request headers that carry them."""
        if self.api_key:
            return {"authorization": f"ApiKey {self.api_key}"}
        if self.user:
            return urllib3.make_headers(basic_auth=f"{self.user}:{self.password or ''}")
        return {}


class Gate:
    """How many requests may be on their way at once: halved when the server is overloaded, slowly opened again."""

    def __init__(self, limit: int) -> None:
        self._most = self._limit = float(limit)
        self._inside = 0
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def passage(self) -> Iterator[None]:
        """Wait for a free place and hold it."""
        with self._changed:
            self._changed.wait_for(lambda: self._inside < max(1, int(self._limit)))
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify()

    def overloaded(self) -> None:
        """The server refused work."""
        with self._changed:
            self._limit = max(1.0, self._limit / 2)

    def done(self) -> None:
        """The server did its work."""
        with self._changed:
            self._limit = min(self._most, self._limit + 0.1)
            self._changed.notify()


@dataclass
class Written:
    """What became of some documents."""

    written: int = 0
    conflicts: int = 0
    retries: int = 0
    refused: list[Refusal] = field(default_factory=list)


class Target:
    """One concrete index of one cluster.

    :param address: `http(s)://host:port/index`.
    :param writers: how many requests may be on their way at once.
    :raises LoaderError: the address is not of that form.
    """

    def __init__(self, address: str, credentials: Credentials, *, writers: int = 3) -> None:
        parts = urlsplit(address)
        prefix, _, self.index = parts.path.rstrip("/").rpartition("/")
        if parts.scheme not in ("http", "https") or not parts.hostname or not self.index:
            raise LoaderError(f"--target is {parts.hostname or address!r}…: write http(s)://host:port/index")
        if parts.username or parts.password:
            raise LoaderError("--target holds a password: give it in LOADER_ELASTICSEARCH_USER and _PASSWORD instead")
        self._root = f"{parts.scheme}://{parts.netloc}{prefix}"
        self.name = f"{self._root}/{self.index}"
        self._url = f"{self._root}/{quote(self.index)}"
        self._http = urllib3.PoolManager(
            maxsize=writers + 1,
            retries=False,
            timeout=_TIMEOUT,
            headers={**credentials.headers(), "content-type": "application/x-ndjson"},
            ca_certs=credentials.ca_file,
        )
        self._gate = Gate(writers)
        self._workers = ThreadPoolExecutor(writers, thread_name_prefix=f"write-{self.index}")
        self._uuid: str | None = None
        self.trouble: str | None = None
        """Why requests are being repeated at present."""

    def check(self) -> None:
        """Make sure that the index can be written to as the contract says.

        :raises LoaderError: it cannot; names the reason and the remedy.
        """
        found = self._look()
        if self.index not in found:
            names = ", ".join(found)
            raise LoaderError(f"{self.name} is an alias of {names}: name the index itself, as aliases move")
        content = found[self.index]
        properties = content.get("mappings", {}).get("properties", {})
        flag = properties.get("livemove", {}).get("properties", {}).get("deleted", {})
        if flag.get("type") != "boolean":
            raise LoaderError(
                f"{self.name}: its mapping has no boolean field livemove.deleted, so deleted rows could not be hidden: "
                "create the index with the properties of the contract (README.md, Deletes)"
            )
        self._uuid = content["settings"]["index"]["uuid"]

    def watch(self) -> None:
        """Look whether the index is still the one that was checked; a server that does not answer says nothing.

        Bulk requests to an index that is gone would create it, with a guessed mapping.

        :raises LoaderError: it was deleted, or made anew.
        """
        with contextlib.suppress(HTTPError, _NoAnswerError):
            found = self._look()
            if found.get(self.index, {}).get("settings", {}).get("index", {}).get("uuid") != self._uuid:
                raise LoaderError(f"{self.name} was made anew since this loader started: start it again")

    def submit(self, body: Body, stop: threading.Event) -> Future[Written]:
        """`write`, in a thread of its own."""
        return self._workers.submit(self.write, body, stop)

    def close(self) -> None:
        """Let go of threads and connections; requests on their way end first."""
        self._workers.shutdown(wait=True, cancel_futures=True)
        self._http.clear()

    def write(self, body: Body, stop: threading.Event) -> Written:
        """Write documents; returns once each is written, superseded or refused for good.

        :param stop: repetitions end when it is set.
        :raises StoppedError: told to stop before all were done.
        :raises LoaderError: the target cannot be used any more.
        """
        result = Written()
        indexes = list(range(body.count))
        attempt = 0
        while indexes:
            outcome = self._send(body, stop)
            result.written += outcome.written
            result.conflicts += outcome.conflicts
            result.refused += [Refusal(indexes[each.index], each.status, each.reason) for each in outcome.refused]
            if not outcome.retry:
                break
            self._overloaded(outcome.because)
            result.retries += len(outcome.retry)
            body, indexes = body.only(outcome.retry), [indexes[each] for each in outcome.retry]
            if stop.wait(jittered(attempt)):
                raise StoppedError
            attempt += 1
        self.trouble = None
        return result

    def _send(self, body: Body, stop: threading.Event) -> Outcome:
        """One request, repeated until the server takes it as a whole."""
        attempt = 0
        while True:
            status, answer = self._request(body)
            if status == 200:
                self._gate.done()
                return read_outcome(answer, body.count)
            if status in (400, 413):
                return self._halved(body, status, answer, stop)
            if status not in _RETRIED and status != 0:
                raise LoaderError(f"{self.name} answers {status} to bulk requests: {_short(answer)}")
            self._overloaded(_short(answer))
            if stop.wait(jittered(attempt)):
                raise StoppedError
            attempt += 1

    def _request(self, body: Body) -> tuple[int, bytes]:
        with self._gate.passage():
            try:
                answer = self._http.request("POST", f"{self._url}/_bulk?{_FILTER}", body=body.text)
            except HTTPError as error:
                return 0, str(error).encode()
        return answer.status, answer.data

    def _halved(self, body: Body, status: int, answer: bytes, stop: threading.Event) -> Outcome:
        """The request as a whole was refused: too large, or one of its lines is no JSON. Find the culprit."""
        if body.count == 1:
            return Outcome(refused=[Refusal(0, status, _short(answer))])
        middle = body.count // 2
        joined = Outcome()
        for start, end in ((0, middle), (middle, body.count)):
            half = self._send(body.only(list(range(start, end))), stop)
            joined.written += half.written
            joined.conflicts += half.conflicts
            joined.because = half.because or joined.because
            joined.retry += [start + each for each in half.retry]
            joined.refused += [Refusal(start + each.index, each.status, each.reason) for each in half.refused]
        return joined

    def _overloaded(self, reason: str) -> None:
        self._gate.overloaded()
        if self.trouble is None:
            log.warning("%s: repeating requests: %s", self.name, reason)
        self.trouble = reason

    def _look(self) -> dict[str, Any]:
        answer = self._http.request(
            "GET",
            f"{self._url}?filter_path=*.mappings.properties.livemove,*.settings.index.uuid",
            timeout=_LOOK_TIMEOUT,
        )
        if answer.status == 404:
            raise LoaderError(f"{self.name} does not exist: create the index with its mapping first")
        if answer.status in (401, 403):
            raise LoaderError(
                f"{self.name} answers {answer.status}: check LOADER_ELASTICSEARCH_USER, _PASSWORD or _API_KEY, and "
                "that they may write the index and see its settings"
            )
        if answer.status != 200:
            raise _NoAnswerError(f"{self.name} answers {answer.status}: {_short(answer.data)}")
        found = json.loads(answer.data)
        if not isinstance(found, dict):
            raise _NoAnswerError(f"{self.name} does not answer as Elasticsearch does")
        return found

    def await_check(self, stop: threading.Event) -> None:
        """`check`, repeated while the server does not answer.

        :raises StoppedError: told to stop meanwhile.
        :raises LoaderError: as `check`.
        """
        attempt = 0
        while True:
            try:
                self.check()
                self.trouble = None
                return
            except (HTTPError, _NoAnswerError) as error:
                self._overloaded(str(error))
            if stop.wait(jittered(attempt, limit=5.0)):
                raise StoppedError
            attempt += 1


class _NoAnswerError(Exception):
    """The server could not say anything useful now."""


def _short(answer: bytes) -> str:
    with contextlib.suppress(ValueError, KeyError, TypeError):
        error = json.loads(answer)["error"]
        return f"{error['type']}: {error['reason']}"[:500]
    return answer[:300].decode(errors="replace")
