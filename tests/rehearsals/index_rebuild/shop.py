"""The whole pipeline of one test: a table in MySQL that is written to, DMS, transform, loader, index, searches."""

from __future__ import annotations

import json
import os
import random
import sys
import threading
import time
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rehearsal.paths import REPOSITORY
from rehearsal.s3 import ACCESS_KEY, SECRET_KEY
from rehearsal.search import products
from rehearsal.search.seed import FIRST_MAPPING
from rehearsal.services import REGION
from tests.fixtures.rebuild import ALIAS, IndexCase

if TYPE_CHECKING:
    from rehearsal.dms.service import Dms
    from rehearsal.mysql.server import MySqlServer
    from rehearsal.processes import Server

# `./dev test rehearsals` takes a small table; the size of the issue takes minutes more.
ENTITIES = int(os.environ.get("LIVEMOVE_ENTITIES", "5000"))
RATE = float(os.environ.get("LIVEMOVE_RATE", "300"))
HOT = 20


@dataclass
class Application:
    """Writes to the table: updates, deletes, inserts again what was deleted, bursts on hot keys.

    Every change of any row takes the next revision, so a row's revisions only grow, also over a delete.

    :ivar changes: how many rows were changed.
    """

    server: MySqlServer
    password: str
    database: str
    rows: int
    rate: float = RATE
    changes: int = 0
    revision: int = 1
    _random: random.Random = field(default_factory=lambda: random.Random(7))
    _ending: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _gone: list[int] = field(default_factory=list)
    _error: BaseException | None = None

    def start(self) -> None:
        """Write from now on."""
        self._ending.clear()
        self._thread = threading.Thread(target=self._run, name="application", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End after the transaction in flight."""
        self._ending.set()
        if self._thread:
            self._thread.join()
            self._thread = None
        if self._error:
            raise self._error

    def await_changes(self, more: int, seconds: float = 120) -> None:
        """Wait for so many more changes."""
        wanted, ends = self.changes + more, time.monotonic() + seconds
        while self.changes < wanted:
            assert self._error is None, self._error
            assert time.monotonic() < ends, f"{self.changes} of {wanted} changes"
            time.sleep(0.05)

    def _run(self) -> None:
        import pymysql

        login = {"host": "127.0.0.1", "port": self.server.port, "user": "admin", "password": self.password}
        try:
            with closing(pymysql.connect(**login, database=self.database)) as connection:
                began, before = time.monotonic(), self.changes
                while not self._ending.is_set():
                    due = (time.monotonic() - began) * self.rate
                    if self.changes - before >= due:
                        time.sleep(0.005)
                        continue
                    with connection.cursor() as cursor:
                        self._transaction(cursor)
                    connection.commit()
        except BaseException as error:
            self._error = error

    def _transaction(self, cursor: Any) -> None:
        for _ in range(self._random.randrange(1, 6)):
            kind = self._random.random()
            if kind < 0.55:
                self._update(cursor, self._random.randrange(1, self.rows + 1))
            elif kind < 0.7:
                self._delete(cursor, self._random.randrange(1, self.rows + 1))
            elif kind < 0.85 and self._gone:
                self._insert(cursor, self._gone.pop(self._random.randrange(len(self._gone))))
            else:
                # A burst on one of few hot keys, which may end and begin anew within the transaction.
                hot = self._random.randrange(1, HOT + 1)
                for _ in range(5):
                    self._update(cursor, hot)
                self._delete(cursor, hot)
                self._insert(cursor, hot)

    def _update(self, cursor: Any, number: int) -> None:
        self.revision += 1
        self.changes += cursor.execute(
            "UPDATE products SET stock = %s, price = price + 0.01, revision = %s, updated_at = UTC_TIMESTAMP(6) "
            "WHERE id = %s",
            (self.revision % 200, self.revision, number),
        )

    def _delete(self, cursor: Any, number: int) -> None:
        self.revision += 1
        if cursor.execute("DELETE FROM products WHERE id = %s", (number,)):
            self.changes += 1
            self._gone.append(number)

    def _insert(self, cursor: Any, number: int) -> None:
        self.revision += 1
        if number in self._gone:
            self._gone.remove(number)
        values = (number, f"again {number}", "It is back.", "tables", "9.99", 5, json.dumps(["new"]), self.revision)
        self.changes += cursor.execute(
            "INSERT IGNORE INTO products VALUES (%s, %s, %s, %s, %s, %s, %s, %s, UTC_TIMESTAMP(6))", values
        )


class Shop:
    """The pipeline.

    :param database: this test's own, with a table `products`.
    """

    def __init__(self, case: IndexCase, dms: Dms, server: MySqlServer, database: str, rows: int = ENTITIES) -> None:
        self.case = case
        self.dms = dms
        self.server = server
        self.database = database
        password = case.stack.password("mysql-admin")
        self.application = Application(server, password, database, rows)
        self.transform: Server = case.stack.folder.server(f"transform-{database}")
        case.configure(documents__table=f"{database}.products")

    def start(self) -> None:
        """Fill the table, and wait until searches find all of it."""
        from livemove.search import aliases, indices, naming

        products.sow(self.server, self.application.rows, self.database)
        rebuild = self.case.rebuild()
        self.case.live = naming.new_index(ALIAS, datetime.now(UTC))
        indices.create(
            rebuild.target, self.case.live, json.loads(FIRST_MAPPING.read_text(encoding="utf-8")), alias=ALIAS
        )
        aliases.add(rebuild.target, ALIAS, self.case.live)
        self.transform.spawn(
            [sys.executable, "-u", "-m", "loader", "transform", "--index", str(self.case.folder / "index.yaml")],
            {
                **os.environ,
                "PYTHONPATH": str(REPOSITORY / "include"),
                "AWS_ACCESS_KEY_ID": ACCESS_KEY,
                "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
                "AWS_DEFAULT_REGION": REGION,
                "AWS_ENDPOINT_URL_KINESIS": self.case.stack.kinesis.endpoint_url,
                "AWS_ENDPOINT_URL_S3": self.case.stack.s3.endpoint_url,
            },
        )
        rebuild.loaders.deploy(rebuild.deployment(self.case.live, "trim_horizon"))
        self.dms.start()
        self.await_same()

    def stop(self) -> None:
        """End what this has started."""
        self.application.stop()
        self.transform.kill()

    # -- comparing ----------------------------------------------------------------------------

    def rows(self) -> dict[str, dict[str, Any]]:
        """What the database has, as documents."""
        found = self.server.rows(f"SELECT * FROM `{self.database}`.products")
        return {str(row["id"]): _document(row) for row in found}

    def differences(self, index: str = ALIAS) -> list[str]:
        """How an index differs from the database."""
        ours = self.rows()
        theirs = {key: _comparable(source) for key, source in self.case.documents(index).items()}
        return [
            f"{key}: {ours.get(key)} is {theirs.get(key)}"
            for key in sorted({*ours, *theirs})
            if ours.get(key) != theirs.get(key)
        ]

    def await_same(self, index: str = ALIAS, seconds: float = 180) -> None:
        """Wait until an index has what the database has; nobody writes meanwhile."""
        ends = time.monotonic() + seconds
        while found := self.differences(index):
            assert time.monotonic() < ends, f"{len(found)} documents of {index} are wrong: {found[:3]}"
            time.sleep(0.5)


def _document(row: dict[str, Any]) -> dict[str, Any]:
    tags = row["tags"]
    return {
        **row,
        "price": float(row["price"]),
        "tags": json.loads(tags) if isinstance(tags, (str, bytes)) else tags,
        "updated_at": row["updated_at"].replace(tzinfo=UTC),
    }


def _comparable(source: dict[str, Any]) -> dict[str, Any]:
    at = datetime.fromisoformat(source["updated_at"])
    return {**source, "price": float(source["price"]), "updated_at": at if at.tzinfo else at.replace(tzinfo=UTC)}
