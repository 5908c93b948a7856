"""Rows of numbers, dates and times in PostgreSQL's binary COPY format, which loads twice as fast as CSV."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from .columns import Column

HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack("!ii", 0, 0)
TRAILER = struct.pack("!h", -1)

_DAYS_TO_2000 = 10957
_MICROSECONDS_TO_2000 = 946_684_800_000_000

# PostgreSQL's type, the Arrow type that holds it, the number that Arrow stores, and the number on the wire.
_FIXED: dict[str, tuple[pa.DataType, pa.DataType, str]] = {
    "int2": (pa.int16(), pa.int16(), ">i2"),
    "int4": (pa.int32(), pa.int32(), ">i4"),
    "int8": (pa.int64(), pa.int64(), ">i8"),
    "float4": (pa.float32(), pa.float32(), ">f4"),
    "float8": (pa.float64(), pa.float64(), ">f8"),
    "bool": (pa.bool_(), pa.uint8(), "u1"),
    "date": (pa.date32(), pa.int32(), ">i4"),
    "timestamp": (pa.timestamp("us"), pa.int64(), ">i8"),
    "timestamptz": (pa.timestamp("us", "UTC"), pa.int64(), ">i8"),
}
_EPOCH = {"date": _DAYS_TO_2000, "timestamp": _MICROSECONDS_TO_2000, "timestamptz": _MICROSECONDS_TO_2000}


def is_fixed(columns: Sequence[Column]) -> bool:
    """Tell whether all columns have types of a fixed width, which this module can write."""
    return all(column.type in _FIXED for column in columns)


def encode(arrays: Sequence[pa.Array], columns: Sequence[Column]) -> bytes:
    """Write the rows of a batch.

    :param arrays: the values of each column.
    :raises pyarrow.ArrowInvalid: a value is out of its column's range.
    """
    layout: list[tuple[str, str]] = [("count", ">i2")]
    for index, column in enumerate(columns):
        layout += [(f"length{index}", ">i4"), (f"value{index}", _FIXED[column.type][2])]
    rows = np.empty(len(arrays[0]), dtype=np.dtype(layout))
    rows["count"] = len(columns)
    for index, (array, column) in enumerate(zip(arrays, columns, strict=True)):
        values = _numbers(array, column)
        rows[f"value{index}"] = values
        rows[f"length{index}"] = rows.dtype[f"value{index}"].itemsize
        if array.null_count:
            rows[f"length{index}"][_nulls(array)] = -1
    if not any(array.null_count for array in arrays):
        return rows.tobytes()
    return _without_null_values(rows, arrays)


def _numbers(array: pa.Array, column: Column) -> Any:
    held, stored, _ = _FIXED[column.type]
    numbers = array.cast(held).cast(stored)
    if numbers.null_count:
        numbers = numbers.fill_null(0)
    return numbers.to_numpy(zero_copy_only=False) - np.asarray(
        _EPOCH.get(column.type, 0), dtype=stored.to_pandas_dtype()
    )


def _nulls(array: pa.Array) -> Any:
    return array.is_null().to_numpy(zero_copy_only=False)


def _without_null_values(rows: Any, arrays: Sequence[pa.Array]) -> bytes:
    """Leave out the bytes of values that are NULL: their length of -1 stands alone."""
    matrix = rows.view(np.uint8).reshape(len(rows), rows.dtype.itemsize)
    keep = np.ones(matrix.shape, dtype=bool)
    for index, array in enumerate(arrays):
        if array.null_count:
            kind, start = rows.dtype.fields[f"value{index}"][:2]
            keep[_nulls(array), start : start + kind.itemsize] = False
    return bytes(matrix[keep].tobytes())
