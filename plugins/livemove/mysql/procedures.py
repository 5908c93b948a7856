"""Which of the procedures `mysql.rds_*` a server has, and with which arguments. Pure.

Names and argument counts vary by engine and version (RDS User Guide and Aurora User Guide, "MySQL stored procedure
reference"): RDS 8.0 says `master`, Aurora 3 says `source`, RDS 8.4 has both, and `…_with_auto_position` takes a delay
on RDS and none on Aurora. So the server is asked, and nothing is assumed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from livemove.runbook.errors import NeedsPerson

Catalog: TypeAlias = Mapping[str, int]
"""Number of arguments of each procedure of the schema `mysql`, by name in lower case."""

CATALOG_QUERY = """
SELECT r.routine_name AS name, COUNT(p.ordinal_position) AS arguments
FROM information_schema.routines r
LEFT JOIN information_schema.parameters p ON p.specific_schema = r.routine_schema
  AND p.specific_name = r.specific_name AND p.routine_type = 'PROCEDURE' AND p.ordinal_position > 0
WHERE r.routine_schema = 'mysql' AND r.routine_type = 'PROCEDURE'
GROUP BY r.routine_name
"""

_SOURCE = ("host", "port", "user", "password")
# Where a name exists in both wordings, the newer one is taken: the older one warns that it is deprecated.
_NAMES = {
    "set_source": ("rds_set_external_source", "rds_set_external_master"),
    "set_source_auto_position": (
        "rds_set_external_source_with_auto_position",
        "rds_set_external_master_with_auto_position",
    ),
    "set_auto_position": ("rds_set_source_auto_position", "rds_set_master_auto_position"),
    "reset": ("rds_reset_external_source", "rds_reset_external_master"),
    "start": ("rds_start_replication",),
    "start_until": ("rds_start_replication_until",),
    "start_until_gtid": ("rds_start_replication_until_gtid",),
    "stop": ("rds_stop_replication",),
    "skip_error": ("rds_skip_repl_error",),
    "skip_gtid": ("rds_skip_transaction_with_gtid",),
    "purge_set": ("rds_gtid_purged",),
    "purge_range": ("rds_set_external_source_gtid_purged", "rds_set_external_master_gtid_purged"),
    "next_log": ("rds_next_source_log", "rds_next_master_log"),
    "configuration": ("rds_show_configuration",),
    "set_configuration": ("rds_set_configuration",),
    "set_read_only": ("rds_set_read_only",),
    "set_source_ssl": ("rds_set_binlog_source_ssl",),
    "set_source_delay": ("rds_set_source_delay",),
    "kill": ("rds_kill",),
    "kill_query": ("rds_kill_query",),
}
# The arguments of each action, in order; where several layouts are known, they differ in length.
_LAYOUTS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "set_source": ((*_SOURCE, "file", "position", "ssl"),),
    "set_source_auto_position": ((*_SOURCE, "ssl", "delay"), (*_SOURCE, "ssl"), _SOURCE),
    "set_auto_position": (("mode",),),
    "start_until": (("file", "position"),),
    "start_until_gtid": (("gtid",),),
    "skip_gtid": (("gtid",),),
    "purge_set": (("gtids",),),
    "purge_range": (("uuid", "first", "last"),),
    "next_log": (("log",),),
    "set_configuration": (("name", "value"),),
    "set_read_only": (("mode",),),
    "set_source_ssl": (("mode",),),
    "set_source_delay": (("delay",),),
    "kill": (("thread",),),
    "kill_query": (("thread",),),
}
ACTIONS = frozenset(_NAMES)


@dataclass(frozen=True)
class Call:
    """A procedure and its arguments.

    :param procedure: its name, without the schema.
    :param arguments: in order; secrets are `Secret`, which no `repr` shows.
    :param layout: what each argument is.
    """

    procedure: str
    arguments: tuple[Any, ...]
    layout: tuple[str, ...]

    def text(self) -> str:
        """The statement for people: passwords are asterisks."""
        shown = (_shown(name, value) for name, value in zip(self.layout, self.arguments, strict=True))
        return f"CALL mysql.{self.procedure}({', '.join(shown)})"


def catalog_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Make the catalog of rows of CATALOG_QUERY."""
    return {str(row["name"]).lower(): int(row["arguments"]) for row in rows}


def has(catalog: Catalog, action: str) -> bool:
    """Whether the server has a procedure for an action."""
    return any(name in catalog for name in _NAMES[action])


def choose(catalog: Catalog, action: str, /, **values: Any) -> Call:
    """Pick the procedure of an action and put its arguments in order.

    :param catalog: as `catalog_of` makes it, or rows of CATALOG_QUERY.
    :param action: one of ACTIONS.
    :param values: of all arguments that any version takes; `delay` is 0 if missing. What this server does not
        take is left out, but a delay that is not 0 or TLS that is wanted is never dropped silently.
    :raises NeedsPerson: the server has no such procedure, or takes a number of arguments that is not known.
    """
    found = [name for name in _NAMES[action] if name in catalog]
    if not found:
        raise NeedsPerson(
            f"this server has no procedure mysql.{' or mysql.'.join(_NAMES[action])}. Is it RDS or Aurora MySQL, of a "
            "version that has it, and may this user see it (EXECUTE on mysql.*)?"
        )
    name = found[0]
    layout = _layout(action, name, catalog[name])
    given = {"delay": 0, **values}
    if given["delay"] and "delay" not in layout:
        raise NeedsPerson(f"mysql.{name} of this server takes no delay; leave it out.")
    if given.get("ssl") and "ssl" not in layout and not has(catalog, "set_source_ssl"):
        raise NeedsPerson(f"mysql.{name} of this server takes no TLS switch; replicate with ssl=False if you must.")
    return Call(name, tuple(given[argument] for argument in layout), layout)


def _layout(action: str, name: str, count: int) -> tuple[str, ...]:
    layouts: Sequence[tuple[str, ...]] = _LAYOUTS.get(action, ((),))
    for layout in layouts:
        if len(layout) == count:
            return layout
    known = " or ".join(f"{len(layout)} ({', '.join(layout)})" for layout in layouts)
    raise NeedsPerson(f"mysql.{name} of this server takes {count} arguments; known are {known}. Call it by hand.")


def _shown(name: str, value: Any) -> str:
    if name == "password":
        return "'***'"
    if value is None:
        return "NULL"
    return str(int(value)) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"
