"""The text of a switch's plan: every statement and call, in order. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from livemove.migration.fence import Opening
from livemove.migration.settings import MigrationSettings, Role
from livemove.migration.switch import Direction

_ROLES: dict[Direction, tuple[Role, Role]] = {
    "cutover": (Role.SOURCE, Role.TARGET),
    "fall_back": (Role.TARGET, Role.FALLBACK),
}


def lines(
    settings: MigrationSettings,
    direction: Direction,
    *,
    opening: Opening,
    entering_opening: Opening,
    turn: Sequence[str],
    shut_entering_first: bool,
    move: Callable[[str], str],
    maintenance: tuple[list[str], list[str]],
) -> list[str]:
    """The plan, one line for each statement or call, headings between them.

    :param opening: what is open on the server that is left.
    :param turn: how the server that is entered becomes one of its own.
    :param maintenance: lines before and after.
    """
    leaving, entering = (f"{role.value} {settings.server(role).identifier}" for role in _ROLES[direction])
    others = ", ".join(
        f"{role.value} {settings.server(role).identifier}"
        for role in list(Role)[list(Role).index(_ROLES[direction][0]) + 1 :]
    )
    limits = settings.limits
    shut_entering = [f"{statement}    -- {entering}" for statement in entering_opening.shut_statements()]
    sections: list[tuple[str, list[str]]] = [
        (
            "Before writes are stopped",
            [
                "measure the evidence again; refuse what forbids it or is worse than approved",
                f"write what the endpoint holds once more, to prove that it may be moved ({move(entering)})",
                f"start the dead-man's process: lease {limits.lease_seconds:g} s",
                *maintenance[0],
                *(shut_entering if shut_entering_first else []),
            ],
        ),
        (
            f"Fence: no application writes on {leaving} (at most {limits.fence_timeout_seconds:g} s, then undone)",
            [
                *opening.shut_statements(),
                f"CALL mysql.rds_kill(<thread>) for each session of {', '.join(settings.writers.users)}",
                "XA RECOVER shows no prepared transaction",
            ],
        ),
        (
            "Catch up",
            [f"all GTIDs of {leaving} and a heartbeat written after the fence are on {others}"],
        ),
        (f"Turn {entering}", [*turn, *([] if shut_entering_first else shut_entering)]),
        ("Move the endpoint", [move(entering)]),
        (
            f"Open {entering}: the way back is migration_fall_back from here on"
            if direction == "cutover"
            else f"Open {entering}: there is no way back to {leaving} from here on",
            [*opening.open_statements(), *maintenance[1]],
        ),
    ]
    text: list[str] = []
    for number, (heading, steps) in enumerate(sections, 1):
        text += [f"{number}. {heading}", *(f"   {step}" for step in steps)]
    return text
