"""What each database of a migration is to be: its parameters, and the calls that make it. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from livemove.migration.settings import ClusterSettings, InstanceSettings, MigrationSettings, Role
from livemove.mysql.schema_checks import LOOSE, STRICT
from livemove.rds import calls
from livemove.rds.calls import Call
from livemove.rds.naming import snapshot_name, tags
from livemove.rds.parameters import plan_parameters

BACKUP_DAYS = 1

# GTIDs on: every server of the chain finds its place by them (article 1, step 0). The event scheduler is off before
# a database has ever run: events of a snapshot stay enabled, and would write at once.
_EVERYWHERE = {
    "binlog_format": "ROW",
    "enforce_gtid_consistency": "ON",
    "event_scheduler": "OFF",
    "gtid-mode": "ON",
}
_PARAMETERS: Mapping[Role, Mapping[str, str]] = {
    # Aurora User Guide, "Setting up enhanced binlog": the three belong together.
    Role.TARGET: _EVERYWHERE
    | {"aurora_enhanced_binlog": "1", "binlog_backup": "0", "binlog_replication_globaldb": "0"},
    # DMS does not read the enhanced binlog, and wants whole rows.
    Role.CDC: _EVERYWHERE
    | {
        "aurora_enhanced_binlog": "0",
        "binlog_backup": "1",
        "binlog_replication_globaldb": "1",
        # What DMS asks of a MySQL source (DMS guide, "Using a MySQL-compatible database as a source").
        "binlog_checksum": "NONE",
        "binlog_row_image": "full",
    },
    Role.FALLBACK: _EVERYWHERE | {"binlog_row_image": "full"},
}
# Aurora's own documents disagree on whether it can be set; the server's variable is looked at afterwards.
FIXED_SOMEWHERE = frozenset({"binlog_row_image"})
# What somebody has set on the source is set alike where the application will be: it decides what statements mean or
# whether they run. Sizes and limits that belong to a class are not carried over.
CARRIED = frozenset({*STRICT, *LOOSE} - {
    "authentication_policy", "default_authentication_plugin", "enforce_gtid_consistency", "event_scheduler",
    "binlog_format", "binlog_row_image", "gtid_mode", "max_connections", "version",
})  # fmt: skip
# Of an RDS instance; Aurora has a procedure for it (mysql.rds_set_read_only).
READ_ONLY = "read_only"


@dataclass(frozen=True)
class Known:
    """What was found, as far as calls and plans depend on it.

    :ivar source_arn: of the RDS instance.
    :ivar source_version: of its MySQL, such as 8.0.35.
    :ivar there: roles whose database exists; it is adopted.
    :ivar made: when a role's database was made, as a stamp that names of snapshots may hold; '' if not known.
    :ivar parameters: rows of each role's parameter group, as RDS describes them; a missing role has no group yet.
    :ivar carried: what somebody has set in the source's group, of CARRIED.
    :ivar endpoints: host and port of those that exist.
    """

    source_arn: str
    source_version: str
    there: frozenset[Role] = frozenset()
    made: Mapping[Role, str] = field(default_factory=lambda: MappingProxyType({}))
    parameters: Mapping[Role, Sequence[Mapping[str, Any]]] = field(default_factory=lambda: MappingProxyType({}))
    carried: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    endpoints: Mapping[Role, tuple[str, int]] = field(default_factory=lambda: MappingProxyType({}))


def parameters(role: Role) -> dict[str, str]:
    """The parameters that a role's group has to hold before the database replicates."""
    return dict(_PARAMETERS[role])


def family(settings: MigrationSettings, role: Role, source_version: str) -> str:
    """The family of a role's parameter group, such as aurora-mysql8.0."""
    server = settings.new_server(role)
    version = server.engine_version if isinstance(server, ClusterSettings) else source_version
    generation = ".".join(version.split(".")[:2])
    return f"aurora-mysql{generation}" if role.is_cluster else f"mysql{generation}"


