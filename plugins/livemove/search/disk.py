"""Whether the data nodes have room for what a rebuild makes. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

_PREFIX: Final = "cluster.routing.allocation.disk."
_UNITS: Final = {"b": 1, "kb": 1 << 10, "mb": 1 << 20, "gb": 1 << 30, "tb": 1 << 40, "pb": 1 << 50}
LOW, HIGH, FLOOD = "low", "high", "flood_stage"
_USUAL: Final = {LOW: "85%", HIGH: "90%", FLOOD: "95%"}


@dataclass(frozen=True)
class NodeDisk:
    """The disk of one data node, in bytes."""

    name: str
    total: int
    available: int

    def room(self, needed_free: int) -> int:
        """What may be written until only so much is free."""
        return max(0, self.available - needed_free)


@dataclass(frozen=True)
class Watermark:
    """How much has to stay free.

    :param text: as set, such as `90%`, `0.9` or `50gb`.
    :param headroom: the most that a share of the disk may mean, in bytes (8.5 and later); None for no limit.
    """

    text: str
    headroom: int | None = None

    def needed_free(self, total: int) -> int:
        """Bytes that have to stay free on a disk.

        :raises ValueError: the setting cannot be read.
        """
        share = re.fullmatch(r"(\d+(?:\.\d+)?)%", self.text)
        if share or re.fullmatch(r"[01](?:\.\d+)?", self.text):
            used = float(share[1]) / 100 if share else float(self.text)
            free = round(total * (1 - used))
            return free if self.headroom is None else min(free, self.headroom)
        return bytes_of(self.text)


def bytes_of(text: str) -> int:
    """A size such as `50gb`, in bytes.

    :raises ValueError: it is none.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgtp]?b)", text.strip().lower())
    if found is None:
        raise ValueError(f"{text!r} is no size.")
    return int(float(found[1]) * _UNITS[found[2]])


def watermarks(settings: Mapping[str, Any]) -> dict[str, Watermark]:
    """The three watermarks from flat settings of the cluster, defaults included."""
    found = {}
    for name, usual in _USUAL.items():
        headroom = str(settings.get(f"{_PREFIX}watermark.{name}.max_headroom", "-1"))
        limit = None if headroom.startswith("-1") else bytes_of(headroom)
        found[name] = Watermark(str(settings.get(f"{_PREFIX}watermark.{name}", usual)), limit)
    return found


def is_watched(settings: Mapping[str, Any]) -> bool:
    """Whether the cluster looks at its disks at all."""
    return str(settings.get(f"{_PREFIX}threshold_enabled", "true")).lower() == "true"


def over(nodes: Sequence[NodeDisk], mark: Watermark) -> list[NodeDisk]:
    """The nodes that are over a watermark."""
    return [node for node in nodes if node.available < mark.needed_free(node.total)]


def total_room(nodes: Sequence[NodeDisk], mark: Watermark) -> int:
    """What all nodes together may take until they reach a watermark."""
    return sum(node.room(mark.needed_free(node.total)) for node in nodes)


def human(size: float) -> str:
    """A size for people."""
    for unit in ("B", "KB", "MB", "GB"):
        if abs(size) < 1000:
            return f"{size:.1f} {unit}" if unit != "B" else f"{size:.0f} B"
        size /= 1000
    return f"{size:.1f} TB"
