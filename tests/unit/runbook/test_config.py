"""A configuration file either fits its model, or each problem is told with file, key, value and remedy."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field, ValidationError

from livemove.runbook.config import Settings, load
from livemove.runbook.errors import NeedsPerson


class Leaf(Settings):
    colour: Literal["red", "green"] = "red"
    names: list[str] = Field(default_factory=list)
    size: int = Field(1, ge=1)


class Root(Settings):
    title: str
    place: str | None = Field(None, alias="where")
    leaf: Leaf | None = None
    leaves: dict[str, Leaf | None] = Field(default_factory=dict)


def _load(folder: Path, text: str) -> Root:
    path = folder / "root.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path, Root)


def _problem(folder: Path, text: str) -> str:
    with pytest.raises(NeedsPerson) as refused:
        _load(folder, text)
    # The file is named first, in every line.
    assert all(line.startswith(f"{folder}/root.yaml: ") for line in str(refused.value).splitlines())
    return str(refused.value).replace(f"{folder}/root.yaml: ", "")


def test_a_file_that_fits_is_read(tmp_path: Path) -> None:
    root = _load(tmp_path, "title: 売上\nwhere: here\nleaves:\n  a: {colour: green}\n  b:\n")
    assert root.title == "売上"
    assert root.place == "here"
    assert root.leaves["a"] == Leaf(colour="green")
    assert root.leaves["b"] is None


def test_what_was_read_cannot_be_changed(tmp_path: Path) -> None:
    root = _load(tmp_path, "title: a")
    with pytest.raises(ValidationError, match="frozen"):
        root.title = "b"  # type: ignore[misc]


def test_a_key_that_is_nearly_right_is_named_with_the_right_one(tmp_path: Path) -> None:
    text = "title: a\nleaves:\n  x: {color: red}"
    assert _problem(tmp_path, text) == "leaves.x.color: unknown key; did you mean 'colour'?"


def test_a_key_that_is_like_no_other_is_named_with_those_that_there_are(tmp_path: Path) -> None:
    problem = _problem(tmp_path, "title: a\nleaf: {zzz: 1}")
    assert problem == "leaf.zzz: unknown key; known keys here: colour, names, size."


def test_known_keys_are_called_as_in_the_file_and_not_as_in_the_model(tmp_path: Path) -> None:
    assert _problem(tmp_path, "title: a\nwhre: x") == "whre: unknown key; did you mean 'where'?"


def test_a_user_s_name_that_equals_a_key_does_not_mislead_the_remedy(tmp_path: Path) -> None:
    problem = _problem(tmp_path, "title: a\nleaves:\n  colour: {sise: 2}")
    assert problem == "leaves.colour.sise: unknown key; did you mean 'size'?"


def test_a_missing_key_is_named(tmp_path: Path) -> None:
    assert _problem(tmp_path, "where: here") == "title: this key is required; add it."


def test_a_value_that_does_not_fit_is_shown(tmp_path: Path) -> None:
    problem = _problem(tmp_path, "title: a\nleaf: {size: 0}")
    assert problem == "leaf.size: 0 does not fit: Input should be greater than or equal to 1."


def test_a_number_or_truth_value_where_text_belongs_may_want_quotes(tmp_path: Path) -> None:
    assert "leaf.names.0: False does not fit" in _problem(tmp_path, "title: a\nleaf: {names: [no]}")
    assert "write it in quotes" in _problem(tmp_path, "title: 2013")


def test_every_problem_has_a_line(tmp_path: Path) -> None:
    problem = _problem(tmp_path, "titel: a\nleaf: {size: 0, colour: blue}")
    assert len(problem.splitlines()) == 4


def test_a_key_that_stands_twice_is_refused_with_its_line(tmp_path: Path) -> None:
    problem = _problem(tmp_path, "title: a\nleaves:\n  x:\n  y:\n  x:\n")
    assert "'x' stands twice, again in line 5" in problem


def test_a_key_may_stand_in_two_mappings(tmp_path: Path) -> None:
    assert set(_load(tmp_path, "title: a\nleaves:\n  x: {size: 1}\n  y: {size: 1}").leaves) == {"x", "y"}


def test_what_an_anchor_brings_may_be_overridden(tmp_path: Path) -> None:
    text = "title: a\nleaf: &same {colour: green, size: 2}\nleaves:\n  x:\n    <<: *same\n    size: 3\n"
    assert _load(tmp_path, text).leaves["x"] == Leaf(colour="green", size=3)


def test_a_file_that_is_no_yaml_is_told_in_one_line(tmp_path: Path) -> None:
    problem = _problem(tmp_path, "title: [a\nleaf: }")
    assert problem.startswith("this is not valid YAML: ")
    assert len(problem.splitlines()) == 1


def test_a_file_that_is_no_utf8_is_told(tmp_path: Path) -> None:
    (tmp_path / "root.yaml").write_bytes(b"title: \xff\xfe")
    with pytest.raises(NeedsPerson, match=r"root\.yaml: this is not valid YAML"):
        load(tmp_path / "root.yaml", Root)


@pytest.mark.parametrize(("text", "kind"), [("", "NoneType"), ("- a\n- b", "list"), ("a", "str")])
def test_a_file_without_keys_is_told(tmp_path: Path, text: str, kind: str) -> None:
    assert _problem(tmp_path, text) == f"expected keys and values at the top level, found {kind}."


def test_python_objects_are_not_made_from_yaml(tmp_path: Path) -> None:
    assert "not valid YAML" in _problem(tmp_path, "title: !!python/object/apply:os.getcwd []")


def test_a_missing_file_is_told_with_those_that_there_are(tmp_path: Path) -> None:
    (tmp_path / "other.yaml").write_text("title: a")
    with pytest.raises(NeedsPerson, match=r"root\.yaml: there is no such file\. Known names: other\."):
        load(tmp_path / "root.yaml", Root)


def test_a_missing_file_in_an_empty_folder_is_told_with_where_to_put_one(tmp_path: Path) -> None:
    with pytest.raises(NeedsPerson, match=f"Put one into {tmp_path}"):
        load(tmp_path / "root.yaml", Root)
