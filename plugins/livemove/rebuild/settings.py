"""The model of `include/indices/<alias>/index.yaml`, and of `mapping.json` beside it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, StringConstraints, field_validator, model_validator

from livemove.runbook.config import Settings, load
from livemove.runbook.errors import NeedsPerson
from livemove.runbook.include import include_folder
from livemove.stream.deployment import DeployerName

SETTINGS_FILE, MAPPING_FILE = "index.yaml", "mapping.json"

Text = Annotated[str, StringConstraints(min_length=1)]
# What Elasticsearch takes for an index, without the characters that mean something in its addresses.
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[a-z0-9][a-z0-9_.-]*$")]
StreamName = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[a-zA-Z0-9_.-]+$")]


class SnapshotSettings(Settings):
    """Where the copy begins."""

    repository: Text = Field(description="A snapshot repository that the cluster knows.")
    prefix: str = Field("", description="Snapshots whose names begin with this are ours.")
    max_age_hours: float = Field(24, gt=0, le=8760, description="An older snapshot is not used.")
    take: bool = Field(True, description="Take one where there is none that is fresh and good.")


class DocumentsSettings(Settings):
    """How rows become documents. The transform reads this section, too."""

    table: Text = Field(description="<schema>.<table> of the source.")
    id: list[Text] = Field(min_length=1, description="Columns whose values make the document's id.")
    fields: dict[str, Text] = Field(default_factory=dict, description="Columns that are no plain values, such as json.")
    lobs: list[Text] = Field(default_factory=list, description="Columns that DMS may leave out of an update.")
    lob_marker: Text = Field("<LOB>", description="What stands in place of a LOB that was not sent.")
    epoch: int = Field(1, ge=0, le=15, description="Raise it by one when the source database is replaced.")

    @field_validator("table")
    @classmethod
    def _names_schema_and_table(cls, table: str) -> str:
        if not re.fullmatch(r"[^.\s]+\.[^.\s]+", table):
            raise ValueError("expected <schema>.<table>, such as shop.products")
        return table


class StreamsSettings(Settings):
    """The two streams between database and index."""

    changes: StreamName = Field(description="What DMS writes.")
    documents: StreamName = Field(description="What the transform writes and loaders read.")

    @model_validator(mode="after")
    def _differ(self) -> StreamsSettings:
        if self.changes == self.documents:
            raise ValueError(f"changes and documents are both {self.changes!r}; each needs a stream of its own")
        return self


class LoaderSettings(Settings):
    """What runs loaders, and where they keep their state."""

    deployer: DeployerName = "local"
    state: Text = Field(description="s3://bucket/prefix")

    @field_validator("state")
    @classmethod
    def _is_s3(cls, state: str) -> str:
        if not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]+/.*[^/]", state):
            raise ValueError("expected s3://<bucket>/<prefix>, without a slash at the end")
        return state


class ReindexSettings(Settings):
    """How fast and in which portions documents are copied."""

    requests_per_second: float | None = Field(None, gt=0, description="Documents a second for each portion; null: all.")
    chunk_documents: int = Field(500_000, ge=1_000, le=10_000_000, description="A portion that is copied anew if lost.")


class Canary(Settings):
    """A query that must find something before the alias moves."""

    name: Text
    query: dict[str, Any] = Field(min_length=1, description="As in the body of a search, under `query`.")
    at_least: int = Field(1, ge=1)


class VerifySettings(Settings):
    """What is proven beyond ids and contents."""

    canaries: list[Canary] = Field(default_factory=list)


class Limits(Settings):
    """What a rebuild may meet, and how long its parts may take."""

    lag_seconds: float = Field(5, gt=0, le=600, description="From commit to applied: below it a loader is level.")
    polls: int = Field(3, ge=1, le=100, description="So many looks in a row must find it level.")
    rewind_seconds: float = Field(300, ge=0, le=86_400, description="Added before the snapshot: clocks differ.")
    spare_hours: float = Field(6, ge=0, le=720, description="Of the streams' retention, beyond age and forecast.")
    keep_hours: float = Field(24, ge=0, le=8760, description="How long the old index stays, and stays fed.")
    free_disk_factor: float = Field(2, ge=1, le=10, description="Free disk, in sizes of the index.")
    rebuild_hours: float = Field(24, gt=0, le=240, description="How long each step may take.")
    swap_seconds: float = Field(60, ge=5, le=600, description="How long the loader of the old index may be paused.")


class IndexSettings(Settings):
    """One file: an alias that searches use, and how the index behind it is fed and rebuilt."""

    alias: str = Field("", description="The folder's name; it need not be written.")
    copy_of: Name | None = Field(None, description="Begin with the documents of this alias, which stays: for A/B.")
    elasticsearch_conn_id: str = "elasticsearch_default"
    restore_into_conn_id: str | None = Field(None, description="The cluster of the new index, if it is another one.")
    aws_conn_id: str = "aws_default"
    snapshot: SnapshotSettings
    documents: DocumentsSettings
    streams: StreamsSettings
    loader: LoaderSettings
    reindex: ReindexSettings = Field(default_factory=lambda: ReindexSettings.model_validate({}))
    verify: VerifySettings = Field(default_factory=lambda: VerifySettings.model_validate({}))
    limits: Limits = Field(default_factory=lambda: Limits.model_validate({}))

    @model_validator(mode="after")
    def _another_cluster_takes_no_snapshot_of_this_one(self) -> IndexSettings:
        if self.restore_into_conn_id == self.elasticsearch_conn_id:
            raise ValueError(
                f"restore_into_conn_id is {self.restore_into_conn_id!r}, as elasticsearch_conn_id; leave it out"
            )
        return self

    @property
    def source_alias(self) -> str:
        """The alias whose documents are copied."""
        return self.copy_of or self.alias

    @property
    def target_conn_id(self) -> str:
        """The connection to the cluster of the new index."""
        return self.restore_into_conn_id or self.elasticsearch_conn_id


def indices_folder() -> Path:
    """The folder of the indices."""
    return include_folder() / "indices"


def index_names() -> list[str]:
    """Names of all aliases that have a file, without reading them."""
    return sorted(file.parent.name for file in indices_folder().glob(f"*/{SETTINGS_FILE}"))


def load_index(alias: str) -> IndexSettings:
    """Read `include/indices/<alias>/index.yaml`.

    :raises NeedsPerson: the file is missing or does not fit; the message names file, key and remedy.
    """
    path = _file(alias, SETTINGS_FILE)
    settings = load(path, IndexSettings)
    if settings.alias not in ("", alias):
        raise NeedsPerson(f"{path}: alias: {settings.alias!r} is not the folder's; remove the key.")
    return settings.model_copy(update={"alias": alias})


def load_mapping(alias: str) -> dict[str, Any]:
    """Read `include/indices/<alias>/mapping.json`: `settings` and `mappings`, as Elasticsearch's create index takes it.

    :raises NeedsPerson: the file is missing or does not fit; one line for each problem.
    """
    path = _file(alias, MAPPING_FILE)
    try:
        found = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_unique)
    except FileNotFoundError as error:
        raise NeedsPerson(f"{path}: there is no such file. Known aliases: {', '.join(index_names())}.") from error
    except ValueError as error:
        raise NeedsPerson(f"{path}: this is not valid JSON: {error}") from error
    if problems := list(_problems(path, found)):
        raise NeedsPerson("\n".join(problems))
    return dict(found)


def _file(alias: str, name: str) -> Path:
    folder = indices_folder()
    if not alias or alias != Path(alias).name:
        raise NeedsPerson(
            f"param alias: {alias!r} is no name of a folder in {folder}. Known: {', '.join(index_names())}."
        )
    if not (folder / alias).is_dir():
        raise NeedsPerson(f"{folder / alias}: there is no such folder. Known aliases: {', '.join(index_names())}.")
    return folder / alias / name


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"key {key!r} stands twice in one object; keep one of them")
        found[key] = value
    return found


def _problems(path: Path, found: Any) -> list[str]:
    if not isinstance(found, dict):
        return [f"{path}: expected an object with the keys settings and mappings."]
    problems = [
        f"{path}: {key}: unknown key; known are settings and mappings"
        + (". The runbook moves the alias itself." if key == "aliases" else ".")
        for key in sorted(set(found) - {"settings", "mappings"})
    ]
    for key in ("settings", "mappings"):
        if not isinstance(found.get(key), dict):
            problems.append(f"{path}: {key}: an object is required, as Elasticsearch's create index takes it.")
    mappings = found.get("mappings")
    if isinstance(mappings, dict) and "livemove" in mappings.get("properties", {}):
        problems.append(f"{path}: mappings.properties.livemove: this field is the runbooks' own; remove it.")
    if isinstance(mappings, dict) and "livemove" in mappings.get("_meta", {}):
        problems.append(f"{path}: mappings._meta.livemove: this key is the runbooks' own; remove it.")
    return problems
