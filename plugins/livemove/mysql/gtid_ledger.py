"""What a server's own GTIDs were, written down while its binary logs still tell.

RDS writes a heartbeat of its own every few minutes, which advances the GTIDs of a server that nobody writes to.
Once the logs are purged nobody can tell such GTIDs from writes, so each is classified before, and the ledger is kept
on the serving server, from where it replicates along the chain.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from livemove.mysql.errors import ServerError
from livemove.mysql.gtid import GtidRange, GtidSet
from livemove.mysql.heartbeat import SCHEMA, has_table, install_schema
from livemove.mysql.hook import RdsMySqlHook
from livemove.mysql.names import quoted

TABLE = quoted(SCHEMA, "gtid_ledger")
HEARTBEAT, OURS, ACCOUNT, EMPTY, WRITE = "heartbeat", "ours", "account", "empty", "write"
UNCLASSIFIED = "unclassified"
# Kinds that hold nothing of an application's.
HARMLESS = frozenset({HEARTBEAT, OURS, EMPTY})
BATCH_EVENTS = 20_000
DETAIL_LENGTH = 200
_NO_SUCH = (1049, 1146)

_GTID = re.compile(r"GTID_NEXT= '([^']+)'")
_TABLE_MAP = re.compile(r"table_id: \d+ \((.+)\)", re.DOTALL)
_USE = re.compile(r"use `((?:[^`]|``)+)`; ", re.IGNORECASE)
# A plain comment; `/*!` and `/*+` are statements and hints.
_COMMENT = re.compile(r"/\*(?![!+]).*?\*/", re.DOTALL)
_HEARTBEAT = re.compile(
    r"insert\s+into\s+(?P<schema>`?mysql`?\s*\.\s*)?`?rds_heartbeat2`?\s*\(\s*`?id`?\s*,\s*`?value`?\s*\)\s*"
    r"values\s*\(\s*\d+\s*,\s*\d+\s*\)\s*on\s+duplicate\s+key\s+update\s+`?value`?\s*=\s*\d+\s*;?",
    re.IGNORECASE,
)
_OURS = re.compile(
    rf"(?!.*\brename\b)(?:create|alter|drop|truncate)\s+(?:(?:database|schema)\s+(?:if\s+(?:not\s+)?exists\s+)?`?{SCHEMA}`?(?![\w`.])"
    rf"|table\s+(?:if\s+(?:not\s+)?exists\s+)?`?{SCHEMA}`?\s*\.)[^,;]*(?:\(.*|)$",
    re.IGNORECASE | re.DOTALL,
)
_ACCOUNT = re.compile(
    r"(?:create\s+(?:user|role)|alter\s+user|drop\s+(?:user|role)|rename\s+user|grant|revoke|set\s+password"
    r"|set\s+default\s+role|flush\s+privileges)\b",
    re.IGNORECASE,
)
_VERB = re.compile(r"[a-z]+(?:\s+[a-z]+)?", re.IGNORECASE)


@dataclass(frozen=True)
class Entry:
    """Consecutive GTIDs of one kind.

    :param kind: `heartbeat`, `ours`, `account`, `empty` or `write`.
    :param detail: tables, or the verb of a statement; never its text, which may hold secrets and data.
    """

    gtids: GtidRange
    kind: str
    detail: str = ""


@dataclass
class _Transaction:
    """One transaction while its events are read."""

    uuid: str
    tag: str
    number: int
    begun: bool = False
    done: bool = False
    kinds: set[str] = field(default_factory=set)
    details: set[str] = field(default_factory=set)

    def add(self, event: Mapping[str, Any]) -> None:
        kind, info = str(event["Event_type"]), _text(event["Info"])
        if kind == "Query":
            self._query(info)
        elif kind == "Table_map":
            self._note(*_of_table(info))
        elif kind == "Transaction_payload":
            # A server that does not unpack it here: what is in it is unknown, so it counts as a write.
            self._note(WRITE, "compressed transaction")
        elif kind in ("Xid", "XA_prepare"):
            self.done = True

    def _query(self, info: str) -> None:
        use = _USE.match(info)
        database = use[1].replace("``", "`") if use else ""
        text = _COMMENT.sub(" ", info[use.end() :] if use else info).strip()
        word = text.upper()
        if word == "BEGIN" or word.startswith("XA START"):
            self.begun = True
        elif word in ("COMMIT", "ROLLBACK") or word.startswith(("XA COMMIT", "XA ROLLBACK")):
            self._note(WRITE, "XA") if word.startswith("XA") else None
            self.done = True
        elif not word.startswith(("XA END", "SAVEPOINT", "ROLLBACK TO")):
            self._note(*_of_statement(text, database))
            self.done = not self.begun

    def _note(self, kind: str, detail: str) -> None:
        self.kinds.add(kind)
        self.details.add(detail)

    @property
    def entry(self) -> Entry:
        kind = next((each for each in (WRITE, ACCOUNT, OURS, HEARTBEAT) if each in self.kinds), EMPTY)
        detail = ", ".join(sorted(self.details)) if kind in (WRITE, ACCOUNT, OURS) else ""
        shown = detail if len(detail) <= DETAIL_LENGTH else detail[: DETAIL_LENGTH - 1] + "…"
        return Entry(GtidRange(self.uuid, self.tag, self.number, self.number), kind, shown)


def _text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")


def _of_table(info: str) -> tuple[str, str]:
    match = _TABLE_MAP.search(info)
    name = match[1] if match else info
    if name == "mysql.rds_heartbeat2":
        return HEARTBEAT, name
    return (OURS if name.startswith(f"{SCHEMA}.") else WRITE), name


def _of_statement(text: str, database: str) -> tuple[str, str]:
    match = _HEARTBEAT.fullmatch(text)
    if match and (match["schema"] or database == "mysql"):
        return HEARTBEAT, ""
    verb = _VERB.match(text)
    detail = " ".join(verb[0].upper().split()) if verb else "statement"
    if _ACCOUNT.match(text):
        return ACCOUNT, detail
    if _OURS.match(text):
        return OURS, detail
    return WRITE, f"{detail} in {database}" if database else detail


def classify(events: Iterable[Mapping[str, Any]]) -> Iterator[Entry]:
    """Classify the transactions of rows of SHOW BINLOG EVENTS, those that are complete. Pure."""
    current: _Transaction | None = None
    for event in events:
        if str(event["Event_type"]).lower() in ("gtid", "gtid_tagged"):
            current = _begun(_text(event["Info"]))
        elif str(event["Event_type"]).lower() == "anonymous_gtid":
            current = None
        elif current is not None:
            current.add(event)
            if current.done:
                yield current.entry
                current = None


def _begun(info: str) -> _Transaction | None:
    match = _GTID.search(info)
    if not match:
        return None
    [found] = GtidSet.parse(match[1]).ranges()
    return _Transaction(found.uuid, found.tag, found.first)


def compact(entries: Iterable[Entry]) -> list[Entry]:
    """Join consecutive GTIDs of the same kind and detail. Pure."""
    ordered = sorted(entries, key=lambda each: each.gtids)
    joined: list[Entry] = []
    for each in ordered:
        last = joined[-1] if joined else None
        if last and _follows(last, each):
            joined[-1] = Entry(last.gtids._replace(last=each.gtids.last), last.kind, last.detail)
        else:
            joined.append(each)
    return joined


def _follows(a: Entry, b: Entry) -> bool:
    same = (a.gtids.uuid, a.gtids.tag, a.kind, a.detail) == (b.gtids.uuid, b.gtids.tag, b.kind, b.detail)
    return same and a.gtids.last + 1 == b.gtids.first


def explain(entries: Iterable[Entry], gtids: GtidSet) -> dict[str, GtidSet]:
    """Part GTIDs by kind; those that the ledger does not know are `unclassified`. Pure."""
    parts: dict[str, GtidSet] = {}
    left = gtids
    for kind, group in groupby(sorted(entries, key=lambda each: each.kind), key=lambda each: each.kind):
        found = left & GtidSet.of(each.gtids for each in group)
        if found:
            parts[kind] = found
            left = left - found
    return {**parts, UNCLASSIFIED: left} if left else parts


# -- reading a server's binary logs ---------------------------------------------------------------


def scan(server: RdsMySqlHook, known: GtidSet | None = None) -> list[Entry]:
    """Classify the GTIDs of a server's own UUID that are still in its binary logs.

    :param known: GTIDs that need no look; logs that hold no others are not read.
    :raises NeedsPerson: the user lacks REPLICATION CLIENT or REPLICATION SLAVE.
    """
    with server.connection():
        uuid = server.server_uuid()
        executed = server.executed()
        wanted = (executed - server.purged()).only(uuid) - (known or GtidSet())
        found: list[Entry] = []
        if not wanted:
            return found
        for file in _files_with(server, wanted, executed):
            found += [each for each in classify(_events(server, file)) if str(each.gtids) in wanted]
    return compact(found)


def _files_with(server: RdsMySqlHook, wanted: GtidSet, executed: GtidSet) -> list[str]:
    """The logs that hold some of these GTIDs: each begins with the set of all before it."""
    files = [str(row["Log_name"]) for row in server.rows("SHOW BINARY LOGS")]
    before = [_previous(server, file) for file in files]
    after = [*before[1:], executed]
    # What a log holds is what follows minus what precedes; one that tells neither is read.
    return [
        file
        for file, first, last in zip(files, before, after, strict=True)
        if first is None or last is None or (last - first) & wanted
    ]


def _previous(server: RdsMySqlHook, file: str) -> GtidSet | None:
    try:
        rows = server.rows("SHOW BINLOG EVENTS IN %s LIMIT 3", (file,))
    except ServerError as error:
        if error.code != 1220:  # Purged since it was listed.
            raise
        return None
    for row in rows:
        if str(row["Event_type"]).lower() == "previous_gtids":
            return GtidSet.parse(_text(row["Info"]))
    return None


def _events(server: RdsMySqlHook, file: str) -> Iterator[Mapping[str, Any]]:
    place = 4
    while True:
        try:
            rows = server.rows("SHOW BINLOG EVENTS IN %s FROM %s LIMIT %s", (file, place, BATCH_EVENTS))
        except ServerError as error:
            if error.code != 1220:
                raise
            return
        yield from rows
        if len(rows) < BATCH_EVENTS:
            return
        place = int(rows[-1]["End_log_pos"])


# -- the ledger -----------------------------------------------------------------------------------


def install(serving: RdsMySqlHook) -> None:
    """Make the ledger's table on the serving server; nothing to do where it is."""
    if has_table(serving, "gtid_ledger"):
        return
    install_schema(serving)
    serving.execute(
        f"CREATE TABLE IF NOT EXISTS {TABLE} (uuid CHAR(36) NOT NULL, tag VARCHAR(32) NOT NULL DEFAULT '', "
        "`first` BIGINT NOT NULL, `last` BIGINT NOT NULL, `class` VARCHAR(16) NOT NULL, detail VARCHAR(255) NOT NULL, "
        "seen_at DATETIME(6) NOT NULL, PRIMARY KEY (uuid, tag, `first`)) ENGINE = InnoDB "
        "DEFAULT CHARSET = utf8mb4 COLLATE = utf8mb4_bin"
    )


