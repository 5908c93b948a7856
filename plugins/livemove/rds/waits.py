"""What a step waits for, as data that a trigger can carry, and whether it is there. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from livemove.rds import facts
from livemove.rds.states import Kind, Subject, Verdict, judge, remedy
from livemove.runbook.errors import NeedsPerson


@dataclass(frozen=True)
class Wait:
    """A resource that has to become usable, or gone.

    :param expect: what its description must show besides a good state: parameters by the names of the calls, or
        `Source` (None: it replicates from nothing), `PendingReboot`, `Applying` (parameters are being applied),
        `Writer`, `RestartedSince` (ISO 8601, UTC).
    :param gone: wait until it exists no more.
    :param states: states to wait for, instead of the usable ones.
    :param because: why the step does not go on at once; the API's own words after a refusal.
    """

    kind: Kind
    identifier: str
    expect: Mapping[str, Any] = field(default_factory=dict)
    gone: bool = False
    states: tuple[str, ...] = ()
    because: str = ""

    @property
    def subject(self) -> Subject:
        """The resource."""
        return Subject(self.kind, self.identifier)

    def as_json(self) -> dict[str, Any]:
        """For a trigger."""
        return {**asdict(self), "kind": self.kind.value, "expect": dict(self.expect), "states": list(self.states)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Wait:
        """The other way round."""
        return cls(**{**values, "kind": Kind(values["kind"]), "states": tuple(values["states"])})


@dataclass(frozen=True)
class Look:
    """What one look at a resource saw.

    :param text: state and what is still missing, for the log.
    """

    done: bool
    text: str


def judge_wait(wait: Wait, description: Mapping[str, Any] | None) -> Look:
    """Say whether a wait is over.

    :param description: of the resource, with the keys of `Wait.expect` that RDS does not describe filled in; None if
        it does not exist.
    :raises NeedsPerson: the resource is in a state that waiting does not heal.
    """
    if description is None:
        return Look(wait.gone, f"{wait.subject}: does not exist" + ("" if wait.gone else " (yet)"))
    state = facts.state(wait.kind, description)
    if wait.gone:
        return Look(False, f"{wait.subject}: {state}; waiting until it is gone")
    verdict = _verdict(wait, state)
    if verdict is Verdict.FAILED:
        raise NeedsPerson(f"{wait.subject} is {state}. Remedy: {remedy(state)}.")
    missing = [_missing(name, wanted, description) for name, wanted in wait.expect.items()]
    missing = [each for each in missing if each]
    if verdict is Verdict.WAITING:
        missing.insert(0, " or ".join(wait.states) or "a usable state")
    progress = description.get("PercentProgress")
    seen = f"{wait.subject}: {state}" + (f" ({progress} %)" if progress not in (None, "", 0, "0", 100, "100") else "")
    because = f" [{wait.because}]" if wait.because else ""
    if not missing:
        return Look(True, f"{seen}{because}")
    return Look(False, f"{seen}; waiting for {', '.join(missing)}{because}")


def _verdict(wait: Wait, state: str) -> Verdict:
    if not wait.states:
        return judge(wait.kind, state)
    if state in wait.states:
        return Verdict.GOOD
    # On the way to another state that somebody waits for.
    on_the_way = state in ("stopping", "stopped", "deleting", "delete-precheck")
    failed = judge(wait.kind, state) is Verdict.FAILED and not on_the_way
    return Verdict.FAILED if failed else Verdict.WAITING


def _missing(name: str, wanted: Any, description: Mapping[str, Any]) -> str:
    if name == "Source":
        found = facts.source(description)
        return "" if found == wanted else f"the end of replication from {found}"
    if name == "Writer":
        found = facts.writer(description)
        return "" if found == wanted else f"{wanted} to be the writer, now {found}"
    if name in ("PendingReboot", "Applying"):
        what = "the reboot to apply parameters" if name == "PendingReboot" else "parameters to be applied"
        return "" if description.get(name) == wanted else what
    if name == "RestartedSince":
        return "" if description.get(name) else f"an event of a restart since {wanted}"
    found = facts.value(description, name)
    return "" if facts.is_set(found, wanted) else f"{name} {wanted}, now {found}"