def parameter_calls(settings: MigrationSettings, role: Role, known: Known) -> list[Call]:
    """The calls that make and fill a role's parameter group; none if it is right already.

    :raises NeedsPerson: the group lacks a parameter, or RDS does not let it be changed.
    """
    group, cluster = settings.new_server(role).parameter_group, role.is_cluster
    found = known.parameters.get(role)
    wanted = _all_wanted(role, known, found)
    made: list[Call] = []
    if found is None:
        labels = tags(settings.name, role.value)
        kind = family(settings, role, known.source_version)
        made.append(calls.create_parameter_group(name=group, family=kind, cluster=cluster, tags=labels))
        # Which of them are dynamic does not matter before a database uses the group.
        found = [{"ParameterName": name} for name in wanted]
    rows = {row["ParameterName"]: row for row in found}
    fixed = {name for name in FIXED_SOMEWHERE if not rows.get(name, {}).get("IsModifiable", name in rows)}
    plan = plan_parameters(group, found, {n: v for n, v in wanted.items() if n not in fixed}, cluster=cluster)
    return [*made, *plan.calls]


def _all_wanted(role: Role, known: Known, found: Sequence[Mapping[str, Any]] | None) -> dict[str, str]:
    """What a group is to hold: what replication needs, and what the source has if this engine lets it be set."""
    carried = dict(known.carried) if role is not Role.CDC else {}
    if found is not None:
        settable = {row["ParameterName"] for row in found if row.get("IsModifiable", True)}
        carried = {name: value for name, value in carried.items() if name in settable}
    return {**carried, **parameters(role)}


_SPELLINGS = {"on": "1", "true": "1", "off": "0", "false": "0", "disabled": "0"}


def same(wanted: str, found: str) -> bool:
    """Whether two values of a server's variable mean the same: 1 and ON; 0, OFF and DISABLED."""
    one, other = wanted.lower(), found.lower()
    return _SPELLINGS.get(one, one) == _SPELLINGS.get(other, other)


def stamped_by(role: Role) -> Role | None:
    """The role whose time of making the name of a role's snapshot holds; None if it is made of no snapshot."""
    return {Role.CDC: Role.TARGET, Role.FALLBACK: Role.CDC}.get(role)


def snapshot_of(settings: MigrationSettings, role: Role, known: Known) -> str:
    """The name of the snapshot that a role is restored from.

    It holds when the database upstream was made: if that one is made anew, an older snapshot must not be taken, as
    the binary logs between the two are gone.
    """
    origin = Role.TARGET if role is Role.CDC else Role.SOURCE
    upstream = stamped_by(role)
    stamp = known.made.get(upstream, "") if upstream else ""
    return snapshot_name(settings.server(origin).identifier, f"for-{role.value}" + (f"-{stamp}" if stamp else ""))


def creation_calls(settings: MigrationSettings, role: Role, known: Known) -> list[Call]:
    """The calls that make a role's database, in their order. Each needs what the one before it made."""
    server = settings.new_server(role)
    labels = tags(settings.name, role.value)
    placed = {
        "parameter_group": server.parameter_group,
        "subnet_group": server.subnet_group,
        "security_groups": server.security_groups,
        "tags": labels,
    }
    if isinstance(server, InstanceSettings):
        snapshot = snapshot_of(settings, role, known)
        return [
            calls.snapshot_instance(identifier=settings.source.identifier, snapshot=snapshot, tags=labels),
            # Without backups RDS keeps no binary log; with a standby in another zone it lags while it replicates.
            calls.restore_instance(
                identifier=server.identifier,
                snapshot=snapshot,
                instance_class=server.instance_class,
                multi_az=False,
                backup_retention_days=BACKUP_DAYS,
                **placed,  # type: ignore[arg-type]
            ),
        ]
    assert isinstance(server, ClusterSettings)  # noqa: S101 - narrows the type
    first: list[Call]
    if role is Role.TARGET:
        first = [
            calls.create_aurora_replica(
                identifier=server.identifier,
                source_arn=known.source_arn,
                engine_version=server.engine_version,
                **placed,  # type: ignore[arg-type]
            )
        ]
    else:
        snapshot = snapshot_of(settings, role, known)
        first = [
            calls.snapshot_cluster(identifier=settings.target.identifier, snapshot=snapshot, tags=labels),
            calls.restore_cluster(
                identifier=server.identifier,
                snapshot=snapshot,
                engine_version=server.engine_version,
                **placed,  # type: ignore[arg-type]
            ),
        ]
    instance = calls.create_cluster_instance(
        cluster=server.identifier,
        instance_class=server.instance_class,
        identifier=settings.writer_instance(role),
        tags=labels,
    )
    return [*first, instance]
