"""What could stand in the way of a migration: tables, code, and settings that differ. Queries, and pure comparison."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from livemove.mysql.hook import RdsMySqlHook
from livemove.mysql.names import quoted

Weight: TypeAlias = Literal["warn", "stop"]
# Settings that change what statements mean or whether they run; a difference between source and target stops.
STRICT = (
    "lower_case_table_names", "sql_mode", "time_zone", "character_set_server", "collation_server",
    "explicit_defaults_for_timestamp", "innodb_strict_mode", "default_collation_for_utf8mb4",
    "auto_increment_increment", "auto_increment_offset",
    "group_concat_max_len", "sql_require_primary_key", "innodb_autoinc_lock_mode",
    "gtid_mode", "enforce_gtid_consistency", "div_precision_increment", "transaction_isolation", "event_scheduler",
)  # fmt: skip
# Those of STRICT that are meant to differ at times, or that only matter to speed and limits: a person is told.
_ONLY_WARN = frozenset({"event_scheduler", "group_concat_max_len", "innodb_autoinc_lock_mode", "gtid_mode"})
LOOSE = (
    "max_allowed_packet", "max_connections", "wait_timeout", "interactive_timeout", "lock_wait_timeout",
    "innodb_lock_wait_timeout", "max_execution_time", "binlog_format", "binlog_row_image", "local_infile",
    "log_bin_trust_function_creators", "optimizer_switch", "ft_min_word_len", "innodb_ft_min_token_size",
    "require_secure_transport", "default_authentication_plugin", "authentication_policy", "version",
)  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """One thing that was found.

    :param check: which check, in snake case.
    :param weight: `stop` if the migration must not go on, `warn` if a person should know.
    :param what: the object, such as `` `shop`.`orders` `` or a setting.
    :param text: what is wrong with it.
    :param remedy: what to do.
    """

    check: str
    weight: Weight
    what: str
    text: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.what}: {self.text}. {self.remedy}"


def check_schemas(hook: RdsMySqlHook, schemas: Sequence[str]) -> list[Finding]:
    """Everything about tables and code of these schemas that a person should know before a migration.

    :raises NeedsPerson: this user may not see something that is needed.
    """
    with hook.connection():
        found = [
            *missing_schemas(hook, schemas),
            *tables(hook, schemas),
            *mixed_collations(hook, schemas),
            *triggers(hook, schemas),
            *definers(hook, schemas),
            *routine_collations(hook),
        ]
    return sorted(found, key=lambda each: (each.weight != "stop", each.check, each.what))


def missing_schemas(hook: RdsMySqlHook, schemas: Sequence[str]) -> list[Finding]:
    """Schemas of the configuration that the server does not have."""
    rows = hook.rows("SELECT schema_name AS s FROM information_schema.schemata WHERE schema_name IN %s", (schemas,))
    there = {row["s"] for row in rows}
    remedy = "Correct `schemas` in the migration's file, or grant SELECT on it to the admin user."
    return [Finding("schema", "stop", quoted(s), "no such schema is seen", remedy) for s in schemas if s not in there]


def tables(hook: RdsMySqlHook, schemas: Sequence[str]) -> list[Finding]:
    """Tables without primary key, of another engine than InnoDB, or compressed."""
    rows = hook.rows(_TABLES, (schemas,))
    return [finding for row in rows for finding in _table_findings(row)]


_TABLES = """
SELECT t.table_schema AS s, t.table_name AS n, t.engine AS engine, UPPER(COALESCE(t.row_format, '')) AS format,
       COALESCE(t.create_options, '') AS options,
       (SELECT COUNT(*) FROM information_schema.table_constraints c WHERE c.table_schema = t.table_schema
          AND c.table_name = t.table_name AND c.constraint_type = 'PRIMARY KEY') AS has_key
