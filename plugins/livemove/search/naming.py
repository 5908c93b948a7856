"""Names of indices, of their restored copies and of snapshots. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

TIME: Final = "%Y%m%d%H%M%S"
RESTORED: Final = ".restored"
# Create index API, "Path parameters": bytes that a name may have.
LONGEST: Final = 255
_ALLOWED = re.compile(r"[^-_+.A-Z\\/*?\"<>|,#:\s][^A-Z\\/*?\"<>|,#:\s]*")


class BadName(ValueError):  # noqa: N818 - it reads as what it says
    """A name that Elasticsearch does not take, or that could stand for more than one index."""


def concrete(name: str) -> str:
    """Return the name of exactly one index or alias as it is.

    :raises BadName: it is no such name, such as a pattern, a list, or `_all`.
    """
    if not _ALLOWED.fullmatch(name) or len(name.encode()) > LONGEST:
        raise BadName(
            f"{name!r} is not the name of one index or alias: lower case, not beginning with '-', '_', '+' or '.', "
            rf'without \ / * ? " < > | , # : and spaces, {LONGEST} bytes at most.'
        )
    return name


def new_index(alias: str, at: datetime) -> str:
    """The name of an index that is made for an alias, such as `products-20260131120000`.

    :param at: a time of the run, the same at each retry; with a time zone.
    :raises BadName: the alias is no name, or too long.
    """
    name = concrete(f"{concrete(alias)}-{_utc(at)}")
    concrete(name + RESTORED)
    return name


def restored_copy(index: str) -> str:
    """The name of the restored copy that an index is made from."""
    return concrete(index) + RESTORED


def snapshot(prefix: str, at: datetime) -> str:
    """The name of a snapshot that is taken for a rebuild."""
    return concrete(f"{prefix}{_utc(at)}")


def made_at(index: str, alias: str) -> datetime | None:
    """When an index of this alias was named, from its name; None if it is none of ours."""
    head, dash, tail = index.removesuffix(RESTORED).rpartition("-")
    if not dash or head != alias or not re.fullmatch(r"\d{14}", tail):
        return None
    try:
        return datetime.strptime(tail, TIME).replace(tzinfo=UTC)
    except ValueError:
        return None


def _utc(at: datetime) -> str:
    if at.tzinfo is None:
        raise BadName(f"The time {at.isoformat()} has no time zone, so the name would depend on the machine.")
    return at.astimezone(UTC).strftime(TIME)
