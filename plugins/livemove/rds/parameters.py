"""What has to change in a parameter group, in calls of 20, and what only a reboot applies. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from livemove.rds.calls import PARAMETERS_PER_CALL, Call, modify_parameter_group
from livemove.runbook.errors import NeedsPerson


@dataclass(frozen=True)
class ParameterPlan:
    """Changes of a parameter group.

    :param calls: to make, in order; none if the group is right.
    :param changed: parameter → (value now, value wanted).
    :param reboot: changed parameters that a reboot applies.
    """

    calls: tuple[Call, ...]
    changed: dict[str, tuple[str | None, str]]
    reboot: tuple[str, ...]

    def text(self) -> str:
        """What changes, one parameter in a line."""
        lines = [
            f"{name}: {'unset' if before is None else before} → {after}"
            + (" (after a reboot)" if name in self.reboot else " (at once)")
            for name, (before, after) in self.changed.items()
        ]
        return "\n".join(lines) or "nothing to change"


def plan_parameters(
    group: str, found: Iterable[Mapping[str, Any]], wanted: Mapping[str, Any], *, cluster: bool
) -> ParameterPlan:
    """Compare a group with what is wanted of it.

    :param found: the group's parameters, as RDS describes them.
    :raises NeedsPerson: RDS knows a parameter not, does not let it be changed, or the group is one of its own.
    """
    known = {row["ParameterName"]: row for row in found}
    changed: dict[str, tuple[str | None, str]] = {}
    entries, reboot, problems = [], [], []
    for name in sorted(wanted):
        value, row = as_value(wanted[name]), known.get(name)
        if row is None:
            problems.append(f"{group}: there is no parameter {name}; check its name and the group's family.")
            continue
        before = row.get("ParameterValue")
        if before is not None and _equal(before, value):
            continue
        if not row.get("IsModifiable", True):
            problems.append(
                f"{group}: {name} is {before}, and RDS does not let it be changed to {value}; leave it out."
            )
            continue
        changed[name] = (before, value)
        static = row.get("ApplyType") != "dynamic"
        reboot += [name] if static else []
        method = "pending-reboot" if static else "immediate"
        entries.append({"ParameterName": name, "ParameterValue": value, "ApplyMethod": method})
    if entries and group.startswith("default."):
        problems.append(f"{group}: RDS's own groups cannot be changed; make one and give it to the database.")
    if problems:
        raise NeedsPerson("\n".join(problems))
    batches = [entries[i : i + PARAMETERS_PER_CALL] for i in range(0, len(entries), PARAMETERS_PER_CALL)]
    calls = tuple(modify_parameter_group(name=group, parameters=batch, cluster=cluster) for batch in batches)
    return ParameterPlan(calls, changed, tuple(reboot))


def as_value(value: Any) -> str:
    """A parameter's value as RDS takes it: YAML's true is 1."""
    if isinstance(value, bool):
        return str(int(value))
    return str(value)


def _equal(found: str, wanted: str) -> bool:
    on = {"1": "1", "on": "1", "true": "1", "0": "0", "off": "0", "false": "0"}
    one, other = found.strip().lower(), wanted.strip().lower()
    return one == other or (one in on and on[one] == on.get(other))
