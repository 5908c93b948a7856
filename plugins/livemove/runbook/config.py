"""Configuration files: YAML checked by pydantic models, with errors that a person can act on."""

from __future__ import annotations

import difflib
import types
import typing
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from livemove.runbook.errors import NeedsPerson


class Settings(BaseModel):
    """Base of all configuration models: unknown keys are refused, values cannot be changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True)


ModelT = TypeVar("ModelT", bound=Settings)


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML keeps the last of two equal keys and says nothing; this loader refuses the second."""


def _mapping(loader: _UniqueKeyLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    # What `<<` merges in may be overridden.
    nodes = [key for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
    keys = [loader.construct_object(key) for key in nodes]
    for place, key in enumerate(keys):
        if key in keys[:place]:
            line = nodes[place].start_mark.line + 1
            raise yaml.YAMLError(f"key {key!r} stands twice, again in line {line}; keep one of them")
    return loader.construct_mapping(node, deep=True)


_UniqueKeyLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def load(path: Path, model: type[ModelT]) -> ModelT:
    """Read a YAML file into a model.

    :raises NeedsPerson: the file is missing, is no YAML, or does not fit the model. The message has
        one line for each problem, naming file, key, value and remedy.
    """
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeyLoader)  # noqa: S506
    except FileNotFoundError as error:
        raise NeedsPerson(f"{path}: there is no such file. {_neighbours(path)}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise NeedsPerson(f"{path}: this is not valid YAML: {_one_line(error)}") from error
    if not isinstance(document, dict):
        kind = type(document).__name__
        raise NeedsPerson(f"{path}: expected keys and values at the top level, found {kind}.")
    try:
        return model.model_validate(document)
    except ValidationError as error:
        problems = [_explain(path, model, detail) for detail in error.errors(include_url=False)]
        raise NeedsPerson("\n".join(problems)) from error


def file_names(folder: Path) -> list[str]:
    """Names of a folder's files, without `.yaml` and without reading them."""
    return sorted(file.stem for file in folder.glob("*.yaml"))


def load_named(folder: Path, name: str, model: type[ModelT], param: str) -> ModelT:
    """Read `<folder>/<name>.yaml`; see `load`.

    :param param: the param that gave the name, for messages.
    :raises NeedsPerson: the name leads elsewhere, too.
    """
    if name != Path(name).name:
        raise NeedsPerson(f"param {param}: {name!r} is no name of a file. Known: {', '.join(file_names(folder))}.")
    return load(folder / f"{name}.yaml", model)


def _neighbours(path: Path) -> str:
    known = file_names(path.parent)
    return f"Known names: {', '.join(known)}." if known else f"Put one into {path.parent}."


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _explain(path: Path, model: type[BaseModel], detail: Any) -> str:
    place = [str(part) for part in detail["loc"]]
    where = ": ".join([str(path), *([".".join(place)] if place else [])])
    if detail["type"] == "extra_forbidden":
        known = _known_keys(model, place[:-1])
        near = difflib.get_close_matches(place[-1], known, n=1)
        remedy = f"did you mean {near[0]!r}?" if near else f"known keys here: {', '.join(known)}."
        return f"{where}: unknown key; {remedy}"
    if detail["type"] == "missing":
        return f"{where}: this key is required; add it."
    problem = detail["msg"].removeprefix("Value error, ")
    if isinstance(detail["input"], (dict, BaseModel)):
        return f"{where}: {problem}."
    if detail["type"] == "string_type":
        problem += "; if it is one, write it in quotes"
    return f"{where}: {detail['input']!r} does not fit: {problem}."


def _known_keys(model: type[BaseModel], place: list[str]) -> list[str]:
    here: Any = model
    for part in place:
        here = _inside(here, part)
    return sorted(_fields(here)) if isinstance(here, type) and issubclass(here, BaseModel) else []


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    """Types of a model's fields, by the names that they have in a file."""
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _inside(annotation: Any, key: str) -> Any:
    """The type of what stands under a key of `Model` or `dict[str, Model | None]`."""
    found = _fields(annotation).get(key) if isinstance(annotation, type) else typing.get_args(annotation)[-1]
    options = typing.get_args(found) if typing.get_origin(found) in (typing.Union, types.UnionType) else (found,)
    return next((option for option in options if option is not type(None)), None)
