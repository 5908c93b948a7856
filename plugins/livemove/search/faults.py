"""What an answer that is no success means: may the same call work later, or is a person needed? Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from livemove.runbook.errors import NeedsPerson, TryAgain

# 429: a full queue, or a flooded disk, see `disk.py`. 408, 502 to 504: between us and the server.
_LATER: Final = frozenset({408, 429, 502, 503, 504})


class NotThere(NeedsPerson):
    """The index, alias, snapshot, repository or task does not exist."""


class AlreadyThere(NeedsPerson):
    """It exists already."""


class Flooded(NeedsPerson):
    """A disk is over the flood-stage watermark, so the index takes no writes."""


_MEANINGS: Final[dict[str, tuple[type[NeedsPerson], str]]] = {
    "resource_already_exists_exception": (AlreadyThere, ""),
    "invalid_snapshot_name_exception": (AlreadyThere, ""),
    "media_type_header_exception": (
        NeedsPerson,
        "Set `[elasticsearch] es_compat_with` of Airflow to the major version of the server.",
    ),
}
# A reason that a retry does not change, whatever its status; and its remedy.
_BY_WORDS: Final[tuple[tuple[str, type[NeedsPerson], str], ...]] = (
    (
        "flood-stage watermark",
        Flooded,
        "Free space on the data nodes or add one: Elasticsearch lifts the block by itself once the disk is below the "
        "high watermark. Then clear the task; what is copied is not copied again.",
    ),
    (
        "repository is readonly",
        NeedsPerson,
        "Register the repository without `readonly`, or let another cluster that may write to it take the snapshot.",
    ),
    (
        "cannot create snapshot in a readonly repository",
        NeedsPerson,
        "Register the repository without `readonly`, or let another cluster that may write to it take the snapshot.",
    ),
)


def reason_of(body: Any) -> tuple[str, str]:
    """The type of an error and its reasons, the innermost last."""
    error = body.get("error", body) if isinstance(body, Mapping) else body
    if not isinstance(error, Mapping):
        return "", str(error)
    reasons: list[str] = []
    cause: Any = error
    while isinstance(cause, Mapping):
        said = str(cause.get("reason") or cause.get("type") or "")
        if said and said not in reasons:
            reasons.append(said)
        cause = cause.get("caused_by")
    for root in error.get("root_cause") or []:
        said = str(root.get("reason") or "")
        if said and said not in reasons:
            reasons.append(said)
    return str(error.get("type", "")), ": ".join(reasons)


def explain(status: int, body: Any, call: str, where: str) -> Exception:
    """The error to raise for an answer.

    :param status: of HTTP.
    :param body: as the server sent it.
    :param call: what was asked for, such as `GET /products`.
    :param where: the connection, for the message.
    """
    kind, reason = reason_of(body)
    told = f"{call} on {where}: {status} {reason or kind or 'no reason given'}"
    told = told if told.endswith(".") else f"{told}."
    for words, error, remedy in _BY_WORDS:
        if words in reason:
            return error(f"{told} {remedy}")
    if kind in _MEANINGS:
        error, remedy = _MEANINGS[kind]
        return error(f"{told} {remedy}".strip())
    if status in _LATER or kind == "concurrent_snapshot_execution_exception":
        return TryAgain(told)
    if status in (401, 403):
        return NeedsPerson(f"{told} Give the user of the connection {where} the privilege that this call needs.")
    if status == 404:
        return NotThere(told)
    return NeedsPerson(told)
