"""What a person sees before approving, and what the acting task measures again. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from livemove.runbook.errors import NeedsPerson
from livemove.runbook.table import markdown_table

Result = Literal["ok", "warn", "stop"]
_ORDER: tuple[Result, ...] = ("ok", "warn", "stop")


def now() -> str:
    """The time, UTC, ISO 8601, as `Check.measured_at` holds it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    :param result: `ok`, `warn` (a person decides) or `stop` (the runbook does not act).
    :param figures: what was measured.
    :param measured_at: when, UTC, ISO 8601.
    :param remedy: what to do; required unless the result is `ok`.
    """

    name: str
    result: Result
    figures: str
    measured_at: str
    remedy: str = ""

    def __post_init__(self) -> None:
        if self.result != "ok" and not self.remedy:
            raise ValueError(f"check {self.name}: a {self.result} needs a remedy")

    def age_seconds(self, at: datetime) -> float:
        """How old the measurement is."""
        return (at - datetime.fromisoformat(self.measured_at)).total_seconds()


@dataclass(frozen=True)
class Evidence:
    """All checks of one look.

    :ivar subject: what is acted on, such as the name of a migration or an alias.
    :ivar action: what is to be done with it, such as `cutover`.
    """

    subject: str
    action: str
    checks: tuple[Check, ...]

    @property
    def stops(self) -> tuple[Check, ...]:
        """Checks that forbid to act."""
        return tuple(check for check in self.checks if check.result == "stop")

    @property
    def warnings(self) -> tuple[Check, ...]:
        """Checks that a person has to weigh."""
        return tuple(check for check in self.checks if check.result == "warn")

    def markdown(self, at: datetime | None = None) -> str:
        """The approval page's table, with each figure's age."""
        at = at or datetime.now(UTC)
        ordered = sorted(self.checks, key=lambda check: -_ORDER.index(check.result))
        lines = [[_MARKS[check.result], check.name, check.figures, _age(check.age_seconds(at))] for check in ordered]
        text = f"## Evidence for {self.action}: {self._headline()}\n\n"
        text += markdown_table(["result", "check", "found", "age"], lines)
        remedies = [f"- {check.name}: {check.remedy}" for check in ordered if check.remedy]
        return text + ("\n\n### What to do\n\n" + "\n".join(remedies) if remedies else "") + "\n"

    def _headline(self) -> str:
        if self.stops:
            return f"{len(self.stops)} of {len(self.checks)} checks forbid it"
        if self.warnings:
            return f"nothing forbids it, {len(self.warnings)} of {len(self.checks)} checks warn"
        return f"all {len(self.checks)} checks are good"

    def raise_if_worse(self, approved: Evidence | None = None, *, max_age_seconds: float = 120) -> None:
        """Refuse to act on evidence that forbids it, is old, or is worse than what was approved.

        :param approved: what the person saw; None if nobody had to approve.
        :param max_age_seconds: how old a measurement of this evidence may be.
        :raises NeedsPerson: nothing has been changed; the message names each check and its remedy.
        """
        problems = [f"{check.name}: {check.figures}. {check.remedy}" for check in self.stops]
        at = datetime.now(UTC)
        problems += [
            f"{check.name}: measured {_age(check.age_seconds(at))} ago. Look again."
            for check in self.checks
            if check.age_seconds(at) > max_age_seconds
        ]
        if approved is not None:
            problems += list(self._worse_than(approved))
        if problems:
            raise NeedsPerson(
                f"{self.action} of {self.subject} is refused, and nothing has been changed:\n- " + "\n- ".join(problems)
            )

    def _worse_than(self, approved: Evidence) -> Iterable[str]:
        seen = {check.name: check for check in approved.checks}
        here = {check.name for check in self.checks}
        for check in self.warnings:
            before = seen.get(check.name)
            if before is None or before.result == "ok":
                was = before.figures if before else "not looked at"
                yield f"{check.name}: {check.figures}; when it was approved: {was}. {check.remedy}"
        for name in sorted(set(seen) - here):
            yield f"{name}: could not be looked at again. Run the runbook anew."

    def as_json(self) -> dict[str, Any]:
        """For XCom."""
        return asdict(self)

    @classmethod
    def from_json(cls, given: Mapping[str, Any]) -> Evidence:
        """What `as_json` made."""
        return cls(given["subject"], given["action"], tuple(Check(**check) for check in given["checks"]))


_MARKS: Mapping[Result, str] = {"ok": "ok", "warn": "**warns**", "stop": "**forbids**"}


def _age(seconds: float) -> str:
    if seconds < 120:
        return f"{max(0.0, seconds):.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"


def ok(name: str, figures: str) -> Check:
    """A check that is good."""
    return Check(name, "ok", figures, now())


def warn(name: str, figures: str, remedy: str) -> Check:
    """A check that a person has to weigh."""
    return Check(name, "warn", figures, now(), remedy)


def stop(name: str, figures: str, remedy: str) -> Check:
    """A check that forbids to act."""
    return Check(name, "stop", figures, now(), remedy)
