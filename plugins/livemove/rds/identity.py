"""Whether a resource of the right name is the right one, so that it can be adopted. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from livemove.rds import naming
from livemove.rds.calls import Call
from livemove.runbook.errors import NeedsPerson


def check_identity(call: Call, description: Mapping[str, Any], tags: Mapping[str, str]) -> None:
    """Check an existing resource against the call that would have made it.

    What RDS does not tell (which snapshot it was restored from) is read from our own tag; a resource without that tag,
    made by Terraform or by a person, is taken.

    :raises NeedsPerson: it is another one.
    """
    problem = _engine(call, description) or _origin(call, description, tags) or _migration(call, tags)
    if problem:
        raise NeedsPerson(
            f"{call.subject} exists, and it is another one: {problem}. Choose another identifier, or delete it if "
            "nobody needs it."
        )


def _engine(call: Call, description: Mapping[str, Any]) -> str:
    found = description.get("Engine")
    return f"its engine is {found}, not {call.engine}" if call.engine and found != call.engine else ""


def _origin(call: Call, description: Mapping[str, Any], tags: Mapping[str, str]) -> str:
    if call.origin is None:
        return ""
    key, wanted = call.origin
    if key == "Tag":
        found = tags.get(naming.TAG_MADE_FROM)
        return f"it was made from {found}, not {wanted}" if found and found != wanted else ""
    found = description.get(key)
    if naming.same(found, wanted):
        return ""
    if key == "DBClusterIdentifier":
        return f"it is in {f'cluster {found}' if found else 'no cluster'}, not in {wanted}"
    if found is None:
        return f"it does not replicate from {wanted} (promoted already?)"
    return f"it is of {found}, not of {wanted}"


def _migration(call: Call, tags: Mapping[str, str]) -> str:
    ours = naming.as_dict(call.parameters.get("Tags", ()))
    for tag, word in ((naming.TAG_MIGRATION, "migration"), (naming.TAG_ROLE, "role")):
        wanted, found = ours.get(tag), tags.get(tag)
        if wanted and found and wanted != found:
            return f"its tag says {word} {found}, not {wanted}"
    return ""