def read(server: RdsMySqlHook, uuid: str | None = None) -> list[Entry]:
    """The ledger as a server of the chain has it.

    :param uuid: only the GTIDs of this server.
    """
    where, values = ("WHERE uuid = %s", (uuid.lower(),)) if uuid else ("", ())
    try:
        rows = server.rows(
            f"SELECT uuid, tag, `first`, `last`, `class` AS kind, detail FROM {TABLE} {where} ORDER BY 1, 2, 3", values
        )
    except ServerError as error:
        if error.code not in _NO_SUCH:
            raise
        return []
    return [Entry(GtidRange(r["uuid"], r["tag"], r["first"], r["last"]), r["kind"], r["detail"]) for r in rows]


def update(serving: RdsMySqlHook, server: RdsMySqlHook) -> list[Entry]:
    """Classify what the ledger lacks of a server's own GTIDs and write it down. Can be run again at any time.

    :param serving: the server that takes the writes now.
    :param server: whose GTIDs are looked at; it need not be able to write.
    :returns: what was added.
    """
    install(serving)
    uuid = server.server_uuid()
    known = read(serving, uuid)
    added = scan(server, GtidSet.of(each.gtids for each in known))
    if added:
        _write(serving, known, added)
    return added


def _write(serving: RdsMySqlHook, known: Sequence[Entry], added: Sequence[Entry]) -> None:
    """Write rows that are new or longer; a row that goes on where one of the ledger ends takes its place."""
    firsts = {each.gtids: each for each in known}
    with serving.connection():
        for each in compact([*known, *added]):
            if each.gtids not in firsts:
                uuid, tag, first, last = each.gtids
                serving.execute(
                    f"INSERT INTO {TABLE} (uuid, tag, `first`, `last`, `class`, detail, seen_at) "
                    "VALUES (%s, %s, %s, %s, %s, %s, UTC_TIMESTAMP(6)) "
                    "ON DUPLICATE KEY UPDATE `last` = VALUES(`last`), seen_at = VALUES(seen_at)",
                    (uuid, tag, first, last, each.kind, each.detail),
                )
