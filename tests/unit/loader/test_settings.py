"""The transform's part of an index.yaml."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from loader.errors import LoaderError
from loader.settings import load_settings
from rehearsal.paths import REPOSITORY

WHOLE = {
    "documents": {"table": "shop.products", "id": ["id"], "fields": {"tags": "json"}, "epoch": 1, "lobs": ["text"]},
    "streams": {"changes": "c", "documents": "d"},
    "loader": {"deployer": "local", "state": "s3://bucket/prefix"},
    "limits": {"lag_seconds": 5},
}


def written(folder: Path, content: object) -> Path:
    path = folder / "products" / "index.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def test_the_alias_is_the_name_of_the_folder(tmp_path):
    settings = load_settings(written(tmp_path, WHOLE))
    assert settings.documents.alias == "products"
    assert (settings.changes, settings.output, settings.state) == ("c", "d", "s3://bucket/prefix")
    assert (settings.documents.id, settings.documents.lobs) == (("id",), ("text",))


def test_every_index_that_ships_can_be_read():
    files = sorted((REPOSITORY / "include/indices").glob("*/index.yaml"))
    assert files
    for file in files:
        assert load_settings(file).documents.alias == file.parent.name


def test_both_sides_read_the_same_out_of_the_same_file(tmp_path):
    from livemove.rebuild.settings import DocumentsSettings

    for documents in (WHOLE["documents"], {"table": "shop.products", "id": ["id"]}):
        ours = load_settings(written(tmp_path, {**WHOLE, "documents": documents})).documents
        theirs = DocumentsSettings.model_validate(documents)
        for key in ("table", "fields", "epoch", "lob_marker"):
            assert getattr(ours, key) == getattr(theirs, key)
        assert (list(ours.id), list(ours.lobs)) == (theirs.id, theirs.lobs)


@pytest.mark.parametrize(
    ("section", "key", "value", "names"),
    [
        ("documents", "table", "products", "schema.table"),
        ("documents", "id", [], "columns of the key"),
        ("documents", "id", "id", "list of column names"),
        ("documents", "fields", {"tags": "jsonb"}, "choose one of"),
        ("documents", "epoch", 16, "from 0 to 15"),
        ("documents", "epoch", True, "from 0 to 15"),
        ("documents", "tabel", "x", "remove it"),
        ("documents", "lobs", "text", "list of column names"),
        ("streams", "changes", "", "write a text"),
        ("loader", "state", None, "write a text"),
    ],
)
def test_a_wrong_value_is_refused_with_file_key_and_remedy(tmp_path, section, key, value, names):
    path = written(tmp_path, {**WHOLE, section: {**WHOLE[section], key: value}})
    with pytest.raises(LoaderError, match=names) as error:
        load_settings(path)
    assert str(path) in str(error.value)
    assert f"{section}.{key}" in str(error.value)


@pytest.mark.parametrize("content", [None, [], {"documents": 1}], ids=str)
def test_a_file_without_sections_is_refused(tmp_path, content):
    with pytest.raises(LoaderError, match="section"):
        load_settings(written(tmp_path, content))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(LoaderError, match="absent"):
        load_settings(tmp_path / "absent")
