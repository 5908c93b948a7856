"""The S3 side: one folder for each extraction, in which only our files are taken for ours."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from botocore.exceptions import ClientError

from livemove.redshift.manifest import (
    MANIFEST_NAME,
    RECORD_NAME,
    ExtractionRecord,
    Part,
    copy_manifest,
    is_ours,
)
from livemove.redshift.settings import LakeSettings
from livemove.runbook.errors import NeedsPerson

_JSON = "application/json"


def folder_of(lake: LakeSettings, *, sync: str, table: str, run_id: str) -> str:
    """The folder of one table in one run, ending in a slash.

    Names may hold any character, and S3 keys may not, so a digest stands for what is not plain.
    """
    run = hashlib.sha256(run_id.encode()).hexdigest()[:16]
    plain = table if table.isascii() and table.replace("_", "").isalnum() else ""
    name = f"{plain}-{hashlib.sha256(table.encode()).hexdigest()[:8]}".lstrip("-")
    return f"{lake.prefix}/{sync}/{name}/{run}/"


class Lake:
    """A bucket as the sync uses it.

    :param settings: bucket, prefix and Airflow connection.
    """

    def __init__(self, settings: LakeSettings) -> None:
        self.settings = settings
        self.bucket = settings.bucket

    @cached_property
    def client(self) -> Any:
        """The boto3 client."""
        return S3Hook(aws_conn_id=self.settings.conn_id).get_conn()

    def url(self, key: str) -> str:
        """The s3:// address of a key."""
        return f"s3://{self.bucket}/{key}"

    def check(self) -> None:
        """Check that the bucket is there and may be listed.

        :raises NeedsPerson: it is not.
        """
        try:
            self.client.list_objects_v2(Bucket=self.bucket, Prefix=self.settings.prefix, MaxKeys=1)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            raise NeedsPerson(
                f"lake.bucket: {self.bucket!r} cannot be listed by connection {self.settings.conn_id} ({code}). Create "
                "it, or allow s3:ListBucket on it and s3:GetObject, s3:PutObject, s3:DeleteObject below its prefix "
                "(include/iam/redshift_sync.json)."
            ) from error

    def listing(self, folder: str) -> dict[str, tuple[int, str]]:
        """Size and etag of each object in a folder, by key.

        :raises NeedsPerson: one of them is not ours.
        """
        found: dict[str, tuple[int, str]] = {}
        for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=folder):
            for item in page.get("Contents", []):
                found[item["Key"]] = (item["Size"], item["ETag"])
        for key in found:
            if not is_ours(key.removeprefix(folder)):
                raise NeedsPerson(
                    f"{self.url(key)}: something else writes into the sync's folder. Nothing was loaded. Give the "
                    "sync a prefix of its own (`lake.prefix`), or remove this object, and clear the failed task."
                )
        return found

    def read_record(self, folder: str) -> ExtractionRecord | None:
        """The record of a complete extraction; None if there is none."""
        try:
            body = self.client.get_object(Bucket=self.bucket, Key=folder + RECORD_NAME)["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
                return None
            raise
        return ExtractionRecord.from_json(body)

    def write_record(self, folder: str, record: ExtractionRecord) -> None:
        """Write the record: from now on the extraction counts as complete."""
        self._put(folder + RECORD_NAME, record.to_json().encode(), ContentType=_JSON)

    def write_manifest(self, folder: str, record: ExtractionRecord) -> str:
        """Write the manifest for COPY and return its address."""
        self._put(folder + MANIFEST_NAME, copy_manifest(self.bucket, record.parts).encode(), ContentType=_JSON)
        return self.url(folder + MANIFEST_NAME)

    def put_part(self, key: str, body: bytes, *, rows: int) -> Part:
        """Upload one Parquet part, in one request, so that it appears whole or not at all."""
        answer = self._put(key, body)
        return Part(key=key, rows=rows, size=len(body), etag=answer["ETag"])

    def delete(self, keys: Mapping[str, Any] | list[str]) -> int:
        """Delete objects; those that are gone already do not matter. Return how many were named."""
        names = list(keys)
        for start in range(0, len(names), 1000):
            batch = [{"Key": key} for key in names[start : start + 1000]]
            self.client.delete_objects(Bucket=self.bucket, Delete={"Objects": batch, "Quiet": True})
        return len(names)

    def _put(self, key: str, body: bytes, **options: str) -> Any:
        """Upload an object.

        The checksum is ours, so S3 refuses what changed on its way; it also lets the client send the bytes as
        they are instead of in pieces of 8 KB.
        """
        checksum = base64.b64encode(zlib.crc32(body).to_bytes(4, "big")).decode()
        return self.client.put_object(Bucket=self.bucket, Key=key, Body=body, ChecksumCRC32=checksum, **options)
