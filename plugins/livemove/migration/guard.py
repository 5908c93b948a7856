"""The task's side of the dead-man's process: start it, ask it before each phase, show it that the task goes on."""

from __future__ import annotations

import json
import logging
import os
import select
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from livemove.migration import deadman
from livemove.migration.access import Access
from livemove.migration.endpoint import packed
from livemove.migration.line import Line
from livemove.migration.maintenance import MaintenanceMode
from livemove.migration.settings import MigrationSettings
from livemove.migration.switch import Phase, Switch
from livemove.runbook.errors import TryAgain

log = logging.getLogger(__name__)

START_SECONDS, ANSWER_SECONDS = 15.0, 5.0


class GuardLost(TryAgain):
    """The dead-man's process does not answer: the task must not go on, and has to end the switch itself."""


class Guard:
    """The dead-man's process of one switch."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._buffer = b""

    @property
    def pid(self) -> int | None:
        """The process's id; None when it does not run."""
        return self._process.pid if self._process and self._process.poll() is None else None

    def start(
        self,
        switch: Switch,
        settings: MigrationSettings,
        *,
        leaving: Line,
        entering: Line,
        access: Access,
        maintenance: MaintenanceMode,
    ) -> None:
        """Start the process and wait until it watches.

        :raises GuardLost: it did not start.
        """
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(Path(deadman.__file__))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            # The supervisor of the task waits for the task's own output to be closed.
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
        )
        self._send(
            parent=os.getpid(),
            lease_seconds=settings.limits.lease_seconds,
            switch=switch.as_json(),
            leaving={"options": leaving.options, "name": leaving.name},
            entering={"options": entering.options, "name": entering.name},
            mover=packed(settings.endpoint, access, settings.mysql.port),
            maintenance=maintenance.packed(),
        )
        answer = self._answer(START_SECONDS)
        if answer.get("told") != "ready":
            raise GuardLost(f"The dead-man's process did not begin to watch: {answer.get('why', answer)}.")
        log.info("The dead-man's process %d watches; lease %g s.", self._process.pid, settings.limits.lease_seconds)

    def enter(self, phase: Phase) -> None:
        """Ask to enter a phase, before its first action.

        :raises GuardLost: it does not answer or refuses.
        """
        self._send(enter=phase.name)
        answer = self._answer(ANSWER_SECONDS)
        if answer.get("told") != "acknowledged" or answer.get("phase") != phase.name:
            raise GuardLost(f"The dead-man's process did not let {phase.name} begin: {answer}.")

    def renew(self) -> None:
        """Show that the task goes on.

        :raises GuardLost: the process is gone.
        """
        self._send(renew=True)

    def done(self) -> None:
        """Let the process end: nothing is left to be watched."""
        self._send(enter=Phase.DONE.name)
        self.close()

    def give_up(self, why: str) -> dict[str, Any]:
        """Have the switch ended, and return what the process says when it has.

        :raises GuardLost: it does not do so; the task has to.
        """
        self._send(give_up=deadman.GAVE_UP + why)
        answer = self._answer(deadman.PATIENCE_SECONDS + 60)
        while answer.get("told") == "acknowledged":  # One that came late.
            answer = self._answer(deadman.PATIENCE_SECONDS + 60)
        self.close()
        return answer

    def kill(self) -> None:
        """End the process at once, whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def close(self) -> None:
        """Wait for the process's end, if it is about to; one that is at work is left alone."""
        if self._process is None:
            return
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                with suppress(OSError):
                    pipe.close()
        try:
            self._process.wait(ANSWER_SECONDS)
        except subprocess.TimeoutExpired:
            log.warning("The dead-man's process %d is still at work.", self._process.pid)

    def _send(self, **message: Any) -> None:
        if self._process is None or self._process.stdin is None:
            raise GuardLost("There is no dead-man's process.")
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
        except (OSError, ValueError) as error:
            raise GuardLost(f"The dead-man's process is gone ({type(error).__name__}).") from None

    def _answer(self, seconds: float) -> dict[str, Any]:
        if self._process is None or self._process.stdout is None:
            raise GuardLost("There is no dead-man's process.")
        ends, pipe = time.monotonic() + seconds, self._process.stdout.fileno()
        while b"\n" not in self._buffer:
            if not select.select([pipe], [], [], max(0.0, ends - time.monotonic()))[0]:
                raise GuardLost(f"The dead-man's process has not answered for {seconds:g} s.")
            data = os.read(pipe, 1 << 16)
            if not data:
                raise GuardLost("The dead-man's process is gone.")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        found: dict[str, Any] = json.loads(line)
        return found
