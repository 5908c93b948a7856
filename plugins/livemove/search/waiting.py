"""Steps that take time: each call looks, does what can be done now, and says how far it is."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from livemove.runbook.errors import TryAgain

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Progress:
    """What a step saw.

    :param done: nothing is left to do.
    :param text: for the log.
    :param result: what the step found or made, for XCom.
    :param pause_seconds: after which it should be called again; None where the caller may choose.
    """

    done: bool
    text: str
    result: Mapping[str, Any] = field(default_factory=dict)
    pause_seconds: float | None = None


Step = Callable[[], Progress]


def complete(step: Step, *, timeout_seconds: float = 3600, poll_seconds: float = 1.0) -> Progress:
    """Call a step until it is done, in this process, with a log line at each poll.

    A step that meets a fault which may pass, such as a server that restarts, is called again after a poll.

    :raises TryAgain: time is up; the message says what was still missing.
    :raises NeedsPerson: the step cannot go on by itself.
    """
    started = time.monotonic()
    while True:
        seen = attempt(step)
        if seen.done:
            log.info("%s", seen.text)
            return seen
        elapsed = time.monotonic() - started
        if elapsed >= timeout_seconds:
            raise TryAgain(f"Waited {timeout_seconds:.0f} s, then gave up: {seen.text}. The limit is timeout_seconds.")
        log.info("%s (%.1f s of at most %.0f s)", seen.text, elapsed, timeout_seconds)
        pause = poll_seconds if seen.pause_seconds is None else seen.pause_seconds
        time.sleep(max(0.0, min(pause, timeout_seconds - elapsed)))


def attempt(step: Step) -> Progress:
    """Call a step once; a fault that may pass is a step that is not done."""
    try:
        return step()
    except TryAgain as fault:
        return Progress(False, str(fault))
