"""What a server has committed by itself that others lack: what it was, as far as ledger and binary logs tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from livemove.mysql import gtid_ledger
from livemove.mysql.gtid import GtidSet
from livemove.mysql.gtid_ledger import ACCOUNT, HARMLESS, Entry
from livemove.mysql.hook import RdsMySqlHook


@dataclass(frozen=True)
class Errant:
    """Transactions of one server, by what they were.

    :ivar parts: GTIDs by the ledger's class; `unclassified` where nobody knows.
    :ivar details: what classes other than heartbeats touched.
    """

    parts: Mapping[str, GtidSet]
    details: Sequence[str] = ()

    @property
    def harmful(self) -> bool:
        """Whether any may hold something of the application."""
        return any(kind not in (*HARMLESS, ACCOUNT) for kind in self.parts)

    def text(self) -> str:
        """What they are, in one line."""
        if not self.parts:
            return "none"
        shown = "; ".join(f"{gtids.count()} {kind} ({_short(gtids)})" for kind, gtids in sorted(self.parts.items()))
        return shown + (f": {', '.join(self.details)}" if self.details else "")


def _short(gtids: GtidSet, length: int = 90) -> str:
    text = str(gtids).replace("\n", "")
    return text if len(text) <= length else text[: length - 1] + "…"


def classify(serving: RdsMySqlHook, server: RdsMySqlHook, gtids: GtidSet) -> Errant:
    """Say what transactions of a server's own were.

    :param serving: where the ledger is.
    :param server: whose transactions they are; its binary logs are read for what the ledger lacks.
    """
    if not gtids:
        return Errant({})
    known = gtid_ledger.read(serving, server.server_uuid())
    left = gtids - GtidSet.of(each.gtids for each in known)
    entries = [*known, *(gtid_ledger.scan(server, server.executed() - left) if left else [])]
    return Errant(gtid_ledger.explain(entries, gtids), tuple(_details(entries, gtids)))


def _details(entries: Iterable[Entry], gtids: GtidSet) -> list[str]:
    touched = [each for each in entries if each.detail and GtidSet.of([each.gtids]) & gtids]
    return sorted({each.detail for each in touched if each.kind not in HARMLESS})
