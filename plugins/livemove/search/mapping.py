"""Settings and mapping of an index: what we add to the user's, and how they differ from a live index. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from livemove.runbook.errors import NeedsPerson

# The property that markers of deleted documents use; searches hide them by the alias's filter.
MARKER: Final[Mapping[str, Any]] = {"properties": {"deleted": {"type": "boolean"}, "at": {"type": "date"}}}
MARKER_NAME: Final = "livemove"
# What a copy sets for its duration. Every write is on disk before it is acknowledged, whatever the user wants later:
# a task's result outlives a node that is killed, and would else tell of documents that did not.
DURING_COPY: Final[Mapping[str, Any]] = {
    "index.refresh_interval": "-1",
    "index.number_of_replicas": "0",
    "index.translog.durability": "request",
}
# Index modules, "Static index settings", with those of analysis, similarity, sorting and storage: a new index is
# needed to change them (or a closed one, which no search finds).
_STATIC: Final = (
    "index.number_of_shards", "index.number_of_routing_shards", "index.codec", "index.routing_partition_size",
    "index.routing_path", "index.soft_deletes.enabled", "index.load_fixed_bitset_filters_eagerly",
    "index.shard.check_on_startup", "index.analysis.", "index.similarity.", "index.sort.", "index.store.",
    "index.mode", "index.merge.policy.type",
)  # fmt: skip
# What a server or an operation adds by itself.
_OWN: Final = (
    "index.uuid", "index.creation_date", "index.provided_name", "index.version.", "index.history.uuid",
    "index.resize.", "index.routing.allocation.", "index.blocks.", "index.hidden", "index.verified_before_close",
    "index.lifecycle.", "index.soft_deletes.",
)  # fmt: skip
# Mapping parameters that can be changed on a live field (Mapping parameters, each "can be updated").
_CHANGEABLE: Final = frozenset({"boost", "ignore_above", "search_analyzer", "search_quote_analyzer", "dynamic", "meta"})


@dataclass(frozen=True)
class Difference:
    """One thing that the live index has otherwise than is wanted.

    :param live: None if the live index does not have it.
    :param wanted: None if it is not wanted.
    :param rebuild: it takes a new index; else a call on the live one would do.
    """

    key: str
    live: Any
    wanted: Any
    rebuild: bool

    def __str__(self) -> str:
        if self.live is None:
            change = f"added: {_short(self.wanted)}"
        elif self.wanted is None:
            change = f"removed: was {_short(self.live)}"
        else:
            change = f"{_short(self.live)} -> {_short(self.wanted)}"
        return f"{self.key}: {change}{'' if self.rebuild else ' (could be changed without a rebuild)'}"


def flat_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as `index.…` keys with text values, from any of the forms that Elasticsearch takes."""
    flat: dict[str, Any] = {}
    for key, value in _leaves(settings):
        name = key if key.startswith("index.") else f"index.{key}"
        flat[name] = value if value is None or isinstance(value, list) else _text(value)
    return flat