FROM information_schema.tables t
WHERE t.table_schema IN %s AND t.table_type = 'BASE TABLE' ORDER BY 1, 2
"""


def _table_findings(row: Mapping[str, Any]) -> list[Finding]:
    """What is wrong with one table. Pure."""
    what, options = quoted(row["s"], row["n"]), str(row["options"]).upper()
    found = []
    if not row["has_key"]:
        found.append(Finding(
            "primary_key", "stop", what, "it has no primary key: replicas scan it, and no checksum covers it",
            "Add a primary key.",
        ))  # fmt: skip
    if str(row["engine"]).lower() != "innodb":
        found.append(Finding(
            "engine", "stop", what, f"its engine is {row['engine']}, and Aurora has InnoDB only",
            f"ALTER TABLE {what} ENGINE = InnoDB.",
        ))  # fmt: skip
    if row["format"] == "COMPRESSED" or "ROW_FORMAT=COMPRESSED" in options or "KEY_BLOCK_SIZE" in options:
        found.append(Finding(
            "row_format", "stop", what, "it is compressed, which Aurora does not take",
            f"ALTER TABLE {what} ROW_FORMAT = DYNAMIC, KEY_BLOCK_SIZE = 0.",
        ))  # fmt: skip
    if "ENCRYPTION" in options and "'N'" not in options:
        found.append(Finding(
            "encryption", "warn", what, "it is encrypted by MySQL itself, which Aurora does not do",
            "Use encryption at rest of the cluster instead.",
        ))  # fmt: skip
    return found


def mixed_collations(hook: RdsMySqlHook, schemas: Sequence[str]) -> list[Finding]:
    """Text columns of one schema in more than one collation of a character set: joins of them fail (1267)."""
    rows = hook.rows(
        "SELECT table_schema AS s, character_set_name AS c, COUNT(DISTINCT collation_name) AS n, "
        "GROUP_CONCAT(DISTINCT collation_name ORDER BY collation_name SEPARATOR ', ') AS names "
        "FROM information_schema.columns WHERE table_schema IN %s AND collation_name IS NOT NULL "
        "GROUP BY 1, 2 HAVING n > 1",
        (schemas,),
    )
    return [
        Finding(
            "collation", "warn", quoted(row["s"]), f"its columns of {row['c']} have the collations {row['names']}",
            "Comparing them raises error 1267 on every server alike; nothing to do if queries run today.",
        )
        for row in rows
    ]  # fmt: skip


def routine_collations(hook: RdsMySqlHook) -> list[Finding]:
    """The trap of error 1267 in procedures of instances that were upgraded over many years.

    A procedure compares its arguments, which carry the collation of the schema at the time when it was made, with
    columns of tables in `mysql`.
    """
    rows = hook.rows(
        "SELECT DISTINCT database_collation AS c FROM information_schema.routines "
        "WHERE routine_schema = 'mysql' AND routine_name LIKE 'rds%'"
    )
    schema = hook.value("SELECT default_collation_name FROM information_schema.schemata WHERE schema_name = 'mysql'")
    columns = hook.rows(
        "SELECT DISTINCT collation_name AS c FROM information_schema.columns WHERE table_schema = 'mysql' "
        "AND collation_name IS NOT NULL AND table_name IN %s",
        (("rds_configuration", "rds_history", "rds_replication_status"),),
    )
    return _procedure_findings({str(row["c"]) for row in rows}, {str(row["c"]) for row in columns}, str(schema))


def _procedure_findings(routines: set[str], columns: set[str], schema: str) -> list[Finding]:
    """Whether procedures and the tables that they read have several collations of one character set. Pure."""
    by_set: dict[str, set[str]] = {}
    for each in routines | columns:
        by_set.setdefault(each.split("_")[0], set()).add(each)
    mixed = [", ".join(sorted(names)) for names in by_set.values() if len(names) > 1]
    text = f"procedures and tables of RDS mix the collations {'; '.join(sorted(mixed))} (the schema has {schema})"
    remedy = (
        "Calls of mysql.rds_… may fail with error 1267. Try `CALL mysql.rds_show_configuration`; if it fails, ask AWS "
        "Support to repair the procedures before the migration."
    )
    return [Finding("procedures", "warn", "`mysql`", text, remedy)] if mixed else []


def triggers(hook: RdsMySqlHook, schemas: Sequence[str]) -> list[Finding]:
    """Triggers: they do not fire for replicated rows, and do fire for what a person writes on a replica."""
    rows = hook.rows(
        "SELECT event_object_schema AS s, event_object_table AS t, GROUP_CONCAT(trigger_name ORDER BY 1) AS names "
        "FROM information_schema.triggers WHERE event_object_schema IN %s GROUP BY 1, 2",
        (schemas,),
    )
    text = "it has the triggers {} (row-based replication does not fire them on the replicas)"
    remedy = "Nothing to do with binlog_format=ROW."
    return [Finding("triggers", "warn", quoted(r["s"], r["t"]), text.format(r["names"]), remedy) for r in rows]


def definers(hook: RdsMySqlHook, schemas: Sequence[str]) -> list[Finding]:
    """Views, routines, triggers and events whose definer has no account: they fail with error 1449 when used."""
    rows = hook.rows(_DEFINERS, {"schemas": tuple(schemas)})
    return [
        Finding(
            "definer", "warn", quoted(row["s"], row["n"]), f"definer {row['d']} of the {row['kind']} has no account",
            "Create the account, or the object anew with another definer.",
        )
        for row in rows
    ]  # fmt: skip


_DEFINERS = """
SELECT o.kind, o.s, o.n, o.d FROM (
  SELECT 'view' AS kind, table_schema AS s, table_name AS n, definer AS d FROM information_schema.views
  UNION ALL SELECT 'routine', routine_schema, routine_name, definer FROM information_schema.routines
  UNION ALL SELECT 'trigger', trigger_schema, trigger_name, definer FROM information_schema.triggers
  UNION ALL SELECT 'event', event_schema, event_name, definer FROM information_schema.events
) o LEFT JOIN mysql.user u
  ON BINARY CONCAT(u.user, '@', u.host) = BINARY CONVERT(o.d USING utf8mb4)
