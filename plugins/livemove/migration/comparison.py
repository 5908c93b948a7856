"""Compare the rows of source and target by key ranges, while both are in use, and judge how old that is."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from livemove.migration.settings import Role
from livemove.migration.steps import Pending, Step
from livemove.migration.wanted import Known
from livemove.mysql import checksum
from livemove.mysql.checksum import TableChecksum, TableResult
from livemove.mysql.hook import RdsMySqlHook
from livemove.runbook.errors import NeedsPerson
from livemove.runbook.evidence import Check, ok, stop, warn

if TYPE_CHECKING:
    from livemove.migration.preflight import Side

log = logging.getLogger(__name__)

NAME = "checksum"
# A run of prepare that is resumed does not compare again what it has just compared.
FRESH_HOURS = 1.0
SHOWN = 5
Newest = Mapping[str, tuple[TableResult, float]]


class CompareStep(Step):
    """Every table of the migration's schemas is the same on source and target, as of now."""

    title = "checksum"

    def plan(self, known: Known) -> list[str]:
        """What is read."""
        schemas = ", ".join(self.settings.schemas)
        limit = self.settings.limits.lag_seconds
        return [
            f"-- every table of {schemas}: checksums of ranges of its primary key on source and target, read only",
            f"-- while the target is less than {limit:g} s behind; results in livemove.checksum",
        ]

    def advance(self) -> Pending | None:
        """Compare what has not been compared within the hour.

        :raises NeedsPerson: tables differ, or could not be compared.
        """
        source, target = self.servers.hook(Role.SOURCE), self.servers.hook(Role.TARGET)
        newest = checksum.newest(source, self.settings.name)
        bad = []
        for schema, table in tables(self.servers.hook(Role.SOURCE), self.settings.schemas):
            done, age = newest.get(f"{schema}.{table}", (None, 0.0))
            if done is None or not done.same or age > FRESH_HOURS * 3600:
                limit = self.settings.limits.lag_seconds
                done = TableChecksum(source, target, schema, table, lag_seconds=limit).run()
                checksum.store(source, self.settings.name, done)
            log.info("%s", told(done))
            bad += [] if done.same else [told(done)]
        if bad:
            raise NeedsPerson(
                f"{len(bad)} tables are not the same on source and target: {'; '.join(bad[:SHOWN])}. Find out who "
                "wrote to the target; build it anew if rows differ."
            )
        return None

    def done(self) -> str:
        """What is true."""
        newest = checksum.newest(self.servers.hook(Role.SOURCE), self.settings.name)
        rows = sum(result.rows for result, _ in newest.values())
        return f"{len(newest)} tables with {rows:,} rows are the same on source and target"


def tables(hook: RdsMySqlHook, schemas: Sequence[str]) -> Iterator[tuple[str, str]]:
    """All tables of schemas."""
    for schema in schemas:
        for table in checksum.tables_of(hook, schema):
            yield schema, table


def told(result: TableResult) -> str:
    """What a comparison found, in one line."""
    if result.same:
        return f"{result.table}: {result.rows:,} rows in {result.ranges} ranges are the same"
    parts = [
        f"{len(found)} {what} ({', '.join(found[:SHOWN])})"
        for found, what in (
            (result.definition, "differences of definition"),
            (result.differences, "ranges differ"),
            (result.undecided, "ranges changed too often to be compared"),
        )
        if found
    ]
    return f"{result.table}: {', '.join(parts)}"


def judge(expected: Sequence[str], newest: Newest, max_age_hours: float) -> Check:
    """Judge results: all tables compared, all the same, none of it too old. Pure.

    A table that was never compared, as one that was made since, is a person's decision.

    :param expected: all tables, as `schema.table`.
    """
    remedy = "Run migration_prepare again: its step `compare` compares what is older than an hour, and nothing else."
    missing = [name for name in expected if name not in newest]
    here = {name: newest[name] for name in expected if name in newest}
    differing = [told(result) for result, _ in here.values() if result.differences or result.definition]
    if differing:
        return stop(NAME, "; ".join(differing[:SHOWN]), "Find out who wrote to the target; build it anew.")
    if not here and missing:
        return stop(NAME, f"none of {len(expected)} tables was ever compared", remedy)
    age = max((age for _, age in here.values()), default=0.0) / 3600
    figures = (
        f"{len(here)} tables, {sum(r.rows for r, _ in here.values()):,} rows, the oldest result is {age:.1f} h old"
    )
    if age > max_age_hours:
        return stop(NAME, f"{figures} (limit {max_age_hours:g} h)", remedy)
    if missing:
        shown = ", ".join(missing[:SHOWN]) + (" …" if len(missing) > SHOWN else "")
        return warn(NAME, f"{len(missing)} of {len(expected)} tables were never compared: {shown}; {figures}", remedy)
    undecided = [told(result) for result, _ in here.values() if result.undecided]
    return warn(NAME, "; ".join(undecided[:SHOWN]), remedy) if undecided else ok(NAME, f"{figures}, all the same")


def look(side: Side) -> Iterator[Check]:
    """The evidence of a cutover. A fall back does not wait for it: it is wanted when the target fails."""
    if side.direction != "cutover":
        return
    serving = side.servers.hook(side.serving)
    expected = [f"{schema}.{table}" for schema, table in tables(serving, side.settings.schemas)]
    newest = checksum.newest(serving, side.settings.name)
    yield judge(expected, newest, side.settings.limits.checksum_age_hours)
