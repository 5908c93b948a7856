"""The two tables that every benchmark reads: `narrow` (many short rows) and `wide` (few long ones).

The server makes the rows itself, by INSERT ... SELECT from a table of digits and one of text
passages, so that filling them costs seconds. Nothing is random: two runs read the same bytes.
"""

from __future__ import annotations

import hashlib
from typing import Any

NARROW = """
CREATE TABLE narrow (
  id INT UNSIGNED NOT NULL PRIMARY KEY,
  customer_id BIGINT NOT NULL,
  ordered_on DATE NOT NULL,
  shipped_on DATE NULL
)
"""

WIDE = """
CREATE TABLE wide (
  id BIGINT NOT NULL PRIMARY KEY,
  price DECIMAL(12,2) NOT NULL,
  tax DECIMAL(8,4) NULL,
  balance DECIMAL(30,10) NOT NULL,
  rate DOUBLE NOT NULL,
  quantity SMALLINT UNSIGNED NOT NULL,
  status ENUM('open','paid','shipped','returned') NOT NULL,
  flags SET('gift','express','fragile') NOT NULL,
  is_member TINYINT(1) NOT NULL,
  birthday DATE NULL,
  created_at DATETIME(6) NOT NULL,
  updated_at DATETIME(6) NOT NULL,
  paid_at TIMESTAMP(3) NULL,
  pickup TIME NULL,
  name_ja VARCHAR(100) NOT NULL,
  address_ja VARCHAR(200) NOT NULL,
  email VARCHAR(120) NULL,
  remark TEXT NOT NULL,
  remark_ja TEXT NOT NULL,
  attributes JSON NOT NULL
) DEFAULT CHARSET = utf8mb4
"""

_KANA = (
    "のにはをたがでてとしれさあるいもするからななこととして"
    "いやれるなどなっない東京都港区新宿渋谷大阪府北海道青森県仙台市"
)
_WORDS = [
    "order", "parcel", "refund", "invoice", "customer", "window", "delivery", "returned",
    "shipped", "quality", "received", "damaged", "box", "please", "again", "morning",
    "evening", "before", "after", "because", "although", "price", "paid", "cash",
    "card", "coupon", "gift", "member",
]  # fmt: skip


def _digest(seed: int) -> bytes:
    return b"".join(hashlib.blake2b(f"{seed}/{part}".encode()).digest() for part in range(40))


def english(seed: int, length: int) -> str:
    """Words in a repeatable order, `length` characters of them."""
    return " ".join(_WORDS[b % len(_WORDS)] + (str(b) if b % 7 == 0 else "") for b in _digest(seed))[:length]


def japanese(seed: int, length: int) -> str:
    """Kana and kanji in a repeatable order, `length` characters of them (3 bytes each)."""
    return "".join(_KANA[b % len(_KANA)] for b in _digest(seed))[:length]


def fill(cursor: Any, *, narrow_rows: int, wide_rows: int, database: str) -> None:
    """Make both tables in `database`, and the helper tables that they are made from.

    :param cursor: a DB-API cursor of a user that may create tables, in autocommit mode.
    """
    cursor.execute(f"CREATE DATABASE IF NOT EXISTS {database}")
    cursor.execute(f"USE {database}")
    cursor.execute("DROP TABLE IF EXISTS digits, passages, narrow, wide")
    cursor.execute("CREATE TABLE digits (d INT NOT NULL PRIMARY KEY)")
    cursor.execute("INSERT INTO digits VALUES " + ",".join(f"({d})" for d in range(10)))
    cursor.execute(
        "CREATE TABLE passages (p INT NOT NULL PRIMARY KEY, en TEXT NOT NULL, ja TEXT NOT NULL)"
        " DEFAULT CHARSET = utf8mb4"
    )
    passages = [(p, english(p, 2600), japanese(p, 900)) for p in range(1000)]
    cursor.executemany("INSERT INTO passages VALUES (%s, %s, %s)", passages)
    fill_narrow(cursor, narrow_rows)
    fill_wide(cursor, wide_rows)
    cursor.execute("ANALYZE TABLE narrow, wide")
    cursor.fetchall()


_NUMBERS = (
    "(SELECT a.d + 10*b.d + 100*c.d + 1000*d.d + 10000*e.d AS n FROM digits a, digits b, digits c, digits d, digits e)"
)


def fill_narrow(cursor: Any, rows: int, *, table: str = "narrow", create: str = NARROW) -> None:
    """Make and fill the narrow table."""
    cursor.execute(create)
    for start in range(0, rows, 100_000):
        cursor.execute(
            f"INSERT INTO {table} (id, customer_id, ordered_on, shipped_on) SELECT"
            f" {start} + n + 1, 100000000000 + (({start} + n) * 7919) % 1000003,"
            f" DATE '2015-01-01' + INTERVAL ({start} + n) % 4000 DAY,"
            f" IF(n % 20 = 0, NULL, DATE '2015-01-03' + INTERVAL (({start} + n) * 31) % 4000 DAY)"
            f" FROM {_NUMBERS} numbers WHERE n < {min(100_000, rows - start)} ORDER BY n"
        )


def fill_wide(cursor: Any, rows: int) -> None:
    """Make and fill the wide table."""
    cursor.execute(WIDE)
    for start in range(0, rows, 20_000):
        n = f"({start} + n)"
        cursor.execute(
            f"INSERT INTO wide SELECT {n} + 1, ({n} * 37 % 10000000) / 100,"
            f" IF(n % 11 = 0, NULL, ({n} * 13 % 99999) / 10000),"
            f" ({n} * 1234567.0123456789), {n} / 7e0, n % 60000, 1 + n % 4, n % 8, n % 2,"
            f" IF(n % 9 = 0, NULL, DATE '1950-01-01' + INTERVAL n DAY),"
            f" TIMESTAMP '2024-01-01 00:00:00' + INTERVAL {n} * 61000003 MICROSECOND,"
            f" TIMESTAMP '2025-01-01 00:00:00' + INTERVAL {n} * 31000007 MICROSECOND,"
            f" IF(n % 5 = 0, NULL, TIMESTAMP '2024-01-01 00:00:00' + INTERVAL {n} SECOND),"
            f" IF(n % 3 = 0, NULL, SEC_TO_TIME(n)),"
            f" SUBSTRING(ja, 1 + n % 50, 8), SUBSTRING(ja, 1 + n % 100, 24),"
            f" IF(n % 17 = 0, NULL, CONCAT('user', {n}, '@example.com')),"
            f" SUBSTRING(en, 1 + n % 100, 1000 + n % 1500), SUBSTRING(ja, 1 + n % 100, 350 + n % 400),"
            f" JSON_OBJECT('id', {n}, 'tags', JSON_ARRAY('a', 'b', n % 10), 'score', n / 4)"
            f" FROM {_NUMBERS} numbers JOIN passages ON p = (n * 7 + {start}) % 1000"
            f" WHERE n < {min(20_000, rows - start)} ORDER BY n"
        )
