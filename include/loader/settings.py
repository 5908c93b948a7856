"""The part of an index.yaml that the transform reads, checked by its own code.

The runbooks check the whole file (`livemove.rebuild.settings`); this program knows only `documents`, `streams` and
`loader.state`, so that neither imports the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from loader.contract import EPOCH_BITS, RESERVED
from loader.errors import LoaderError
from loader.fields import CONVERSIONS

_DOCUMENTS = {"table", "id", "fields", "epoch", "lobs", "lob_marker"}
LOB_MARKER: Final = "<LOB>"


@dataclass(frozen=True)
class DocumentSettings:
    """How the rows of one table become documents."""

    alias: str
    table: str
    """`schema.table`."""
    id: tuple[str, ...]
    """Key columns, in the order in which the id is put together."""
    fields: Mapping[str, str]
    """Column to conversion, for those that are not taken as they come."""
    epoch: int
    lobs: tuple[str, ...] = ()
    """Columns that DMS may leave out of an update; without their value a document is never written."""
    lob_marker: str = LOB_MARKER
    """Text that stands in place of a LOB that was not sent."""


@dataclass(frozen=True)
class TransformSettings:
    """What `transform` needs to know."""

    documents: DocumentSettings
    changes: str
    """Name of the stream of changes."""
    output: str
    """Name of the stream of documents."""
    state: str
    """`s3://bucket/prefix` for status, control and what was set aside."""


def load_settings(path: Path) -> TransformSettings:
    """Read the index.yaml of an alias; the alias is the name of its folder.

    :raises LoaderError: the file or one of its values cannot be used; names file, key, value and remedy.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise LoaderError(f"{path}: cannot be read as YAML: {error}") from error
    checked = _Checked(path, "", content)
    streams, loader = checked.section("streams"), checked.section("loader")
    return TransformSettings(
        documents=_documents(checked.section("documents"), path.resolve().parent.name),
        changes=streams.text("changes"),
        output=streams.text("documents"),
        state=loader.text("state"),
    )


def _documents(section: _Checked, alias: str) -> DocumentSettings:
    section.refuse_others(_DOCUMENTS)
    table = section.text("table")
    if table.count(".") != 1:
        raise section.error("table", table, "write schema.table")
    fields = section.value.get("fields") or {}
    for column, conversion in fields.items() if isinstance(fields, dict) else [("", fields)]:
        if conversion not in CONVERSIONS:
            raise section.error(f"fields.{column}", conversion, f"choose one of {', '.join(sorted(CONVERSIONS))}")
    key = section.texts("id")
    if not key or RESERVED in fields:
        raise section.error("id", key, "name the columns of the key")
    epoch = section.value.get("epoch", 1)
    if isinstance(epoch, bool) or not isinstance(epoch, int) or not 0 <= epoch < 1 << EPOCH_BITS:
        raise section.error("epoch", epoch, f"write an integer from 0 to {(1 << EPOCH_BITS) - 1}")
    marker = section.text("lob_marker") if "lob_marker" in section.value else LOB_MARKER
    return DocumentSettings(alias, table, key, fields, epoch, section.texts("lobs", default=()), marker)


@dataclass(frozen=True)
class _Checked:
    path: Path
    name: str
    value: Any

    def section(self, key: str) -> _Checked:
        found = self.value.get(key) if isinstance(self.value, dict) else None
        if not isinstance(found, dict):
            raise self.error(key, found, "write a section with keys and values")
        return _Checked(self.path, f"{self.name}{key}.", found)

    def text(self, key: str) -> str:
        found = self.value.get(key)
        if not isinstance(found, str) or not found:
            raise self.error(key, found, "write a text")
        return found

    def texts(self, key: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        found = self.value.get(key, default)
        if not isinstance(found, list | tuple) or not all(isinstance(each, str) and each for each in found):
            raise self.error(key, found, "write a list of column names")
        return tuple(found)

    def refuse_others(self, known: set[str]) -> None:
        for key in self.value:
            if key not in known:
                raise self.error(key, self.value[key], f"remove it; known are {', '.join(sorted(known))}")

    def error(self, key: str, value: object, remedy: str) -> LoaderError:
        return LoaderError(f"{self.path}: {self.name}{key} is {value!r}: {remedy}")
