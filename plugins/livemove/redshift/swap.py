"""A full reload goes into a shadow table, which takes the target's place in the same transaction.

Views that are bound to the old table, and its grants, go with it, so they are made anew (guide,
r_CREATE_VIEW, performing-a-deep-copy). What else depends on it, such as a materialized view, lets the
DROP and with it the whole transaction fail.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from livemove.redshift.names import redshift as q
from livemove.redshift.statements import drop_table, rename_table

if TYPE_CHECKING:
    from livemove.redshift.warehouse import Warehouse

_VIEWS = """
SELECT DISTINCT n.nspname, v.relname
FROM pg_depend d
JOIN pg_rewrite r ON r.oid = d.objid
JOIN pg_class v ON v.oid = r.ev_class AND v.relkind = 'v'
JOIN pg_namespace n ON n.oid = v.relnamespace
JOIN pg_class t ON t.oid = d.refobjid
JOIN pg_namespace tn ON tn.oid = t.relnamespace
WHERE tn.nspname = %s AND t.relname = %s AND v.oid <> t.oid
"""
_DEFINITION = """
SELECT pg_get_viewdef(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relname = %s
"""
_GRANTS = """
SELECT identity_type, identity_name, privilege_type FROM svv_relation_privileges
WHERE namespace_name = %s AND relation_name = %s AND identity_name <> current_user
"""


@dataclass(frozen=True)
class View:
    """A view that reads the target, directly or through another."""

    schema: str
    name: str
    definition: str
    grants: Sequence[str]


@dataclass(frozen=True)
class Bound:
    """What is dropped with a table, or holds it: views, each after the ones it reads, and its own grants."""

    views: Sequence[View]
    grants: Sequence[str]


def shadow_name(target: str) -> str:
    """Name of the table that is filled. A digest, as target names may already have the full 127 bytes."""
    return "livemove_new_" + hashlib.sha256(target.encode()).hexdigest()[:12]


def bound_to(warehouse: Warehouse, schema: str, target: str) -> Bound:
    """Find what would go with the target when it is dropped."""
    return Bound(views_on(warehouse, schema, target), grants_on(warehouse, schema, target))


def swap_in(warehouse: Warehouse, schema: str, target: str, bound: Bound, *, exists: bool) -> None:
    """Let the shadow take the target's place, inside the caller's transaction.

    :param bound: what hangs on the target.
    :param exists: whether there is a target to be replaced.
    """
    for view in reversed(bound.views):
        warehouse.run(f"DROP VIEW {q(view.schema, view.name)}")
    if exists:
        warehouse.run(drop_table((schema, target)))
    warehouse.run(rename_table((schema, shadow_name(target)), target))
    for statement in bound.grants:
        warehouse.run(statement)
    for view in bound.views:
        warehouse.run(f"CREATE VIEW {q(view.schema, view.name)} AS {view.definition.rstrip('; ')}")
        for statement in view.grants:
            warehouse.run(statement)


def views_on(warehouse: Warehouse, schema: str, table: str) -> list[View]:
    """Views on a table and on those views, each after the ones it reads."""
    found: dict[tuple[str, str], View] = {}

    def visit(schema: str, name: str) -> None:
        for view_schema, view in warehouse.rows(_VIEWS, (schema, name)):
            # Met again deeper down, it has to come later.
            found.pop((view_schema, view), None)
            definition = warehouse.value(_DEFINITION, (view_schema, view))
            grants = grants_on(warehouse, view_schema, view)
            found[(view_schema, view)] = View(view_schema, view, definition, grants)
            visit(view_schema, view)

    visit(schema, table)
    return list(found.values())


def grants_on(warehouse: Warehouse, schema: str, relation: str) -> list[str]:
    """The GRANT statements that give a relation the privileges that it has now."""
    grants = []
    for kind, name, privilege in warehouse.rows(_GRANTS, (schema, relation)):
        whom = {"role": f"ROLE {q(name)}", "group": f"GROUP {q(name)}", "public": "PUBLIC"}.get(kind, q(name))
        grants.append(f"GRANT {privilege} ON {q(schema, relation)} TO {whom}")
    return sorted(grants)
