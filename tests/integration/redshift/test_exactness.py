"""What MySQL holds is what the warehouse holds, bit for bit, for many values of each type at once."""

from __future__ import annotations

import struct
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from tests.fixtures.sync import SyncCase

pytestmark = pytest.mark.every_mysql

ROWS = 1500
CONTROLS = "".join(map(chr, [*range(1, 32), 127, 0x85, 0xA0, 0xAD, 0x2028, 0x2029, 0xFEFF, 0xFFFD, 0xFFFE, 0xFFFF]))
ALPHABET = CONTROLS + "abc,\"'\\;|\t日本語ｱé€ßøل\u0301\u200d😀𠮷𝄞\U0010ffff"


def bits(form: str, value: float) -> int:
    return int.from_bytes(struct.pack(f">{form}", value))


def doubles(random: Random) -> list[float]:
    """Every power of ten and of two, neighbours of whole numbers, subnormal values, and random bits."""
    edges = [10.0**n for n in range(-323, 309)] + [2.0**n for n in range(-1074, 1024, 7)]
    edges += [sign * value for sign in (1, -1) for value in (5e-324, 2.225073858507201e-308, 1.7976931348623157e308)]
    edges += [
        0.0,
        -0.0,
        0.1,
        2 / 3,
        2.0**53 - 1,
        2.0**53 + 2,
        1e15 - 0.125,
        1e15 + 1,
        123456789012345.67,
        1e16,
        1e17 + 16,
    ]
    while len(edges) < ROWS:
        value = struct.unpack(">d", random.randbytes(8))[0]
        if value - value == 0:  # neither infinite nor NaN, which MySQL does not hold
            edges.append(value)
    return edges[:ROWS]


def floats(random: Random) -> list[float]:
    patterns = [1, 2, 0x007FFFFF, 0x00800000, 0x7F7FFFFF, 0x3DCCCCCD, 0x80000000, 0x80000001, 0x4B800001, 0]
    patterns += [random.getrandbits(32) for _ in range(2 * ROWS)]
    values = [struct.unpack(">f", pattern.to_bytes(4))[0] for pattern in patterns]
    return [value for value in values if value - value == 0][:ROWS]


def decimals(random: Random, digits: int, scale: int) -> list[Decimal]:
    edges = [10**digits - 1, 1, 0, 10 ** (digits - 1)]
    edges += [random.randrange(10 ** random.randint(1, digits)) for _ in range(ROWS - len(edges))]
    return [Decimal(f"{random.choice('+-')}{value}E-{scale}") for value in edges]


def moments(random: Random) -> list[datetime]:
    first, last = datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999999)
    span = (last - first) // timedelta(microseconds=1)
    edges = [first, last, datetime(1969, 12, 31, 23, 59, 59, 999999), datetime(1582, 10, 10), datetime(1900, 2, 28)]
    return edges + [first + timedelta(microseconds=random.randint(0, span)) for _ in range(ROWS - len(edges))]


def texts(random: Random) -> list[str]:
    edges = ["", " ", "NULL", "\\N", "null", '"', '""', "a\r\nb", "\r", "\n", "\n\n", ",", "\\", *CONTROLS, CONTROLS]
    return edges + ["".join(random.choices(ALPHABET, k=random.randint(0, 40))) for _ in range(ROWS - len(edges))]


@pytest.mark.parametrize("seed", [20261122])
def test_random_and_extreme_values_arrive_bit_for_bit(case: SyncCase, seed: int) -> None:
    random = Random(seed)
    case.source(
        "CREATE TABLE t (id INT NOT NULL PRIMARY KEY, d DOUBLE, f FLOAT, wide DECIMAL(38,18), narrow DECIMAL(9,4), "
        "at DATETIME(6), huge BIGINT UNSIGNED, big BIGINT, txt VARCHAR(100), bin VARBINARY(64)) CHARACTER SET utf8mb4"
    )
    edges = [0, 1, 2**63 - 1, 2**63, 2**64 - 1]
    rows = list(
        zip(
            range(ROWS),
            doubles(random),
            floats(random),
            decimals(random, 38, 18),
            decimals(random, 9, 4),
            moments(random),
            edges + [random.getrandbits(64) for _ in range(ROWS - len(edges))],
            [random.getrandbits(64) - 2**63 for _ in range(ROWS)],
            texts(random),
            [random.randbytes(random.randint(0, 64)) for _ in range(ROWS)],
            strict=True,
        )
    )
    case.insert("t", rows)
    # A NULL in each column, as a column with one is read in another way.
    case.source("INSERT INTO t (id) VALUES (-1)")
    case.configure({"t": {"mode": "replace"}})
    assert case.copy("t").extracted["findings"] == []
    arrived = case.rows("t")
    assert arrived[0] == (-1, *[None] * 9)
    pairs = zip(map(exact, rows), map(exact, arrived[1:]), strict=True)
    wrong = [(mine, theirs) for row in pairs for mine, theirs in zip(*row, strict=True) if mine != theirs]
    assert wrong == []
    case.assert_same("t")


def exact(row: Any) -> tuple[Any, ...]:
    number, double, single, wide, narrow, at, huge, big, text, blob = row
    return (
        number, bits("d", double), bits("f", single), wide, narrow, at, int(huge), int(big), text,
        blob if isinstance(blob, str) else blob.hex(),
    )  # fmt: skip