def _leaves(value: Mapping[str, Any], before: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, each in value.items():
        found += _leaves(each, f"{before}{key}.") if isinstance(each, Mapping) and each else [(f"{before}{key}", each)]
    return found


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def checked(body: Mapping[str, Any], where: str = "mapping.json") -> None:
    """Refuse what a creation cannot take.

    :param body: `{"settings": …, "mappings": …}`.
    :raises NeedsPerson: another key, an alias, or a field of our own defined otherwise.
    """
    if unknown := sorted(set(body) - {"settings", "mappings"}):
        raise NeedsPerson(
            f"{where}: unknown key {', '.join(unknown)}; it has `settings` and `mappings`, as PUT /<index> takes "
            "them. The alias is moved by the swap."
        )
    for part in ("settings", "mappings"):
        if not isinstance(body.get(part, {}), Mapping):
            raise NeedsPerson(f"{where}: `{part}` is no object.")
    mappings = body.get("mappings", {})
    if (mappings.get("_source") or {}).get("enabled") is False:
        raise NeedsPerson(f"{where}: mappings._source.enabled is false, but a copy reads documents from their source.")
    own = mappings.get("properties", {}).get(MARKER_NAME)
    if own is not None and own != MARKER:
        raise NeedsPerson(
            f"{where}: the property `{MARKER_NAME}` belongs to the markers of deleted documents; leave it out."
        )
    if MARKER_NAME in (mappings.get("_meta") or {}):
        raise NeedsPerson(f"{where}: `_meta.{MARKER_NAME}` holds the state of a rebuild; leave it out.")


def completed(body: Mapping[str, Any]) -> dict[str, Any]:
    """The user's settings, flat, and mapping, with the property that markers of deleted documents use."""
    mappings = dict(body.get("mappings", {}))
    mappings["properties"] = {**mappings.get("properties", {}), MARKER_NAME: dict(MARKER)}
    return {"settings": flat_settings(body.get("settings", {})), "mappings": mappings}


def to_restore(body: Mapping[str, Any]) -> dict[str, Any]:
    """What the settings that a copy changes have to be in the end; None for the server's default."""
    settings = flat_settings(body.get("settings", {}))
    return {key: settings.get(key) for key in DURING_COPY}


def creation(body: Mapping[str, Any], meta: Mapping[str, Any], *, for_copy: bool = True) -> dict[str, Any]:
    """The body that creates an index.

    :param body: the user's `mapping.json`.
    :param meta: for `_meta.livemove`.
    :param for_copy: with the settings that a copy wants.
    """
    made = completed(body)
    made["mappings"]["_meta"] = {**(made["mappings"].get("_meta") or {}), MARKER_NAME: dict(meta)}
    if for_copy:
        made["settings"] |= DURING_COPY
    return made


def fields(mappings: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Each field's own parameters by its path; sub fields of multi-fields as `name#sub`."""
    found: dict[str, dict[str, Any]] = {}

    def walk(properties: Mapping[str, Any], before: str, link: str) -> None:
        for name, definition in properties.items():
            path = f"{before}{link}{name}" if before else name
            own = {key: each for key, each in definition.items() if key not in ("properties", "fields")}
            # An object is one by default.
            found[path] = {"type": "object", **own} if "properties" in definition else own
            walk(definition.get("properties", {}), path, ".")
            walk(definition.get("fields", {}), path, "#")

    walk(mappings.get("properties", {}), "", "")
    return found


def differences(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[Difference]:
    """How a live index differs from what is wanted, settings first.

    :param live: `{"settings": …, "mappings": …}` as the server gives them.
    :param wanted: the user's `mapping.json`.
    """
    wanted = completed(wanted)
    return [
        *_settings(flat_settings(live.get("settings", {})), wanted["settings"]),
        *_root(live.get("mappings", {}), wanted["mappings"]),
        *_fields(fields(live.get("mappings", {})), fields(wanted["mappings"])),
    ]


def is_static(setting: str) -> bool:
    """Whether a setting cannot be changed while an index is open."""
    return any(setting == each or (each.endswith(".") and setting.startswith(each)) for each in _STATIC)


def _settings(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[Difference]:
    found = []
    for key in sorted({*live, *wanted}):
        ours, theirs = wanted.get(key), live.get(key)
        if ours == theirs or (key not in wanted and _is_own(key)) or (ours is None and _is_default(key, theirs)):
            continue
        if theirs is None and _is_default(key, ours):
            continue
        found.append(Difference(f"settings.{key}", theirs, ours, is_static(key)))
    return found


def _is_own(setting: str) -> bool:
    return any(setting == each or (each.endswith(".") and setting.startswith(each)) for each in _OWN)


def _is_default(setting: str, value: Any) -> bool:
    # A server always tells these two, also if nobody has set them (since 7.0: one shard, one replica).
    return setting in ("index.number_of_shards", "index.number_of_replicas") and str(value) == "1"


def _root(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[Difference]:
    keys = sorted({*live, *wanted} - {"properties", "_meta"})
    return [
        Difference(f"mappings.{key}", live.get(key), wanted.get(key), key not in _CHANGEABLE)
        for key in keys
        if _plain(live.get(key)) != _plain(wanted.get(key))
    ]


def _fields(live: Mapping[str, dict[str, Any]], wanted: Mapping[str, dict[str, Any]]) -> list[Difference]:
    found = []
    for path in sorted({*live, *wanted}):
        theirs, ours = live.get(path), wanted.get(path)
        if path == MARKER_NAME or path.startswith(f"{MARKER_NAME}."):
            continue
        if theirs is None or ours is None:
            found.append(Difference(f"field {path}", theirs, ours, ours is None))
        elif _plain(theirs) != _plain(ours):
            changed = {key for key in {*theirs, *ours} if _plain(theirs.get(key)) != _plain(ours.get(key))}
            found.append(Difference(f"field {path}", theirs, ours, not changed <= _CHANGEABLE))
    return found


def _plain(value: Any) -> Any:
    """A value without the difference between `true` and `"true"`, which is none to Elasticsearch."""
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    return value if value is None else _text(value)


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_short(each)}" for key, each in sorted(value.items())) + "}"
    return str(value)
