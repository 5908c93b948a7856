"""Checks of what is moved: definitions, settings that change what statements mean, and the checksum of the rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from livemove.mysql import schema_checks
from livemove.mysql.schema_checks import Finding
from livemove.runbook.evidence import Check, ok, stop, warn

if TYPE_CHECKING:
    from livemove.migration.preflight import Side

SHOWN = 8
# The step `rest` switches it off on purpose, and the check of that name looks at it.
_MEANT = frozenset({"event_scheduler"})


def definitions(side: Side) -> Iterator[Check]:
    """Tables, triggers, definers and procedures of what serves."""
    found = schema_checks.check_schemas(side.servers.hook(side.serving), side.settings.schemas)
    # Rows are replicated, so triggers do not fire on replicas: every server is prepared with binlog_format=ROW.
    found = [each for each in found if each.check != "triggers"]
    yield from _by_check(
        found, f"{', '.join(side.settings.schemas)}: primary keys, engines, formats, triggers, definers"
    )


def _by_check(found: Sequence[Finding], good: str) -> Iterator[Check]:
    if not found:
        yield ok("definitions", good)
    for name in dict.fromkeys(each.check for each in found):
        same = [each for each in found if each.check == name]
        shown = "; ".join(f"{each.what}: {each.text}" for each in same[:SHOWN])
        more = f"; and {len(same) - SHOWN} more" if len(same) > SHOWN else ""
        worst = stop if any(each.weight == "stop" for each in same) else warn
        yield worst(f"definitions: {name.replace('_', ' ')}", shown + more, same[0].remedy)


def variables(side: Side) -> Iterator[Check]:
    """Settings of the server that is to serve, against those of the one that serves."""
    serving, following = side.servers.hook(side.serving), side.servers.hook(side.next)
    names = (side.servers.title(side.serving), side.servers.title(side.next))
    found = schema_checks.compare_settings(schema_checks.settings(serving), schema_checks.settings(following), names)
    found = [each for each in found if each.what not in _MEANT]
    for weight, kind in (("stop", stop), ("warn", warn)):
        same = [each for each in found if each.weight == weight]
        if same:
            shown = "; ".join(f"{each.what}: {each.text}" for each in same)
            remedy = f"Set them alike in the parameter group of {names[1]}."
            yield kind("parameters" if weight == "stop" else "lesser parameters", shown, remedy)
    if not found:
        yield ok(
            "parameters",
            f"{len(schema_checks.STRICT) + len(schema_checks.LOOSE)} settings are alike on {' and '.join(names)}",
        )
