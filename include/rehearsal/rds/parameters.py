"""Parameter groups: what there is, what a value becomes in `my.cnf`, and when a change takes effect.

RDS User Guide, "Parameters for MySQL"; Aurora User Guide, "Aurora MySQL configuration parameters". Only what
matters to replication and to applications is here; a real group has about 500 parameters.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

STATIC, DYNAMIC = "static", "dynamic"
RDS, AURORA = "mysql", "aurora-mysql"


@dataclass(frozen=True)
class Parameter:
    """One parameter of an engine.

    :param default: the engine's own value, or a formula.
    :param apply_type: a dynamic one takes effect at once, a static one at the next restart.
    :param allowed: what a group may hold; empty for anything.
    :param modifiable: whether a group may hold a value at all.
    :param passed: whether the stand-in's servers are told; others matter to the service alone, or would cost
        memory or time that a rehearsal does not have.
    """

    default: str | None
    apply_type: str = DYNAMIC
    allowed: str = ""
    modifiable: bool = True
    passed: bool = True


_SWITCH = "0,1"
_GTID = "OFF,OFF_PERMISSIVE,ON_PERMISSIVE,ON"
_COMMON = {
    "gtid-mode": Parameter("OFF_PERMISSIVE", STATIC, _GTID),
    "enforce_gtid_consistency": Parameter("OFF", STATIC, "OFF,WARN,ON"),
    "binlog_row_image": Parameter("full", DYNAMIC, "full,minimal,noblob"),
    "binlog_row_metadata": Parameter("minimal", DYNAMIC, "full,minimal"),
    "binlog_row_value_options": Parameter(None, DYNAMIC),
    "binlog_checksum": Parameter("CRC32", DYNAMIC, "NONE,CRC32"),
    "binlog_transaction_compression": Parameter("0", DYNAMIC, _SWITCH),
    "character_set_server": Parameter("utf8mb4"),
    "collation_server": Parameter("utf8mb4_0900_ai_ci"),
    "event_scheduler": Parameter("ON", DYNAMIC, "ON,OFF"),
    "innodb_lock_wait_timeout": Parameter("50"),
    "interactive_timeout": Parameter("28800"),
    "local_infile": Parameter("1", DYNAMIC, _SWITCH, passed=False),
    "log_bin_trust_function_creators": Parameter("0", DYNAMIC, _SWITCH),
    "log_replica_updates": Parameter("1", STATIC, _SWITCH, modifiable=False, passed=False),
    "long_query_time": Parameter("10"),
    "lower_case_table_names": Parameter("0", STATIC, _SWITCH),
    "max_allowed_packet": Parameter("67108864"),
    "max_connections": Parameter("{DBInstanceClassMemory/12582880}", passed=False),
    "performance_schema": Parameter("0", STATIC, _SWITCH, passed=False),
    "replica_parallel_workers": Parameter("4"),
    "replica_preserve_commit_order": Parameter("1", DYNAMIC, _SWITCH),
    "require_secure_transport": Parameter("OFF", DYNAMIC, "ON,OFF"),
    "server_id": Parameter(None, STATIC, modifiable=False, passed=False),
    "sql_mode": Parameter(
        "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,"
        "NO_ENGINE_SUBSTITUTION"
    ),
    "sync_binlog": Parameter("1", passed=False),
    "time_zone": Parameter("UTC", passed=False),
    "transaction_isolation": Parameter(
        "REPEATABLE-READ", DYNAMIC, "READ-UNCOMMITTED,READ-COMMITTED,REPEATABLE-READ,SERIALIZABLE"
    ),
    "wait_timeout": Parameter("28800"),
}
CATALOG: Mapping[str, Mapping[str, Parameter]] = {
    RDS: {
        **_COMMON,
        "binlog_format": Parameter("MIXED", DYNAMIC, "ROW,STATEMENT,MIXED"),
        "read_only": Parameter("{TrueIfReplica}", DYNAMIC, "0,1,{TrueIfReplica}"),
    },
    AURORA: {
        **_COMMON,
        "binlog_format": Parameter("OFF", STATIC, "ROW,STATEMENT,MIXED,OFF"),
        "read_only": Parameter("{TrueIfClusterReplica}", DYNAMIC, "0,{TrueIfClusterReplica}"),
        "aurora_enhanced_binlog": Parameter("0", STATIC, _SWITCH, passed=False),
        "binlog_backup": Parameter("1", STATIC, _SWITCH, passed=False),
        "binlog_replication_globaldb": Parameter("1", STATIC, _SWITCH, passed=False),
    },
}


def catalog(engine: str) -> Mapping[str, Parameter]:
    """The parameters of `mysql` or `aurora-mysql`."""
    return CATALOG[AURORA if engine.startswith("aurora") else RDS]


def engine_of(family: str) -> str:
    """The engine of a group's family, such as `mysql8.0`."""
    return AURORA if family.startswith("aurora-mysql") else RDS


def effective(engine: str, *groups: Mapping[str, str]) -> dict[str, str]:
    """The value of every parameter, formulas included.

    :param groups: values that people set; later ones win.
    """
    found = {name: parameter.default for name, parameter in catalog(engine).items() if parameter.default is not None}
    for group in groups:
        found |= group
    return found


def resolved(value: str, replica: bool) -> str:
    """A value without formulas.

    :param replica: whether the server is a replica that the service itself manages.
    """
    if value == "{TrueIfReplica}":
        return "1" if replica else "0"
    # A cluster's writer is no cluster replica, also in a cluster that replicates from elsewhere.
    return "0" if value == "{TrueIfClusterReplica}" else value


def option_name(parameter: str) -> str:
    """The name of a parameter as an option or a system variable."""
    return parameter.replace("-", "_")


def options(engine: str, values: Mapping[str, str], *, replica: bool, backups: bool) -> dict[str, str | None]:
    """What `my.cnf` must say for the values of a server's groups.

    :param values: of all parameters, see `effective`.
    :param replica: whether the service manages its replication.
    :param backups: whether automated backups are on; RDS has no binary log otherwise.
    """
    known = catalog(engine)
    found: dict[str, str | None] = {
        option_name(name): resolved(value, replica)
        for name, value in values.items()
        if name in known and known[name].passed
    }
    if not has_binlog(engine, values, backups=backups):
        found |= {"log_bin": None, "disable_log_bin": ""}
    if found["binlog_format"] == "OFF":
        found["binlog_format"] = "ROW"
    return found


def has_binlog(engine: str, values: Mapping[str, str], *, backups: bool) -> bool:
    """Whether a server writes a binary log."""
    if engine == RDS:
        return backups
    return values["binlog_format"] != "OFF" or enhanced(values)


def enhanced(values: Mapping[str, str]) -> bool:
    """Whether Aurora's enhanced binlog is on, whose files are absent from clones and restores."""
    return values.get("aurora_enhanced_binlog") == "1"
