"""A file of an index is refused for what would go wrong hours later, and says what to change."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from livemove.rebuild.settings import IndexSettings, index_names, load_index, load_mapping
from livemove.runbook.errors import NeedsPerson
from rehearsal.paths import REPOSITORY

EXAMPLE = REPOSITORY / "include" / "indices" / "products"


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Writes the folder `test`: the example with other values at dotted keys (None removes one), and a mapping."""
    monkeypatch.setenv("LIVEMOVE_INCLUDE", str(tmp_path))
    folder = tmp_path / "indices" / "test"
    folder.mkdir(parents=True)

    def writes(mapping: str | None = None, **changes: Any) -> None:
        document = yaml.safe_load((EXAMPLE / "index.yaml").read_text(encoding="utf-8"))
        for place, value in changes.items():
            *parents, key = place.split("__")
            inner = document
            for parent in parents:
                inner = inner.setdefault(parent, {})
            if value is None:
                del inner[key]
            else:
                inner[key] = value
        (folder / "index.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
        (folder / "mapping.json").write_text(mapping or (EXAMPLE / "mapping.json").read_text(encoding="utf-8"))

    return writes


def refused(read: Callable[[str], Any] = load_index, name: str = "test") -> str:
    with pytest.raises(NeedsPerson) as problem:
        read(name)
    return str(problem.value)


def test_the_shipped_example_is_read_and_knows_its_name() -> None:
    assert "products" in index_names()
    settings = load_index("products")
    assert settings.alias == settings.source_alias == "products"
    assert settings.target_conn_id == settings.elasticsearch_conn_id
    assert set(load_mapping("products")) == {"settings", "mappings"}


@pytest.mark.parametrize(
    ("changes", "key", "remedy"),
    [
        ({"snapshot__repositry": "x"}, "snapshot.repositry", "did you mean 'repository'?"),
        ({"snapshot__repository": None}, "snapshot.repository", "this key is required"),
        ({"snapshot__max_age_hours": 0}, "snapshot.max_age_hours", "greater than 0"),
        ({"documents__table": "products"}, "documents.table", "expected <schema>.<table>"),
        ({"documents__id": []}, "documents.id", "at least 1"),
        ({"documents__epoch": 16}, "documents.epoch", "less than or equal to 15"),
        ({"streams__documents": "livemove-changes"}, "streams", "each needs a stream of its own"),
        ({"loader__state": "s3://bucket"}, "loader.state", "expected s3://<bucket>/<prefix>"),
        ({"loader__deployer": "kubernetes"}, "loader.deployer", "'local'"),
        ({"reindex__chunk_documents": 10}, "reindex.chunk_documents", "1000"),
        ({"limits__polls": 0}, "limits.polls", "greater than or equal to 1"),
        ({"restore_into_conn_id": "elasticsearch_default"}, "index.yaml", "leave it out"),
        ({"copy_of": "Products"}, "copy_of", "pattern"),
        ({"alias": "other"}, "alias", "is not the folder's"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_key_and_remedy(
    write: Callable[..., None], changes: dict[str, Any], key: str, remedy: str
) -> None:
    write(**changes)
    said = refused()
    assert key in said
    assert remedy in said
    assert "index.yaml" in said


def test_every_problem_has_a_line_of_its_own(write: Callable[..., None]) -> None:
    write(limits__polls=0, documents__table="products")
    assert len(refused().splitlines()) == 2


@pytest.mark.parametrize(
    ("mapping", "problem"),
    [
        ("{", "not valid JSON"),
        ("[]", "expected an object"),
        ('{"settings": {}, "settings": {}}', "key 'settings' stands twice"),
        ('{"settings": {}}', "mappings: an object is required"),
        ('{"settings": {}, "mappings": {}, "aliases": {}}', "The runbook moves the alias itself"),
        ('{"settings": {}, "mappings": {"properties": {"livemove": {}}}}', "the runbooks' own; remove it"),
        ('{"settings": {}, "mappings": {"_meta": {"livemove": {}}}}', "the runbooks' own; remove it"),
    ],
)
def test_a_mapping_that_does_not_fit_is_refused(write: Callable[..., None], mapping: str, problem: str) -> None:
    write(mapping)
    said = refused(load_mapping)
    assert problem in said
    assert "mapping.json" in said


@pytest.mark.parametrize("name", ["../sync", "nobody", ""])
def test_a_name_leads_to_no_other_folder(name: str) -> None:
    assert "products" in refused(name=name)


def test_the_example_of_the_guide_is_a_file_that_names_every_key_with_its_default() -> None:
    guide = (REPOSITORY / "include" / "indices" / "README.md").read_text(encoding="utf-8")
    document = yaml.safe_load(guide.split("```yaml\n")[1].split("```")[0])
    settings = IndexSettings.model_validate(document)
    given = json.loads(settings.model_dump_json())
    assert set(IndexSettings.model_fields) - {"alias"} == set(document)
    for section in ("snapshot", "documents", "streams", "loader", "reindex", "verify", "limits"):
        assert set(given[section]) == set(document[section]), section
    defaults = load_index("products")
    assert settings.limits == defaults.limits
    assert settings.reindex == defaults.reindex
