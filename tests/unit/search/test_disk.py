"""Watermarks in each form that Elasticsearch takes, and what a rebuild needs below them."""

from __future__ import annotations

import pytest

from livemove.search import disk
from livemove.search.cluster import disk_verdict
from livemove.search.disk import NodeDisk, Watermark

GB = 1 << 30


@pytest.mark.parametrize(
    ("text", "headroom", "free"),
    [
        ("90%", None, 10 * GB),
        ("0.9", None, 10 * GB),
        ("50gb", None, 50 * GB),
        ("512mb", None, GB // 2),
        ("90%", 2 * GB, 2 * GB),
        ("90%", 50 * GB, 10 * GB),
    ],
)
def test_a_watermark_is_what_has_to_stay_free(text: str, headroom: int | None, free: int) -> None:
    assert Watermark(text, headroom).needed_free(100 * GB) == free


def test_a_watermark_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="no size"):
        Watermark("much").needed_free(100)


def test_settings_are_read_with_their_defaults() -> None:
    prefix = "cluster.routing.allocation.disk.watermark."
    found = disk.watermarks({f"{prefix}high": "20gb", f"{prefix}flood_stage.max_headroom": "100GB"})
    assert found[disk.LOW] == Watermark("85%")
    assert found[disk.HIGH] == Watermark("20gb")
    assert found[disk.FLOOD] == Watermark("95%", 100 * GB)


def node(available: int, name: str = "n1") -> NodeDisk:
    return NodeDisk(name, 100 * GB, available * GB)


@pytest.mark.parametrize(
    ("nodes", "size", "result", "words"),
    [
        ([node(50)], 10, "ok", "42.9 GB free below the high watermark (90%); needed 21.5 GB: 2 x 10.7 GB"),
        ([node(50)], 21, "stop", "needed 45.1 GB"),
        ([node(25, "n1"), node(25, "n2")], 14, "ok", "needed 30.1 GB"),
        ([node(50, "n1"), node(8, "n2")], 1, "warn", "n2 over the high watermark"),
        ([node(50, "n1"), node(4, "n2")], 1, "stop", "n2 over the flood-stage watermark (95%)"),
    ],
)
def test_room_is_judged_below_the_high_watermark(nodes: list[NodeDisk], size: int, result: str, words: str) -> None:
    check = disk_verdict(nodes, {}, size * GB, 2)
    assert check.result == result
    assert words in check.figures


def test_a_cluster_that_does_not_watch_its_disks_is_judged_by_what_is_free() -> None:
    off = {"cluster.routing.allocation.disk.threshold_enabled": "false"}
    assert disk_verdict([node(4)], off, GB, 2).result == "ok"
    assert disk_verdict([node(1)], off, GB, 2).result == "stop"
