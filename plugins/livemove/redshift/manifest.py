"""The record of an extraction, and the manifest that COPY reads."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from livemove.runbook.errors import NeedsPerson

RECORD_NAME: Final = "extract.json"
MANIFEST_NAME: Final = "copy.manifest"
_PART = re.compile(r"part-[0-9a-f]{8}-\d{5,}\.parquet")


def part_name(attempt: str, number: int) -> str:
    """Name of a part. Each attempt has a token of 8 hex digits, so that no dead attempt's part is taken for ours."""
    return f"part-{attempt}-{number:05d}.parquet"


def is_ours(name: str) -> bool:
    """Whether a file name in an extraction's folder is one that the sync gives."""
    return name in (RECORD_NAME, MANIFEST_NAME) or _PART.fullmatch(name) is not None


@dataclass(frozen=True)
class Part:
    """One Parquet object.

    :ivar size: bytes in S3.
    :ivar etag: as S3 answered when it was written.
    """

    key: str
    rows: int
    size: int
    etag: str


@dataclass(frozen=True)
class ExtractionRecord:
    """What one extraction produced. It is written last: where it exists, every part does.

    :ivar full: whether all rows were read.
    :ivar lower: exclusive lower end as the state stored it; None for a full extraction.
    :ivar upper: inclusive upper end, as the state will store it; None if there is none to store.
    :ivar columns: name, Redshift type and whether NOT NULL, in the order of the parts.
    :ivar uncompressed_bytes: size of the rows in Arrow, for the disk forecast.
    """

    table: str
    target: str
    mode: str
    full: bool
    lower: str | None
    upper: str | None
    rows: int
    uncompressed_bytes: int
    parts: Sequence[Part]
    columns: Sequence[tuple[str, str, bool]]
    key: Sequence[str] = ()
    unique: bool = True
    watermark: str | None = None
    dist_key: str | None = None
    sort_key: Sequence[str] = ()
    state_version: int = 0
    findings: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    seconds: float = 0.0
    peak_mb: int = 0

    def to_json(self) -> str:
        """The record's text in S3."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str | bytes) -> ExtractionRecord:
        """Read the record's text."""
        document = json.loads(text)
        document["parts"] = tuple(Part(**part) for part in document["parts"])
        document["columns"] = tuple((name, kind, not_null) for name, kind, not_null in document["columns"])
        for lists in ("key", "sort_key", "findings"):
            document[lists] = tuple(document[lists])
        return cls(**document)

    @property
    def size(self) -> int:
        """Bytes of all parts in S3."""
        return sum(part.size for part in self.parts)


def copy_manifest(bucket: str, parts: Sequence[Part]) -> str:
    """The manifest for COPY: every part mandatory, with its length (guide, loading-data-files-using-manifest)."""
    entries = [
        {"url": f"s3://{bucket}/{part.key}", "mandatory": True, "meta": {"content_length": part.size}} for part in parts
    ]
    return json.dumps({"entries": entries}, indent=1)


def verify_parts(bucket: str, record: ExtractionRecord, found: Mapping[str, tuple[int, str]]) -> None:
    """Check that what is in S3 is what the extraction wrote.

    :param found: size and etag of each object in the folder, by key.
    :raises NeedsPerson: a part is missing or was replaced, or the record's counts do not add up.
    """
    for part in record.parts:
        where = f"s3://{bucket}/{part.key}"
        if part.key not in found:
            raise NeedsPerson(
                f"{where}: this part of table {record.table} is gone. Does a lifecycle rule or another job clean "
                "this prefix? Clear the task `extract` of this table to read it again."
            )
        if found[part.key] != (part.size, part.etag):
            raise NeedsPerson(
                f"{where}: somebody else wrote this object after the extraction ({part.size} bytes, etag "
                f"{part.etag}, are now {found[part.key]}). Give the sync a prefix of its own (`lake.prefix`), then "
                "clear the task `extract` of this table."
            )
    if sum(part.rows for part in record.parts) != record.rows:
        raise NeedsPerson(f"s3://{bucket}: the parts of {record.table} do not add up to {record.rows} rows.")
