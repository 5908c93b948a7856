"""The table `shop.products`, filled by the server itself, so that millions of rows take seconds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rehearsal.mysql.server import MySqlServer

DATABASE = "shop"
ROWS = 2_000
PORTION = 100_000
TABLE = """
CREATE TABLE IF NOT EXISTS `{database}`.products (
  id BIGINT NOT NULL PRIMARY KEY,
  name VARCHAR(200) NOT NULL,
  description TEXT NOT NULL,
  category VARCHAR(40) NOT NULL,
  price DECIMAL(12,2) NOT NULL,
  stock INT NOT NULL,
  tags JSON NOT NULL,
  revision BIGINT NOT NULL,
  updated_at DATETIME(6) NOT NULL
)
"""
# Every column follows from the id.
FILL = """
INSERT INTO `{database}`.products
WITH RECURSIVE numbers (n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM numbers WHERE n < {last})
SELECT n,
  CONCAT(ELT(1 + n % 7, 'Oak', 'Steel', 'Linen', 'Glass', 'Wool', 'Cork', 'Clay'), ' ',
         ELT(1 + n DIV 7 % 8, 'table', 'lamp', 'rug', 'vase', 'chair', 'shelf', 'bowl', 'mirror'), ' no. ', n),
  CONCAT('Made to last. ',
         REPEAT(ELT(1 + n % 3, 'Ships in two days. ', 'Made to order. ', 'Final pieces. '), 1 + n % 5)),
  ELT(1 + n DIV 7 % 8, 'tables', 'lamps', 'textiles', 'decoration', 'chairs', 'storage', 'kitchen', 'decoration'),
  ROUND(5 + n * 7919 % 90000 / 100, 2),
  n * 31 % 200,
  JSON_ARRAY(ELT(1 + n % 4, 'new', 'sale', 'classic', 'limited'), CONCAT('line-', n % 20)),
  1,
  UTC_TIMESTAMP(6)
FROM numbers
"""


def sow(server: MySqlServer, rows: int = ROWS, database: str = DATABASE) -> None:
    """Make the table with its rows; nothing happens when it has rows.

    :param rows: with the ids from 1 on.
    """
    if database in _databases(server) and _has_rows(server, database):
        return
    server.execute(*statements(rows, database))


def statements(rows: int = ROWS, database: str = DATABASE) -> Iterator[str]:
    """What makes the table with its rows, in one session."""
    yield f"CREATE DATABASE IF NOT EXISTS `{database}`"
    yield TABLE.format(database=database)
    yield "SET SESSION cte_max_recursion_depth = 4294967295"
    # All or nothing: an interrupted seed leaves no half-filled table.
    yield "START TRANSACTION"
    for first in range(1, rows + 1, PORTION):
        yield FILL.format(database=database, first=first, last=min(first + PORTION - 1, rows))
    yield "COMMIT"


def _databases(server: MySqlServer) -> set[str]:
    return {row["Database"] for row in server.rows("SHOW DATABASES")}


def _has_rows(server: MySqlServer, database: str) -> bool:
    tables = server.rows("SELECT 1 FROM information_schema.tables WHERE table_schema = %s", (database,))
    return bool(tables) and server.value(f"SELECT EXISTS (SELECT 1 FROM `{database}`.products)") == 1  # noqa: S608
