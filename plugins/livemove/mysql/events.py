"""Scheduled events, switched one by one: RDS's master user cannot SET GLOBAL event_scheduler."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from livemove.mysql.errors import Refused, ServerError
from livemove.mysql.hook import RdsMySqlHook
from livemove.mysql.names import quoted

_UNKNOWN_EVENT = 1539
_NOT_ALLOWED = (1227, 1449)
# What RDS and the server bring themselves.
SYSTEM_SCHEMAS = ("mysql", "sys", "information_schema", "performance_schema")


@dataclass(frozen=True, order=True)
class Event:
    """An event of a schema.

    :param definer: as `user@host`.
    :param status: `ENABLED`, `DISABLED`, `SLAVESIDE_DISABLED` (8.0) or `REPLICA_SIDE_DISABLED` (8.4).
    """

    schema: str
    name: str
    definer: str = ""
    status: str = "ENABLED"

    def __str__(self) -> str:
        return quoted(self.schema, self.name)


def events(hook: RdsMySqlHook) -> list[Event]:
    """All events of users, sorted."""
    rows = hook.rows(
        "SELECT event_schema AS s, event_name AS n, definer AS d, status AS st FROM information_schema.events "
        "WHERE event_schema NOT IN %s ORDER BY event_schema, event_name",
        (SYSTEM_SCHEMAS,),
    )
    return [Event(str(row["s"]), str(row["n"]), str(row["d"]), str(row["st"])) for row in rows]


def enabled_events(hook: RdsMySqlHook) -> list[Event]:
    """The events of users that run here."""
    return [each for each in events(hook) if each.status == "ENABLED"]


def disable(hook: RdsMySqlHook, chosen: Iterable[Event]) -> list[Event]:
    """Switch events off.

    :returns: those that were on; an event that is gone is left out.
    """
    return _switched(hook, chosen, on=False)


def enable(hook: RdsMySqlHook, chosen: Iterable[Event]) -> list[Event]:
    """Switch events on, those too that replication brought disabled.

    :returns: those that were off; an event that is gone is left out.
    """
    return _switched(hook, chosen, on=True)


def statement(event: Event, on: bool) -> str:
    """The statement that switches an event, and keeps its definer.

    ALTER EVENT would otherwise make whoever runs it the definer (manual, "ALTER EVENT Statement").
    """
    return f"ALTER {_definer(event)}EVENT {event} {'ENABLE' if on else 'DISABLE'}"


def _definer(event: Event) -> str:
    user, _, host = event.definer.rpartition("@")
    return f"DEFINER = {quoted(user)}@{quoted(host)} " if user else ""


def _switched(hook: RdsMySqlHook, chosen: Iterable[Event], *, on: bool) -> list[Event]:
    wanted = {(each.schema, each.name) for each in chosen}
    changed = []
    with hook.connection():
        for each in events(hook):
            if (each.schema, each.name) in wanted and (each.status == "ENABLED") is not on:
                try:
                    _alter(hook, each, on)
                except ServerError as error:
                    if error.code != _UNKNOWN_EVENT:
                        raise
                    continue
                changed.append(each)
    return changed


def _alter(hook: RdsMySqlHook, event: Event, on: bool) -> None:
    try:
        hook.execute(statement(event, on))
    except ServerError as error:
        if error.code not in _NOT_ALLOWED:
            raise
        raise Refused(
            f"{hook.name}: event {event} belongs to {event.definer}, and this user may not name another definer "
            f"(error {error.code}); without that the event would become this user's own. Grant SET_USER_ID "
            "(SET_ANY_DEFINER from 8.4 on) to it, or run "
            f"`ALTER EVENT {event} {'ENABLE' if on else 'DISABLE'}` as the definer.",
            error.code,
        ) from None
