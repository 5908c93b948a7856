"""Open transactions: how long they have been open, and whether anything still runs in them."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import Any

from livemove.mysql.hook import RdsMySqlHook
from livemove.runbook.errors import TryAgain

FRESH_LIST_SECONDS = 20.0
_TRANSACTIONS = """
SELECT t.trx_mysql_thread_id AS thread, COALESCE(p.user, '?') AS user, COALESCE(p.host, '?') AS host,
       GREATEST(0, TIMESTAMPDIFF(SECOND, t.trx_started, NOW())) AS seconds,
       COALESCE(p.command, '') = 'Sleep' AS idle, COALESCE(p.time, 0) AS idle_seconds,
       t.trx_rows_modified AS modified, t.trx_state AS state
FROM information_schema.innodb_trx t
LEFT JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id
"""


@dataclass(frozen=True)
class OpenTransaction:
    """A transaction that is not committed. What it runs is left out, as statements may hold secrets.

    :param seconds: since it began.
    :param idle_seconds: since its session sent the last statement; 0 while one runs.
    :param modified: rows that it has changed.
    """

    thread: int
    user: str
    host: str
    seconds: int
    idle_seconds: int
    modified: int
    state: str

    def __str__(self) -> str:
        idle = f", idle for {self.idle_seconds} s" if self.idle_seconds else ""
        return f"thread {self.thread} ({self.user}): open for {self.seconds} s{idle}, {self.modified} rows changed"


def open_transactions(hook: RdsMySqlHook) -> list[OpenTransaction]:
    """All open transactions but our own and replication's, longest first, from a list newer than the call.

    InnoDB shows them from a cache, which it renews only when nobody has read it for 0.1 s (manual, "Internal
    Locking Data in INFORMATION_SCHEMA"). So a transaction of our own is opened first: a list that has it is newer.

    :raises NeedsPerson: the user lacks the privilege PROCESS.
    :raises TryAgain: no such list was seen.
    """
    with hook.connection():
        me = int(hook.value("SELECT CONNECTION_ID()"))
        hook.execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        hook.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        try:
            rows = _fresh(hook, me)
        finally:
            hook.execute("ROLLBACK")
    found = [
        OpenTransaction(
            thread=int(row["thread"]),
            user=str(row["user"]),
            host=str(row["host"]),
            seconds=int(row["seconds"]),
            idle_seconds=int(row["idle_seconds"]) if row["idle"] else 0,
            modified=int(row["modified"]),
            state=str(row["state"]),
        )
        for row in rows
        if int(row["thread"]) not in (0, me) and row["user"] != "system user"
    ]
    return sorted(found, key=lambda each: (-each.seconds, each.thread))


def _fresh(hook: RdsMySqlHook, me: int) -> list[dict[str, Any]]:
    ends = time.monotonic() + FRESH_LIST_SECONDS
    rows = hook.rows(_TRANSACTIONS)
    while me not in [row["thread"] for row in rows]:
        if time.monotonic() > ends:
            raise TryAgain(
                f"{hook.name}: for {FRESH_LIST_SECONDS:.0f} s InnoDB has shown an old list of transactions: something "
                "reads information_schema.innodb_trx more than ten times a second. Let that monitor read it less often."
            )
        # Others, too, wait for a moment without readers.
        time.sleep(random.uniform(0.11, 0.2))  # noqa: S311
        rows = hook.rows(_TRANSACTIONS)
    return rows


def idle(found: list[OpenTransaction], seconds: float) -> list[OpenTransaction]:
    """Those whose session has sent nothing for longer than this. Pure."""
    return [each for each in found if each.idle_seconds > seconds]


def long(found: list[OpenTransaction], seconds: float) -> list[OpenTransaction]:
    """Those that have been open for longer than this. Pure."""
    return [each for each in found if each.seconds > seconds]
