"""What is added to a user's mapping, what it refuses, and how a live index differs from it."""

from __future__ import annotations

from typing import Any

import pytest

from livemove.runbook.errors import NeedsPerson
from livemove.search import mapping

BODY = {
    "settings": {
        "number_of_shards": 3,
        "index": {"refresh_interval": "5s", "analysis": {"analyzer": {"a": {"type": "stop"}}}},
    },
    "mappings": {
        "dynamic": "strict",
        "properties": {
            "name": {"type": "text", "fields": {"raw": {"type": "keyword", "ignore_above": 256}}},
            "maker": {"properties": {"id": {"type": "long"}}},
        },
    },
}


def test_settings_of_any_form_become_flat_ones() -> None:
    forms: list[dict[str, Any]] = [
        {"number_of_shards": 3, "blocks": {"write": True}},
        {"index": {"number_of_shards": "3", "blocks.write": "true"}},
        {"index.number_of_shards": 3, "index.blocks.write": True},
    ]
    assert [mapping.flat_settings(each) for each in forms] == [
        {"index.number_of_shards": "3", "index.blocks.write": "true"}
    ] * 3


def test_a_creation_has_the_marker_the_state_and_the_settings_of_a_copy() -> None:
    made = mapping.creation(BODY, {"alias": "products"})
    assert made["mappings"]["properties"]["livemove"] == mapping.MARKER
    assert made["mappings"]["_meta"] == {"livemove": {"alias": "products"}}
    assert made["settings"]["index.refresh_interval"] == "-1"
    assert made["settings"]["index.number_of_shards"] == "3"
    assert mapping.to_restore(BODY) == {
        "index.refresh_interval": "5s",
        "index.number_of_replicas": None,
        "index.translog.durability": None,
    }
    assert "livemove" not in BODY["mappings"]["properties"]  # type: ignore[operator]


def test_an_index_that_begins_empty_has_the_users_settings() -> None:
    assert mapping.creation(BODY, {}, for_copy=False)["settings"]["index.refresh_interval"] == "5s"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"aliases": {"products": {}}}, "unknown key aliases"),
        ({"settings": []}, "`settings` is no object"),
        ({"mappings": {"_source": {"enabled": False}}}, "_source.enabled"),
        ({"mappings": {"properties": {"livemove": {"type": "keyword"}}}}, "leave it out"),
        ({"mappings": {"_meta": {"livemove": {}}}}, "leave it out"),
    ],
)
def test_what_a_creation_cannot_take_is_refused(body: dict[str, Any], words: str) -> None:
    with pytest.raises(NeedsPerson, match=words):
        mapping.checked(body)


def live(**changes: Any) -> dict[str, Any]:
    """The index as a server describes it, made from BODY, then changed."""
    made = mapping.completed(BODY)
    made["settings"] |= {"index.uuid": "x", "index.number_of_replicas": "1", "index.version.created": "7172999"}
    made["mappings"]["_meta"] = {"livemove": {}}
    made["mappings"]["properties"] |= changes.pop("properties", {})
    made["mappings"] |= changes.pop("mappings", {})
    made["settings"] |= changes
    return made


def test_an_index_made_from_a_body_does_not_differ_from_it() -> None:
    assert mapping.differences(live(), BODY) == []


@pytest.mark.parametrize(
    ("changes", "text", "rebuild"),
    [
        ({"index.number_of_shards": "2"}, "settings.index.number_of_shards: 2 -> 3", True),
        ({"index.refresh_interval": "1s"}, "settings.index.refresh_interval: 1s -> 5s", False),
        ({"index.number_of_replicas": "2"}, "settings.index.number_of_replicas: removed: was 2", False),
        ({"index.analysis.analyzer.a.type": "simple"}, "settings.index.analysis.analyzer.a.type: simple -> stop", True),
        ({"index.codec": "best_compression"}, "settings.index.codec: removed: was best_compression", True),
        ({"mappings": {"dynamic": "true"}}, "mappings.dynamic: true -> strict", False),
        ({"mappings": {"_routing": {"required": True}}}, "mappings._routing: removed: was {required: True}", True),
        ({"properties": {"old": {"type": "long"}}}, "field old: removed: was {type: long}", True),
        ({"properties": {"maker": {"properties": {"id": {"type": "integer"}}}}}, "field maker.id: {type: integer} -> {type: long}", True),
        ({"properties": {"maker": {"properties": {}}}}, "field maker.id: added: {type: long}", False),
        (
            {"properties": {"name": {"type": "text", "fields": {"raw": {"type": "keyword", "ignore_above": 9}}}}},
            "field name#raw: {ignore_above: 9, type: keyword} -> {ignore_above: 256, type: keyword}",
            False,
        ),
    ],
)  # fmt: skip
def test_each_difference_is_told_and_whether_it_takes_a_new_index(
    changes: dict[str, Any], text: str, rebuild: bool
) -> None:
    [found] = mapping.differences(live(**changes), BODY)
    assert found.rebuild is rebuild
    assert str(found) == text + ("" if rebuild else " (could be changed without a rebuild)")
