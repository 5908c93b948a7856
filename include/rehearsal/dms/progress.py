"""Which transactions are in the stream with all their records, in the order of the binary log."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

from pymysqlreplication.gtid import Gtid, GtidSet


@dataclass
class Entry:
    """A transaction that is being read or written.

    :ivar gtid: known once all of it was read.
    :ivar waiting: its records that are not in the stream yet.
    """

    gtid: str | None = None
    waiting: int = 0


class Progress:
    """Counts records from two sides: who reads opens and closes transactions, who writes ticks records off.

    A transaction counts only when all before it do, so that a position never passes a record that is not written.
    """

    def __init__(self, executed: str) -> None:
        self._executed = GtidSet(executed)
        self._open = Entry()
        self._entries: deque[Entry] = deque()
        self._lock = threading.Lock()

    def read(self) -> Entry:
        """A record of the open transaction was read: what to tick it off with."""
        with self._lock:
            if self._open.waiting == 0 and (not self._entries or self._entries[-1] is not self._open):
                self._entries.append(self._open)
            self._open.waiting += 1
            return self._open

    def close(self, gtid: str) -> None:
        """The open transaction was read to its end."""
        with self._lock:
            if not self._entries or self._entries[-1] is not self._open:
                self._entries.append(self._open)
            self._open.gtid = gtid
            self._open = Entry()
            self._advance()

    def reopen(self) -> None:
        """The rest of the open transaction will not come: it is read anew from its beginning."""
        with self._lock:
            if self._entries and self._entries[-1] is self._open:
                self._entries.pop()
            self._open = Entry()

    def written(self, entry: Entry) -> None:
        """A record is in the stream."""
        with self._lock:
            entry.waiting -= 1
            self._advance()

    def executed(self) -> str:
        """GTID set of the transactions that are in the stream."""
        with self._lock:
            return str(self._executed)

    def _advance(self) -> None:
        while self._entries and self._entries[0].gtid is not None and self._entries[0].waiting == 0:
            self._executed.merge_gtid(Gtid(self._entries.popleft().gtid))
