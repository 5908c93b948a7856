"""One call of the RDS API as data: for the plan, for the checks, and for the call itself. No I/O."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from livemove.rds.states import Subject


@dataclass(frozen=True)
class Call:
    """One call of the RDS API.

    :param operation: its name in the API, such as `CreateDBCluster`.
    :param parameters: its parameters, exactly as boto3 takes them.
    :param subject: the resource that it makes or changes.
    :param engine: the engine that the resource must have.
    :param origin: the key of the resource's description that names what it was made from, and that name; key `Tag`
        stands for the tag `livemove:made-from`.
    :param after: what has to be usable before the call.
    :param needs_backups: whether the source's automated backups must be on.
    """

    operation: str
    parameters: dict[str, Any]
    subject: Subject
    engine: str | None = None
    origin: tuple[str, str] | None = None
    after: tuple[Subject, ...] = ()
    needs_backups: bool = False

    def text(self) -> str:
        """The call as a plan shows it, one parameter in a line; values of passwords are left out."""
        lines = [f"rds:{self.operation}"]
        lines += [f"    {key}: {_shown(key, value)}" for key, value in self.parameters.items()]
        return "\n".join(lines)


def _shown(key: str, value: Any) -> str:
    if key.endswith("Password") and isinstance(value, str):
        return "***"
    if key == "Tags":
        return ", ".join(f"{tag['Key']}={tag['Value']}" for tag in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def pruned(**parameters: Any) -> dict[str, Any]:
    """What was given. An empty list of tags or security groups says nothing either."""
    return {key: value for key, value in parameters.items() if value not in (None, [], ())}
