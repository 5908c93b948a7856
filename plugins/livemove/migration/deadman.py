"""The dead-man's process: it gives the application its database back when the task that stopped writes cannot.

A process of a session of its own, so that it outlives the task's process group. It gets what it needs, passwords
included, over a pipe: never by argument, environment or file. The task asks it before each phase and renews a lease at
each poll; when the lease runs out or the task's process dies, it kills what may be left of the task and ends the
switch: back before the point of no return, forward after it. What decides is in `watch_rules`, what is done in
`ending`.

No Airflow here: it starts in a fraction of a second, and depends on nothing that dies with the task.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    # Started by path: `plugins` is where this package lies.
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from livemove.migration import ending, locks
from livemove.migration.endpoint import unpacked
from livemove.migration.line import Line
from livemove.migration.maintenance import MaintenanceMode
from livemove.migration.switch import Ending, Phase, Switch
from livemove.migration.watch_rules import Answer, Watch

# How long a step of ending the switch is tried again.
PATIENCE_SECONDS = 600.0
_ENDINGS = {Answer.UNDO: Ending.UNDO, Answer.COMPLETE: Ending.COMPLETE}


class Channel:
    """Lines of JSON from the task, and to it."""

    def __init__(self) -> None:
        self._buffer = b""
        self.closed = False

    def read(self) -> list[dict[str, Any]]:
        """What has come; call it when there is something."""
        data = os.read(0, 1 << 20)
        self.closed = not data
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        return [json.loads(line) for line in lines]

    @staticmethod
    def send(**message: Any) -> None:
        """Send a message; the task may be gone."""
        with suppress(OSError):
            os.write(1, json.dumps(message).encode() + b"\n")


class DeadMan:
    """Listens until there is something to end, and ends it."""

    def __init__(self, begin: dict[str, Any], channel: Channel) -> None:
        self._channel = channel
        self.switch = Switch.from_json(begin["switch"])
        self.means = ending.Means(
            leaving=Line(begin["leaving"]["options"], begin["leaving"]["name"]),
            entering=Line(begin["entering"]["options"], begin["entering"]["name"]),
            mover=unpacked(begin["mover"]),
            maintenance=MaintenanceMode.unpacked(begin["maintenance"]),
        )
        self._parent = os.pidfd_open(begin["parent"])
        self.watch = Watch.begin(begin["lease_seconds"], time.monotonic())
        if os.getppid() != begin["parent"]:
            self.watch = self.watch.orphaned()

    def run(self) -> int:
        """Listen, then end the switch; the process's exit code."""
        lock = locks.Lock(Line(self.means.leaving.options, self.means.leaving.name), self.switch.migration, "deadman")
        if not lock.take(seconds=1):
            self._channel.send(told="refused", why="another dead-man's process of this migration is at work")
            return 1
        self._channel.send(told="ready")
        try:
            while not self.watch.answer.final:
                self._listen()
            return self._end()
        finally:
            lock.leave()

    def _listen(self) -> None:
        left = max(0.0, self.watch.lease_ends - time.monotonic())
        heard, _, _ = select.select([0, self._parent], [], [], left)
        if self._parent in heard:
            # Before what it may have said last: nobody waits for an answer any more.
            self._hear_last_words()
            self.watch = self.watch.orphaned()
        elif 0 in heard:
            self._hear(self._channel.read())
            if self._channel.closed:
                self.watch = self.watch.orphaned()
        self.watch = self.watch.looked_at(time.monotonic())

    def _hear_last_words(self) -> None:
        """A task that said that it is done, and ended, is done."""
        while select.select([0], [], [], 0)[0] and not self._channel.closed and not self.watch.answer.final:
            self._hear([each for each in self._channel.read() if each.get("enter") == Phase.DONE.name])

    def _hear(self, messages: list[dict[str, Any]]) -> None:
        for message in messages:
            now = time.monotonic()
            if "enter" in message:
                self.watch = self.watch.entered(Phase[message["enter"]], now)
                if self.watch.answer is Answer.ACKNOWLEDGE:
                    self._channel.send(told="acknowledged", phase=message["enter"])
            elif "give_up" in message:
                self.watch = self.watch.given_up(message["give_up"])
            else:
                self.watch = self.watch.renewed(now)
            if self.watch.answer.final:
                return

    def _end(self) -> int:
        how = _ENDINGS.get(self.watch.answer)
        if how is None:
            self._channel.send(told="left", why=self.watch.why)
            return 0
        if not self._waits_for_us():
            # It may be frozen in the middle of a step; awake again it would do the rest of it.
            with suppress(OSError):
                signal.pidfd_send_signal(self._parent, signal.SIGKILL)
        until = time.monotonic() + PATIENCE_SECONDS
        try:
            ending.end(self.switch, self.watch.phase, how, self.watch.why, self.means, until=until)
        except Exception as error:
            self._channel.send(told="failed", why=str(error), report=self.means.report)
            return 1
        self._channel.send(told="ended", how=how.name, report=self.means.report)
        return 0

    def _waits_for_us(self) -> bool:
        return self._gave_up

    @property
    def _gave_up(self) -> bool:
        return self.watch.why.startswith(GAVE_UP)


# The task's reasons begin so: it lives, does nothing more, and waits for what becomes of it.
GAVE_UP = "given up: "


def main() -> int:
    """Run the process."""
    # A terminal's or a supervisor's wish to end the task is no reason to end this.
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    channel = Channel()
    messages: list[dict[str, Any]] = []
    while not messages:
        messages = channel.read()
        if channel.closed:
            return 0
    return DeadMan(messages[0], channel).run()


if __name__ == "__main__":
    sys.exit(main())
