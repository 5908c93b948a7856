"""Status and control of loaders, as objects in S3: `<state>/<name>/status.json` and `control.json`."""

from __future__ import annotations

import json
import logging
import time
from datetime import UTC, datetime, timedelta
from typing import Any

from livemove.runbook.errors import NeedsPerson, TryAgain
from livemove.stream import points
from livemove.stream.status import LoaderStatus

log = logging.getLogger(__name__)

POLL_SECONDS = 0.1
_ABSENT = ("404", "NoSuchKey", "NotFound")


class LoaderControl:
    """What loaders say and are told.

    :param s3: a boto3 client of S3.
    :param state: where loaders keep their state, as `s3://bucket/prefix`.
    """

    def __init__(self, s3: Any, state: str) -> None:
        self._s3 = s3
        self._bucket, _, prefix = state.removeprefix("s3://").partition("/")
        self._prefix = prefix.strip("/")

    def status(self, name: str) -> LoaderStatus | None:
        """What a loader has said last; None if it never ran."""
        found = self._read(self._key(name, "status.json"))
        return None if found is None else LoaderStatus.from_json(found)

    def fresh_status(self, name: str, at: datetime | None = None) -> LoaderStatus | None:
        """What a loader says now; None if it does not run."""
        found = self.status(name)
        return found if found and found.is_fresh(at or datetime.now(UTC)) else None

    def names(self) -> list[str]:
        """All loaders that ever ran."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=f"{self._prefix}/", Delimiter="/"
        )
        found = [each["Prefix"] for page in pages for each in page.get("CommonPrefixes", ())]
        return sorted(prefix.rstrip("/").rpartition("/")[2] for prefix in found)

    def failed_documents(self, name: str, limit: int = 10) -> list[dict[str, Any]]:
        """The first documents that a loader has set aside, each with id, version, source and reason."""
        found = self._s3.list_objects_v2(Bucket=self._bucket, Prefix=self._key(name, "failed/"), MaxKeys=limit)
        read = [self._read(each["Key"]) for each in found.get("Contents", ())]
        return [each for each in read if each is not None]

    def pause(self, name: str, seconds: float) -> None:
        """Ask a loader to pause. It goes on by itself when the time is up, whatever becomes of the asker."""
        self._write(name, {"pause_until": points.iso(datetime.now(UTC) + timedelta(seconds=seconds)), "stop": False})

    def resume(self, name: str) -> None:
        """Let a loader go on."""
        self._write(name, {"pause_until": None, "stop": False})

    def ask_to_stop(self, name: str) -> None:
        """Ask a loader to finish what is in flight, and to end."""
        self._write(name, {"pause_until": None, "stop": True})

    def await_state(self, name: str, *states: str, timeout_seconds: float) -> LoaderStatus:
        """Wait until a loader says that it is in one of these states.

        :raises TryAgain: it did not within the time.
        :raises NeedsPerson: it has failed.
        """
        asked, ends = datetime.now(UTC), time.monotonic() + timeout_seconds
        while True:
            found = self.status(name)
            # What was said before the question is no answer to it.
            if found and found.state in states and points.parse(found.written_at) >= asked - timedelta(seconds=1):
                return found
            if found and found.state == "failed":
                raise NeedsPerson(f"The loader {name} has failed: {found.error}. Mend that, then deploy it again.")
            if time.monotonic() > ends:
                said = f"{found.state}, said at {found.written_at}" if found else "silent"
                raise TryAgain(f"The loader {name} is {said}; {' or '.join(states)} was expected.")
            time.sleep(POLL_SECONDS)

    def forget(self, name: str) -> None:
        """Remove what a loader has left: status, control, and documents that it set aside."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._key(name, ""))
        for page in pages:
            for each in page.get("Contents", ()):
                self._s3.delete_object(Bucket=self._bucket, Key=each["Key"])

    def _key(self, name: str, file: str) -> str:
        return "/".join(filter(None, [self._prefix, name, file])) if file else f"{self._key(name, 'x')[:-1]}"

    def _read(self, key: str) -> dict[str, Any] | None:
        from botocore.exceptions import ClientError

        try:
            body = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in _ABSENT:
                return None
            raise
        found: dict[str, Any] = json.loads(body)
        return found

    def _write(self, name: str, control: dict[str, Any]) -> None:
        log.info("%s is told: %s", name, control)
        self._s3.put_object(Bucket=self._bucket, Key=self._key(name, "control.json"), Body=json.dumps(control).encode())
