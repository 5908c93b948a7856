"""The S3 that COPY reads and UNLOAD writes."""

from __future__ import annotations

import json
import math
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

import boto3
import pyarrow as pa
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from pyarrow import fs

from .dialect.transfer import Copy

# The stand-in's S3 takes any credentials; these are used if the environment has none.
_CREDENTIALS = "rehearsal"
_REGION = "us-east-1"
_AT_ONCE_BYTES = 2**20


class StorageError(Exception):
    """S3 does not give what COPY or UNLOAD needs; the text is the context of Redshift's error 8001."""


@dataclass(frozen=True)
class S3Object:
    """An object and its size in bytes; of a small one that was looked at, what it holds."""

    bucket: str
    key: str
    size: int
    body: bytes | None = None

    @property
    def url(self) -> str:
        """The object's `s3://` address."""
        return f"s3://{self.bucket}/{self.key}"


class Storage:
    """S3 at one endpoint, shared by all sessions.

    :param endpoint: address of the service, such as `http://127.0.0.1:5000`.
    """

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint
        self._lock = threading.Lock()
        self._key = os.environ.get("AWS_ACCESS_KEY_ID", _CREDENTIALS)
        self._secret = os.environ.get("AWS_SECRET_ACCESS_KEY", _CREDENTIALS)

    @cached_property
    def client(self) -> Any:
        """The boto3 client, which threads may share."""
        with self._lock:
            return boto3.client(
                "s3",
                endpoint_url=self._endpoint,
                region_name=_REGION,
                aws_access_key_id=self._key,
                aws_secret_access_key=self._secret,
                config=Config(retries={"max_attempts": 2}, connect_timeout=5, s3={"addressing_style": "path"}),
            )

    @cached_property
    def _file_system(self) -> Any:
        address = urlsplit(self._endpoint)
        return fs.S3FileSystem(
            endpoint_override=address.netloc,
            scheme=address.scheme,
            region=_REGION,
            access_key=self._key,
            secret_key=self._secret,
            connect_timeout=5,
        )

    def objects(self, copy: Copy) -> list[S3Object]:
        """Find the objects that a COPY loads ("COPY from Amazon S3").

        :raises StorageError: there are none, or the manifest does not agree with what is there.
        """
        bucket, key = split_url(copy.source)
        try:
            if "MANIFEST" in copy.flags:
                found = self._of_manifest(bucket, key, sized=copy.format == "parquet")
            else:
                found = list(self.below(bucket, key))
        except (ClientError, BotoCoreError) as error:
            raise StorageError(service_error(error)) from error
        if not found:
            raise StorageError(f"The specified S3 prefix '{key}' does not exist")
        return found

    def below(self, bucket: str, prefix: str) -> Iterator[S3Object]:
        """List all objects whose keys begin with a prefix; empty ones that stand for folders are left out."""
        for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for entry in page.get("Contents", []):
                if entry["Size"] or not entry["Key"].endswith("/"):
                    yield S3Object(bucket, entry["Key"], entry["Size"])

    def open_random(self, found: S3Object) -> Any:
        """Open an object for Arrow, which reads the ranges that it needs; a small one is read at once."""
        if found.size <= _AT_ONCE_BYTES:
            return pa.BufferReader(self.open_stream(found).read() if found.body is None else found.body)
        try:
            return self._file_system.open_input_file(f"{found.bucket}/{found.key}")
        except OSError as error:
            raise StorageError(str(error)) from error

    def open_stream(self, found: S3Object) -> BinaryIO:
        """Open an object to be read from its beginning to its end."""
        try:
            body = self.client.get_object(Bucket=found.bucket, Key=found.key)["Body"]
        except (ClientError, BotoCoreError) as error:
            raise StorageError(service_error(error)) from error
        return cast("BinaryIO", body)

    def _of_manifest(self, bucket: str, key: str, sized: bool) -> list[S3Object]:
        found = []
        for entry in _entries(self.client.get_object(Bucket=bucket, Key=key)["Body"].read(), key):
            listed = self._listed(entry, sized)
            if listed is not None:
                found.append(listed)
        if not found:
            raise StorageError(f"No file of the manifest s3://{bucket}/{key} exists")
        return found

    def _listed(self, entry: dict[str, Any], sized: bool) -> S3Object | None:
        """Check one entry of a manifest against the object; None if the object is missing and may be."""
        url = str(entry["url"])
        expected = entry.get("meta", {}).get("content_length")
        if sized and expected is None:
            raise StorageError(f"The manifest lacks meta.content_length for {url}, which Parquet needs")
        if not isinstance(expected, int | None):
            raise StorageError(f"meta.content_length of {url} is no number of bytes: {expected!r}")
        bucket, key = split_url(url)
        try:
            found = self._looked_at(bucket, key, at_once=(expected or math.inf) <= _AT_ONCE_BYTES)
        except ClientError as error:
            if entry.get("mandatory", False):
                raise StorageError(f"Problem reading manifest file - {service_error(error)}: {url}") from error
            return None
        if expected is not None and found.size != expected:
            raise StorageError(f"File {url} has {found.size} bytes, and the manifest says {expected}")
        return found

    def _looked_at(self, bucket: str, key: str, *, at_once: bool) -> S3Object:
        if not at_once:
            return S3Object(bucket, key, self.client.head_object(Bucket=bucket, Key=key)["ContentLength"])
        answer = self.client.get_object(Bucket=bucket, Key=key)
        size = int(answer["ContentLength"])
        return S3Object(bucket, key, size, answer["Body"].read() if size <= _AT_ONCE_BYTES else None)


def split_url(url: str) -> tuple[str, str]:
    """Split an `s3://` address into bucket and key.

    :raises StorageError: it is none.
    """
    if not url.startswith("s3://"):
        raise StorageError(f"'{url}' is no S3 address")
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return bucket, key


def service_error(error: Exception) -> str:
    """Describe an error of S3 as Redshift does."""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        code, message = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
        return f"S3ServiceException:{message},Status {status},Error {code}"
    return f"S3CurlException: {error}"


def _entries(body: bytes, key: str) -> list[dict[str, Any]]:
    try:
        entries = json.loads(body)["entries"]
        if not all(isinstance(entry["url"], str) for entry in entries):
            raise TypeError
    except (ValueError, KeyError, TypeError) as error:
        raise StorageError(f"Invalid manifest file - '{key}' holds no list of entries with a url") from error
    return list(entries)
