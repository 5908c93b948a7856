"""Status, control and what was set aside, as objects in S3."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from loader.contract import moment
from loader.errors import LoaderError, StoppedError
from loader.times import jittered, now

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Control:
    """What someone asks of this processor."""

    pause_until: datetime | None = None
    stop: bool = False

    def paused(self) -> bool:
        """Whether to rest now; the wish ends by itself when its time is over."""
        return self.pause_until is not None and now() < self.pause_until


class State:
    """The objects of one processor below `<address>/<name>/`.

    :param client: boto3's S3 client.
    :param address: `s3://bucket/prefix`.
    :raises LoaderError: the address is no such text.
    """

    def __init__(self, client: Any, address: str, name: str) -> None:
        bucket, _, prefix = address.removeprefix("s3://").partition("/")
        if not address.startswith("s3://") or not bucket:
            raise LoaderError(f"--state is {address!r}: write s3://bucket/prefix")
        self._client, self._bucket = client, bucket
        self._prefix = "/".join(part for part in (prefix.strip("/"), name) if part)
        self._control = Control()

    def read_status(self) -> dict[str, Any] | None:
        """The status that was written last, or None.

        :raises LoaderError: it cannot be read.
        """
        try:
            found = self._get("status.json")
        except (BotoCoreError, ClientError) as error:
            raise LoaderError(
                f"{self.address('status.json')} cannot be read: {error}; check the bucket, and the rights s3:GetObject "
                "and s3:ListBucket"
            ) from error
        if found is None:
            return None
        if not isinstance(found, dict):
            raise LoaderError(
                f"{self.address('status.json')} is no JSON object: delete it and name a start with --from"
            )
        return found

    def write_status(self, status: Mapping[str, Any]) -> bool:
        """Write the status; a failure is logged, and the next second tries again.

        :returns: whether it is written.
        """
        try:
            self._put("status.json", status)
        except (BotoCoreError, ClientError) as error:
            log.warning("%s cannot be written: %s", self.address("status.json"), error)
            return False
        return True

    def control(self) -> Control:
        """What is asked for now; while it cannot be read, what was asked before (a pause ends by itself)."""
        try:
            found = self._get("control.json")
            until = (found or {}).get("pause_until")
            self._control = Control(moment(until) if until else None, bool((found or {}).get("stop")))
        except (BotoCoreError, ClientError, LoaderError, ValueError, AttributeError) as error:
            log.warning("%s cannot be read: %s", self.address("control.json"), error)
        return self._control

    def set_aside(self, key: str, content: Mapping[str, Any], stop: threading.Event) -> None:
        """Keep what will never be accepted; returns only once it is safe.

        :raises StoppedError: the processor is to stop while this cannot be written.
        """
        attempt = 0
        while True:
            try:
                self._put(f"failed/{key}.json", content)
                return
            except (BotoCoreError, ClientError) as error:
                log.warning("%s cannot be written: %s", self.address(f"failed/{key}.json"), error)
            if stop.wait(jittered(attempt)):
                raise StoppedError
            attempt += 1

    def address(self, name: str) -> str:
        """Where an object lies, for messages."""
        return f"s3://{self._bucket}/{self._prefix}/{name}"

    def _get(self, name: str) -> Any:
        try:
            body = self._client.get_object(Bucket=self._bucket, Key=f"{self._prefix}/{name}")["Body"].read()
        except self._client.exceptions.NoSuchKey:
            return None
        try:
            return json.loads(body)
        except ValueError as error:
            raise LoaderError(f"{self.address(name)} is no JSON: {error}") from error

    def _put(self, name: str, content: Mapping[str, Any]) -> None:
        body = json.dumps(content, ensure_ascii=False, indent=1, default=str).encode()
        self._client.put_object(
            Bucket=self._bucket, Key=f"{self._prefix}/{name}", Body=body, ContentType="application/json"
        )
