"""Identifiers, ARNs and tags. No I/O."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from livemove.rds.states import Kind
from livemove.runbook.errors import NeedsPerson

TAG_MIGRATION: Final = "livemove:migration"
TAG_ROLE: Final = "livemove:role"
# "yes" on what the application uses now; it is not deleted.
TAG_SERVES: Final = "livemove:serves"
# What a restored or cloned database was made from, as its description does not say.
TAG_MADE_FROM: Final = "livemove:made-from"

_IDENTIFIER = re.compile(r"[A-Za-z](?:-?[A-Za-z0-9])*")
_LENGTHS: Final = {Kind.INSTANCE: 63, Kind.CLUSTER: 63, Kind.INSTANCE_SNAPSHOT: 255, Kind.CLUSTER_SNAPSHOT: 255}


def checked(identifier: str, kind: Kind) -> str:
    """Return the identifier as RDS stores it, in lower case.

    :raises NeedsPerson: RDS would refuse it (CreateDBInstance: letters, digits and single hyphens, a letter first).
    """
    limit = _LENGTHS[kind]
    if not _IDENTIFIER.fullmatch(identifier) or len(identifier) > limit:
        raise NeedsPerson(
            f"{identifier!r} is no identifier for an RDS {kind}: it takes 1 to {limit} letters, digits and hyphens, "
            "begins with a letter, does not end with a hyphen and has no two in a row. Choose another."
        )
    return identifier.lower()


def writer_instance(cluster: str) -> str:
    """The first instance of a cluster that we make."""
    return checked(f"{cluster}-1", Kind.INSTANCE)


def snapshot_name(identifier: str, purpose: str) -> str:
    """Name of a snapshot that a runbook takes: `snapshot_name("shop", "for-fallback")`."""
    return checked(f"{identifier}-{purpose}", Kind.INSTANCE_SNAPSHOT)


def final_snapshot(identifier: str, stamp: str = "") -> str:
    """Name of the snapshot that is left of a deleted database.

    :param stamp: what tells it from an earlier database of the same name, such as a date.
    """
    return snapshot_name(identifier, "-".join(["final", *([stamp] if stamp else [])]))


def is_arn(name: str) -> bool:
    """Whether a name is an ARN."""
    return name.startswith("arn:")


def identifier_of(name: str) -> str:
    """The identifier in an ARN (`arn:aws:rds:REGION:ACCOUNT:db:shop`), or the name itself if it is none."""
    return name.split(":", 6)[-1] if is_arn(name) else name


def region_of(name: str) -> str | None:
    """The Region in an ARN; None for a plain identifier."""
    return name.split(":")[3] if is_arn(name) else None


def same(one: str | None, other: str | None) -> bool:
    """Whether two names mean one resource; RDS answers with an identifier in one Region, with an ARN across Regions."""
    if not one or not other:
        return not one and not other
    if is_arn(one) and is_arn(other):
        return one.lower() == other.lower()
    return identifier_of(one).lower() == identifier_of(other).lower()


def tags(migration: str, role: str, **others: str) -> dict[str, str]:
    """The tags of what a migration makes."""
    return {TAG_MIGRATION: migration, TAG_ROLE: role, **others}


def as_api(values: Mapping[str, str]) -> list[dict[str, str]]:
    """Tags as the API takes them, in a fixed order."""
    return [{"Key": key, "Value": values[key]} for key in sorted(values)]


def as_dict(tag_list: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Tags as a dict."""
    return {tag["Key"]: tag.get("Value", "") for tag in tag_list}