WHERE o.s IN %(schemas)s AND u.user IS NULL ORDER BY 2, 3
"""


def settings(hook: RdsMySqlHook) -> dict[str, str]:
    """The settings that are compared, by name; those that a version does not have are absent."""
    rows = hook.rows("SHOW GLOBAL VARIABLES")
    wanted = {*STRICT, *LOOSE}
    return {row["Variable_name"]: str(row["Value"]) for row in rows if row["Variable_name"] in wanted}


def compare_settings(
    a: Mapping[str, str], b: Mapping[str, str], names: tuple[str, str] = ("source", "target")
) -> list[Finding]:
    """Compare the settings of two servers. Pure.

    :param a: what `settings` gives for one.
    :param names: how both are called.
    """
    found = []
    for name in sorted(a.keys() & b.keys()):
        if name == "version" or _normal(name, a[name]) == _normal(name, b[name]):
            continue
        weight: Weight = "stop" if name in STRICT and name not in _ONLY_WARN else "warn"
        text = f"{names[0]} has {_shown(a[name])}, {names[1]} has {_shown(b[name])}"
        found.append(Finding("settings", weight, name, text, f"Set it alike in the parameter group of {names[1]}."))
    return found + _versions(a.get("version"), b.get("version"), names)


def _versions(a: str | None, b: str | None, names: tuple[str, str]) -> list[Finding]:
    if not a or not b or version_tuple(a)[:2] <= version_tuple(b)[:2]:
        return []
    text = f"{names[1]} is of version {b}, older than {names[0]} with {a}"
    return [Finding("version", "stop", "version", text, f"Upgrade {names[1]}: replication to an older one may break.")]


def version_tuple(version: str) -> tuple[int, ...]:
    """The numbers at the beginning of a version: `8.0.36-log` is (8, 0, 36). Pure."""
    match = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(number) for number in match[0].split(".")) if match else ()


_MODES_GONE = {"NO_AUTO_CREATE_USER"}
_SYNONYMS = {"utc": "+00:00", "system": "system"}


def _normal(name: str, value: str) -> object:
    """A value without differences that mean nothing."""
    if name == "sql_mode":
        return frozenset(each for each in value.upper().split(",") if each and each not in _MODES_GONE)
    if name == "time_zone":
        return _SYNONYMS.get(value.lower(), value.lower())
    if name == "optimizer_switch":
        return frozenset(value.split(","))
    return value.upper()


def _shown(value: str, length: int = 120) -> str:
    return repr(value if len(value) <= length else value[:length] + "…")


def rendered(found: Iterable[Finding]) -> str:
    """Findings as lines of text."""
    return "\n".join(f"- {each.weight}: {each}" for each in found)
