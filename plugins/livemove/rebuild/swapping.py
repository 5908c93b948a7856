"""The swap: the alias moves to another index, and no search goes back in time.

The loader of the index that is left pauses, the other one passes its position on every shard, the new index is
refreshed, the alias moves in one call, and the loader goes on. Killed anywhere, the paused loader goes on by itself
when its lease is up, and the next attempt finds the alias where it is.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from livemove.rebuild.rebuild import Rebuild
from livemove.runbook.errors import NeedsPerson, TryAgain
from livemove.search import aliases, calls, state
from livemove.stream.status import LoaderStatus, passed

log = logging.getLogger(__name__)

POLL_SECONDS = 0.1
# So much of the lease must be left when the alias is moved: what is asked then must end before the loader goes on.
SPARE_SECONDS = 3.0


@dataclass(frozen=True)
class Swapped:
    """What a swap did.

    :ivar moved: False if the alias had moved already.
    :ivar paused_ms: how long the loader of the index that was left stood still.
    :ivar alias_ms: how long the call took that moved the alias.
    """

    left: str
    entered: str
    moved: bool
    paused_ms: int = 0
    alias_ms: int = 0

    def text(self) -> str:
        """In one line."""
        if not self.moved:
            return f"the alias is on {self.entered}"
        return (
            f"the alias moved from {self.left or 'nowhere'} to {self.entered} in {self.alias_ms} ms; updates waited "
            f"for {self.paused_ms} ms"
        )


def swap(rebuild: Rebuild, left: str, entered: str) -> Swapped:
    """Move the alias.

    :param left: the index that it is on now; empty if it is on none yet.
    :param entered: the index that it moves to.
    :raises NeedsPerson: the alias is elsewhere, or a loader does not run; nothing has been changed.
    :raises TryAgain: the loaders did not meet in time; nothing has been changed.
    """
    hook, alias = rebuild.target, rebuild.alias
    if not left:
        hook.run(calls.refresh(entered))
        moved = aliases.add(hook, alias, entered)
        _recorded(rebuild, left, entered)
        return Swapped(left, entered, moved)
    if aliases.judge_swap(alias, aliases.look(hook, alias), left, entered, aliases.LIVE_FILTER):
        # An attempt that was killed may have left it paused.
        rebuild.loaders.resume(left)
        _recorded(rebuild, left, entered)
        return Swapped(left, entered, moved=False)
    state.write_state(hook, entered, alias=alias, replaced=left)
    done = _moved(rebuild, left, entered)
    _recorded(rebuild, left, entered)
    return done


def _moved(rebuild: Rebuild, left: str, entered: str) -> Swapped:
    hook, lease = rebuild.target, rebuild.settings.limits.swap_seconds
    began = time.monotonic()
    # The lease is counted from the question on, which the loader can only have read later.
    ends = began + lease - SPARE_SECONDS
    _refuse_silent(rebuild, entered)
    _refuse_silent(rebuild, left)
    try:
        paused = rebuild.loaders.pause(left, lease_seconds=lease, timeout_seconds=lease / 2)
        log.info("%s is paused after %.1f s.", left, time.monotonic() - began)
        _await_passed(rebuild, entered, paused, ends)
        hook.run(calls.refresh(entered))
        if time.monotonic() > ends:
            raise TryAgain(f"The refresh of {entered} took too long for the lease of {lease:g} s; nothing has changed.")
        called = time.monotonic()
        aliases.swap(hook, rebuild.alias, left, entered)
        alias_ms = round((time.monotonic() - called) * 1000)
    finally:
        rebuild.loaders.resume(left)
    return Swapped(left, entered, True, round((time.monotonic() - began) * 1000), alias_ms)


def _refuse_silent(rebuild: Rebuild, index: str) -> None:
    if rebuild.loaders.control.fresh_status(index) is None:
        raise NeedsPerson(
            f"The loader {index} does not run, so what it has applied is not known. Deploy it (DeployLoaderOperator, "
            "or clear the task that did), and wait until it is level."
        )


def _await_passed(rebuild: Rebuild, entered: str, paused: LoaderStatus, ends: float) -> None:
    def reasons() -> list[str]:
        found = rebuild.loaders.control.fresh_status(entered, datetime.now(UTC))
        return passed(found, paused) if found else [f"{entered} says nothing"]

    left = _until_none(reasons, ends)
    if left:
        raise TryAgain(
            f"{entered} has not applied all that {paused.name} has, within the lease: {'; '.join(left)}. Nothing has "
            "been changed; the loader of the old index goes on."
        )


def _until_none(reasons: Callable[[], list[str]], ends: float) -> list[str]:
    while (left := reasons()) and time.monotonic() < ends:
        time.sleep(POLL_SECONDS)
    return left


def _recorded(rebuild: Rebuild, left: str, entered: str) -> None:
    found = state.find_state(rebuild.target, entered)
    if found is None or not found.swapped_at or found.replaced != left:
        state.write_state(rebuild.target, entered, alias=rebuild.alias, swapped_at=state.now(), replaced=left)
