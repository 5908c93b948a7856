"""Which transactions of the new source a replica can no longer get, what they were, and whether they may be skipped.

RDS writes a heartbeat of its own every few minutes, which uses up GTIDs of the server's UUID. Once the binary logs
that held them are purged, a server that is to replicate from it asks for them in vain (error 1236). What purged
transactions were cannot be seen any more: only the ledger knows, which `migration_watch` keeps. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from livemove.mysql import gtid_ledger
from livemove.mysql.gtid import GtidSet
from livemove.runbook.errors import NeedsPerson
from livemove.runbook.table import markdown_table

# Those that hold nothing of the application, and account statements: Aurora discards them when they arrive.
HARMLESS = gtid_ledger.HARMLESS | {gtid_ledger.ACCOUNT}
# More than two weeks of heartbeats, one every five minutes; a person should not sign what nobody can read.
CAP = 5000


@dataclass(frozen=True)
class Found:
    """Transactions of one server and one class.

    :ivar origin: the server that made them, as people call it.
    :ivar kind: the ledger's class, or `unclassified`.
    :ivar detail: what the ledger says, such as the tables.
    """

    gtids: GtidSet
    origin: str
    kind: str
    detail: str = ""


@dataclass(frozen=True)
class Triage:
    """All transactions that have to be skipped."""

    found: tuple[Found, ...]

    @property
    def gtids(self) -> GtidSet:
        """All of them."""
        total = GtidSet.parse("")
        for each in self.found:
            total |= each.gtids
        return total

    @property
    def refused(self) -> tuple[Found, ...]:
        """Those that nobody may skip."""
        return tuple(each for each in self.found if each.kind not in HARMLESS)

    def markdown(self) -> str:
        """What a person signs."""
        if not self.found:
            return "No transaction has to be skipped."
        rows = [[e.origin, str(e.gtids), f"{e.gtids.count():,}", e.kind, e.detail or "-"] for e in self.found]
        return markdown_table(["made by", "GTIDs", "count", "class", "detail"], rows)

    def raise_if_refused(self, cap: int = CAP) -> None:
        """Refuse what is not known to be harmless, and more than a person can judge.

        :raises NeedsPerson: with the list.
        """
        if self.refused:
            raise NeedsPerson(
                "These transactions are purged from the binary logs and are not known to be harmless, so they are not "
                f"skipped:\n\n{self.markdown()}\n\nUnclassified ones may hold rows of the application. Compare the "
                "tables by checksum, and build the replica anew from a snapshot of the server that serves."
            )
        if (count := self.gtids.count()) > cap:
            raise NeedsPerson(
                f"{count:,} transactions would have to be skipped, and {cap:,} is the most. Build the replica anew."
            )

    def require_signed(self, signed: str) -> None:
        """Refuse what the person has not seen.

        :param signed: the GTID set that was approved.
        :raises NeedsPerson: there is more.
        """
        if more := self.gtids - GtidSet.parse(signed):
            raise NeedsPerson(
                f"{more.count()} more transactions have to be skipped than were signed: {more}. Clear the task that "
                "lists them, and sign again."
            )


def sort_out(missing: GtidSet, ledger: Iterable[gtid_ledger.Entry], origins: Mapping[str, str]) -> Triage:
    """Look each missing GTID up in the ledger.

    :param missing: purged on the new source, and not executed on the replica.
    :param origins: how the server of each UUID is called.
    """
    left, found = missing, dict[tuple[str, str, str], GtidSet]()
    for entry in ledger:
        known = GtidSet.of([entry.gtids]) & left
        if known:
            key = (entry.gtids.uuid.lower(), entry.kind, entry.detail)
            found[key] = found.get(key, GtidSet()) | known
            left = left - known
    found |= {(uuid.lower(), gtid_ledger.UNCLASSIFIED, ""): left.only(uuid) for uuid in left.uuids}
    return Triage(
        tuple(
            Found(gtids, origins.get(uuid, f"server {uuid}"), kind, detail)
            for (uuid, kind, detail), gtids in sorted(found.items(), key=lambda item: item[0])
        )
    )
