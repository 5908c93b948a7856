"""Rows as the server sends them become Arrow batches that Redshift can COPY, exactly or by policy.

The fast path touches no value in Python. Only where a block holds something that does not fit are
its values looked at one by one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from livemove.redshift.findings import Tally
from livemove.redshift.types import Check, ColumnPlan

_TYPES: Final = {
    "bool": pa.bool_(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float32": pa.float32(),
    "float64": pa.float64(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "string": pa.string(),
    "binary": pa.binary(),
}
# 0001-01-01, counted from 1970-01-01 in days and in microseconds.
_FIRST_DAY: Final = -719_162
_FIRST_MICROSECOND: Final = _FIRST_DAY * 86_400_000_000


def arrow_type(name: str) -> pa.DataType:
    """Return the Arrow type of a name used in column plans, such as `int64` or `decimal(12,2)`."""
    if match := re.fullmatch(r"decimal\((\d+),(\d+)\)", name):
        return pa.decimal128(int(match[1]), int(match[2]))
    return _TYPES[name]


def schema_of(plans: Sequence[ColumnPlan]) -> pa.Schema:
    """The schema of the Parquet parts: columns in the order of the target table."""
    return pa.schema([pa.field(plan.target, arrow_type(plan.arrow_type)) for plan in plans])


def binary_array(values: Sequence[bytes | None]) -> pa.Array:
    """Bytes as an Arrow array.

    `pa.array` does the same, but imports pandas to do it: two seconds and 60 MB for each task.
    """
    if None in values:
        present = np.fromiter((value is not None for value in values), np.bool_, len(values))
        validity = pa.py_buffer(np.packbits(present, bitorder="little"))
        filled: Sequence[bytes] = [value or b"" for value in values]
    else:
        validity, filled = None, cast("Sequence[bytes]", values)
    offsets = np.zeros(len(values) + 1, np.int32)
    lengths = np.fromiter(map(len, filled), np.int64, len(values))
    if lengths.sum() > np.iinfo(np.int32).max:
        raise OverflowError(f"{len(values)} values of {lengths.sum():,} bytes were read at once; 2 GB are the most")
    np.cumsum(lengths, out=offsets[1:])
    data = pa.py_buffer(b"".join(filled))
    return pa.Array.from_buffers(pa.binary(), len(values), [validity, pa.py_buffer(offsets), data])


@dataclass
class Block:
    """Rows as they came.

    :ivar packed: lines of comma-separated values, one for each row; empty if no column is packed.
    :ivar alone: for each column that is not packed, its values as binary arrays in the order of rows.
    """

    rows: int = 0
    packed: list[bytes] = field(default_factory=list)
    alone: list[list[pa.Array]] = field(default_factory=list)
    size: int = 0


class Decoder:
    """Turns blocks into record batches.

    :param plans: the columns, in the order of the target table.
    :param keys: source names of the key columns, to name rows in findings.
    """

    def __init__(self, plans: Sequence[ColumnPlan], keys: Sequence[str] = ()) -> None:
        self.plans = list(plans)
        self.schema = schema_of(plans)
        self.packed = [plan for plan in plans if plan.packed]
        self.alone = [plan for plan in plans if not plan.packed]
        self._keys = [place for place, plan in enumerate(self.plans) if plan.name in keys]

    def decode(self, block: Block, tally: Tally) -> pa.RecordBatch:
        """Return the block's rows; what did not fit is changed by policy and counted in `tally`.

        :raises ValueError: the number of decoded rows is not the number of rows that were read.
        """
        columns: dict[str, pa.Array] = self._decode_packed(block) if self.packed else {}
        for plan, chunks in zip(self.alone, block.alone, strict=True):
            columns[plan.name] = chunks[0] if len(chunks) == 1 else pa.concat_arrays(chunks)
        problems: list[tuple[ColumnPlan, str, str, Any]] = []
        for plan in self.plans:
            columns[plan.name] = _CHECKS[plan.check](columns[plan.name], plan, problems)
        lengths = {len(column) for column in columns.values()}
        if lengths != {block.rows}:
            raise ValueError(f"{block.rows} rows were read but {lengths} were decoded")
        batch = pa.RecordBatch.from_arrays([columns[plan.name] for plan in self.plans], schema=self.schema)
        for plan, problem, action, rows in problems:
            tally.add(plan.name, problem, action, len(rows), (self._name_row(batch, int(row)) for row in rows))
        return batch

    def _decode_packed(self, block: Block) -> dict[str, pa.Array]:
        # The empty last item ends the last line, which may itself be empty.
        text = pa.py_buffer(b"\n".join([*block.packed, b""]))
        try:
            return self._read(text, as_text=False)
        except pa.ArrowInvalid:
            # Some date does not exist, so dates are read as text and looked at one by one.
            return self._read(text, as_text=True)

    def _read(self, text: pa.Buffer, *, as_text: bool) -> dict[str, pa.Array]:
        kinds = {
            plan.name: pa.string() if as_text and plan.check is Check.DATE else arrow_type(plan.arrow_type)
            for plan in self.packed
        }
        table = pyarrow.csv.read_csv(
            text,
            pyarrow.csv.ReadOptions(column_names=list(kinds), block_size=max(1, text.size + 1), use_threads=False),
            pyarrow.csv.ParseOptions(quote_char=False, double_quote=False, ignore_empty_lines=False),
            pyarrow.csv.ConvertOptions(column_types=kinds, null_values=[""], strings_can_be_null=True),
        )
        return {name: _one_array(table.column(name)) for name in kinds}

    def _name_row(self, batch: pa.RecordBatch, row: int) -> str:
        if not self._keys:
            return f"row {row} of a block"
        return "(" + ", ".join(f"{self.plans[k].name}={batch.column(k)[row].as_py()}" for k in self._keys) + ")"


def _one_array(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


Problems = list[tuple[ColumnPlan, str, str, Any]]


def _as_is(values: pa.Array, plan: ColumnPlan, problems: Problems) -> pa.Array:
    return values


def _dates(values: pa.Array, plan: ColumnPlan, problems: Problems) -> pa.Array:
    kind = arrow_type(plan.arrow_type)
    if values.type == kind:
        # As numbers, because `pa.scalar` imports pandas.
        numbers = values.view(pa.int32() if pa.types.is_date(kind) else pa.int64())
        first = _FIRST_DAY if pa.types.is_date(kind) else _FIRST_MICROSECOND
        earliest = pc.min(numbers).as_py()
        if earliest is None or earliest >= first:
            return values
        bad = pc.fill_null(pc.less(numbers, first), False)
        parsed = pc.if_else(bad, pa.scalar(None, kind), values)
    else:
        bad, parsed = _parse_dates(values, kind)
    rows = np.flatnonzero(bad.to_numpy(zero_copy_only=False))
    if len(rows):
        problems.append((plan, "zero_date", plan.policies.zero_date, rows))
    return parsed


def _parse_dates(values: pa.Array, kind: pa.DataType) -> tuple[pa.Array, pa.Array]:
    """Dates from text; those of year 0, with a month or day 0, or past the month's end are bad."""
    bad = pc.fill_null(pc.match_substring_regex(values, "^0000|-00"), False)
    possible = pc.if_else(bad, pa.scalar(None, pa.string()), values)
    try:
        return bad, possible.cast(kind)
    except pa.ArrowInvalid:
        exists = [text is None or _exists(text) for text in values.to_pylist()]
        bad = pc.invert(pa.array(exists, pa.bool_()))
        return bad, pc.if_else(bad, pa.scalar(None, pa.string()), values).cast(kind)


