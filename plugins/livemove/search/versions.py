"""Which servers a rebuild runs against, and what a version of one means for it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

OLDEST: Final = (7, 17)
NEWEST_MAJOR: Final = 9


@dataclass(frozen=True)
class Verdict:
    """What a preflight says of a version.

    :param result: `ok`, `warn` or `stop`.
    :param remedy: what to do, unless it is `ok`.
    """

    result: Literal["ok", "warn", "stop"]
    figures: str
    remedy: str = ""


def parse(number: str) -> tuple[int, int]:
    """Major and minor of a version such as `8.19.4` or `9.2.0-SNAPSHOT`.

    :raises ValueError: it is none.
    """
    found = re.match(r"(\d+)\.(\d+)", number)
    if found is None:
        raise ValueError(f"{number!r} is no version of Elasticsearch.")
    return int(found[1]), int(found[2])


def judge(number: str, client: int, compat: int | None, distribution: str = "elasticsearch") -> Verdict:
    """What a server's version means for us.

    A server takes requests in the format of its own major version and of the one before (REST API compatibility);
    7.17, which is older than this rule, takes any.

    :param client: major version of the Python client.
    :param compat: `[elasticsearch] es_compat_with` of Airflow; None if it is not set.
    :param distribution: as `GET /` tells it.
    """
    spoken = compat if compat is not None else client
    if distribution != "elasticsearch":
        return Verdict("stop", f"{distribution} {number}", "The client of Elasticsearch refuses other products.")
    try:
        major, minor = parse(number)
    except ValueError as error:
        return Verdict("stop", str(error), "Check what the connection leads to.")
    how = f"{number}, spoken to as {spoken}"
    if (major, minor) < OLDEST:
        return Verdict("stop", how, "Upgrade it to 7.17 first; older ones lack points in time and more.")
    if major == OLDEST[0]:
        return Verdict("ok", how)
    if spoken not in (major, major - 1):
        return Verdict(
            "stop",
            f"{how}, which it refuses",
            f"Set `[elasticsearch] es_compat_with = {major}` (or {major - 1}) of Airflow"
            + (f", and an elasticsearch-py of version {spoken} or later." if spoken > client else "."),
        )
    if major > NEWEST_MAJOR:
        return Verdict(
            "warn", how, f"Nothing later than {NEWEST_MAJOR}.x was known when this was written; rehearse it."
        )
    return Verdict("ok", how)


def judge_restore(created: int, taken_by: str, target: str) -> Verdict:
    """Whether a cluster can restore an index from a snapshot (Restore a snapshot, "Version compatibility").

    :param created: `index.version.created`, such as 7172999.
    :param taken_by: version of the server that took the snapshot; empty if it is not known.
    :param target: version of the cluster that restores.
    """
    major, _ = parse(target)
    made = created // 1_000_000
    figures = f"index made by {made}.x, snapshot by {taken_by or 'an unknown version'}, restored by {target}"
    if taken_by and parse(taken_by) > parse(target):
        return Verdict("stop", figures, "A cluster restores no snapshot of a later version: upgrade it first.")
    # From 8.3 on, `created` is no longer a version of the product but still grows, and begins with its major.
    if made and made < major - 1:
        return Verdict(
            "stop",
            figures,
            f"A {major}.x cluster restores indices made by {major - 1}.x and {major}.x: go there in steps.",
        )
    return Verdict("ok", figures)
