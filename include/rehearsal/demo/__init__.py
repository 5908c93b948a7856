"""The demo: five real tables, a full copy, a day of changes, a differential copy, and the proof."""

from __future__ import annotations

from rehearsal.demo.show import main

__all__ = ["main"]