def _exists(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _bytes(values: pa.Array) -> Any:
    """All bytes of a binary array as numbers, nulls and neighbours aside."""
    offsets = np.frombuffer(values.buffers()[1], dtype=np.int32)[values.offset : values.offset + len(values) + 1]
    data = values.buffers()[2]
    return np.frombuffer(data, dtype=np.uint8)[offsets[0] : offsets[-1]] if data else np.empty(0, np.uint8)


def _text(values: pa.Array, plan: ColumnPlan, problems: Problems) -> pa.Array:
    data = _bytes(values)
    clean = not len(data) or data.min() > 0
    if clean:
        try:
            return _fit(values.cast(pa.string()), plan, problems)
        except pa.ArrowInvalid:
            pass
    return _fit(_mend_text(values, plan, problems), plan, problems)


def _mend_text(values: pa.Array, plan: ColumnPlan, problems: Problems) -> pa.Array:
    action = plan.policies.invalid_text
    rows: list[int] = []
    texts = values.to_pylist()
    for row, value in enumerate(texts):
        if value is None:
            continue
        mended = value.decode("utf-8", "replace").replace("\0", "\ufffd").encode()
        if mended != value:
            rows.append(row)
            texts[row] = mended if action == "replace" else None
    problems.append((plan, "invalid_text", action, rows))
    return binary_array(texts).cast(pa.string())


def _latin1(values: pa.Array, plan: ColumnPlan, problems: Problems) -> pa.Array:
    data = _bytes(values)
    if not len(data) or (data.max() < 0x80 and data.min() > 0):
        return _fit(values.cast(pa.string()), plan, problems)
    action = plan.policies.utf8_in_latin1
    suspects: list[int] = []
    texts = values.to_pylist()
    for row, value in enumerate(texts):
        if value is None:
            continue
        text = _cp1252(value)
        if not value.isascii() and (as_utf8 := _utf8(value)) is not None:
            suspects.append(row)
            text = as_utf8 if action == "decode" else text
        texts[row] = text.encode()
    if suspects:
        problems.append((plan, "utf8_in_latin1", action, suspects))
    return _text(binary_array(texts), plan, problems)


def _cp1252(value: bytes) -> str:
    """MySQL's latin1: cp1252, whose five unused bytes stand for the control characters of their number."""
    try:
        return value.decode("cp1252")
    except UnicodeDecodeError:
        return "".join(bytes([b]).decode("cp1252") if b not in _UNUSED else chr(b) for b in value)


_UNUSED: Final = frozenset((0x81, 0x8D, 0x8F, 0x90, 0x9D))


def _utf8(value: bytes) -> str | None:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def _fit(values: pa.Array, plan: ColumnPlan, problems: Problems) -> pa.Array:
    """Deal with values of more bytes than the target's type holds."""
    longest = pc.max(pc.binary_length(values)).as_py()
    if plan.max_bytes is None or longest is None or longest <= plan.max_bytes:
        return values
    too_long = pc.fill_null(pc.greater(pc.binary_length(values), plan.max_bytes), False)
    rows = np.flatnonzero(too_long.to_numpy(zero_copy_only=False))
    action = plan.policies.too_long
    problems.append((plan, "too_long", action, rows))
    if action != "truncate":
        return pc.if_else(too_long, pa.scalar(None, values.type), values)
    shortened = values.to_pylist()
    for row in rows:
        shortened[row] = _cut(shortened[row], plan.max_bytes)
    return pa.array(shortened, values.type)


def _cut(value: str | bytes, size: int) -> str | bytes:
    if isinstance(value, bytes):
        return value[:size]
    return value.encode()[:size].decode("utf-8", "ignore")


_CHECKS: Final = {
    Check.NOTHING: _as_is,
    Check.DATE: _dates,
    Check.TEXT: _text,
    Check.LATIN1: _latin1,
    Check.BYTES: _fit,
}
