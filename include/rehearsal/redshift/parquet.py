"""Read Parquet for COPY, batch by batch, in forms that PostgreSQL takes without loss."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from . import binary
from .columns import Column

_BATCH_BYTES = 4 << 20
_BATCH_ROWS = 65536
_READ_BYTES = 1 << 20
_SUPER_BYTES = 16 << 20

# Parquet's physical and logical types for each of ours (Developer Guide, "Data types" of CREATE EXTERNAL
# TABLE, which COPY from Parquet shares). INT64 does not go into INTEGER, nor INT32 into BIGINT.
_PHYSICAL = {
    "int2": {"INT32"},
    "int4": {"INT32"},
    "int8": {"INT64"},
    "float4": {"FLOAT"},
    "float8": {"DOUBLE"},
    "bool": {"BOOLEAN"},
    "date": {"INT32"},
    "timestamp": {"INT64", "INT96"},
    "timestamptz": {"INT64", "INT96"},
    "numeric": {"INT32", "INT64", "FIXED_LEN_BYTE_ARRAY", "BYTE_ARRAY"},
    "varchar": {"BYTE_ARRAY"},
    "bpchar": {"BYTE_ARRAY"},
    "bytea": {"BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"},
}


class ParquetMismatchError(Exception):
    """A file does not fit the table; the text is the context of Redshift's error 15001 or 15007.

    :param column: the column's name, empty if it is the file as a whole.
    """

    def __init__(self, message: str, column: str = "") -> None:
        super().__init__(message)
        self.column = column


def open_parquet(file: Any, url: str, columns: Sequence[Column], *, serialize: bool) -> pq.ParquetFile:
    """Open a Parquet file and check that it fits the columns, which are matched by position.

    :param file: a file that Arrow can read at random.
    :param url: its address, for the errors.
    :param serialize: nested values may go into SUPER columns (SERIALIZETOJSON).
    :raises ParquetMismatchError: it does not fit, or is no Parquet file.
    """
    try:
        parquet = pq.ParquetFile(file, buffer_size=_READ_BYTES, coerce_int96_timestamp_unit="us")
    except pa.ArrowInvalid as error:
        raise ParquetMismatchError(f"File '{url}' is no valid Parquet file: {error}") from error
    names = parquet.schema_arrow.names
    if len(names) != len(columns):
        raise ParquetMismatchError(
            "Unmatched number of columns between table and file. "
            f"Table columns: {len(columns)}, Data columns: {len(names)}, File name: {url}"
        )
    leaves = {leaf.path.split(".")[0]: leaf for leaf in map(parquet.schema.column, range(len(parquet.schema)))}
    for field, column in zip(parquet.schema_arrow, columns, strict=True):
        _check(field, leaves[field.name], column, url, serialize)
    return parquet


def batches(parquet: pq.ParquetFile, url: str, columns: Sequence[Column], invalid: str | None) -> Iterator[bytes]:
    """Yield the file's rows for PostgreSQL, some megabytes at a time.

    Rows of fixed width are binary; others are CSV, where NULL is an empty field and '' a quoted one.

    :param invalid: what replaces invalid UTF-8 (ACCEPTINVCHARS), None if it is an error.
    :raises ParquetMismatchError: a value does not fit its column.
    """
    fixed = binary.is_fixed(columns)
    for batch in parquet.iter_batches(batch_size=_batch_rows(parquet.metadata)):
        arrays = [_prepare(array, column, url, invalid) for array, column in zip(batch.columns, columns, strict=True)]
        try:
            yield binary.encode(arrays, columns) if fixed else _csv(arrays)
        except pa.ArrowInvalid as error:
            raise ParquetMismatchError(f"{error}, File name: {url}") from error


def _csv(arrays: Sequence[pa.Array]) -> bytes:
    sink = pa.BufferOutputStream()
    names = [str(index) for index in range(len(arrays))]
    options = pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed")
    pyarrow.csv.write_csv(pa.RecordBatch.from_arrays(list(arrays), names), sink, options)
    return bytes(sink.getvalue().to_pybytes())


def _batch_rows(metadata: Any) -> int:
    groups = [metadata.row_group(index) for index in range(metadata.num_row_groups)]
    size = sum(group.total_byte_size for group in groups) / max(metadata.num_rows, 1)
    return max(64, min(_BATCH_ROWS, int(_BATCH_BYTES / max(size, 1))))


def _check(field: pa.Field, leaf: Any, column: Column, url: str, serialize: bool) -> None:
    if column.type == "jsonb":
        fits = serialize or not pa.types.is_nested(field.type)
    elif pa.types.is_nested(field.type):
        fits = False
    else:
        fits = leaf.physical_type in _PHYSICAL.get(column.type, set()) and _logical_fits(field.type, column)
    if not fits:
        kind = leaf.logical_type.type
        shown = leaf.physical_type.lower() + ("" if kind == "NONE" else f" ({kind})")
        optional = "optional" if field.nullable else "required"
        raise ParquetMismatchError(
            f"File '{url}' has an incompatible Parquet schema for column '{url}.{field.name}'. "
            f"Column type: {column.redshift_type}, Parquet schema:\n{optional} {shown} {field.name}",
            column.name,
        )


def _logical_fits(found: pa.DataType, column: Column) -> bool:
    kind = column.type
    if kind in ("int2", "int4", "int8"):
        return bool(pa.types.is_signed_integer(found))
    if kind == "numeric":
        return bool(pa.types.is_decimal(found) and found.scale == column.scale and found.precision <= column.precision)
    if kind == "date":
        return bool(pa.types.is_date(found))
    if kind in ("timestamp", "timestamptz"):
        return bool(pa.types.is_timestamp(found)) and found.unit in ("ms", "us")
    if kind in ("varchar", "bpchar"):
        return bool(_is_text(found) or _is_binary(found))
    if kind == "bytea":
        return bool(_is_binary(found) or pa.types.is_fixed_size_binary(found) or _is_text(found))
    return True


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_binary(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _prepare(array: pa.Array, column: Column, url: str, invalid: str | None) -> pa.Array:
    if column.not_null and array.null_count:
        raise ParquetMismatchError(
            f"Cannot insert a NULL value into column {column.name}, File name: {url}", column.name
        )
    if column.type == "jsonb":
        return _super(array, column)
    if column.type == "bytea":
        _check_length(array.cast(pa.large_binary()), column, url)
        return pa.array([None if value is None else "\\x" + bytes(value).hex() for value in _bytes(array)])
    if column.type in ("varchar", "bpchar"):
        return _text(array, column, url, invalid)
    return array


def _bytes(array: pa.Array) -> Iterator[bytes | None]:
    for value in array.cast(pa.large_binary()):
        yield value.as_py()


def _text(array: pa.Array, column: Column, url: str, invalid: str | None) -> pa.Array:
    raw = array.cast(pa.large_binary())
    try:
        text = raw.cast(pa.large_string())  # checks the encoding
    except pa.ArrowInvalid as error:
        if invalid is None:
            message = "String contains invalid or unsupported UTF8 codepoints"
            raise ParquetMismatchError(f"{message}, column {column.name}, File name: {url}", column.name) from error
        text = pa.array([_repaired(value, invalid) for value in _bytes(array)], pa.large_string())
    if pc.any(pc.match_substring(text, "\0")).as_py():
        raise ParquetMismatchError(
            f"column {column.name} holds the character 0x00, which the stand-in cannot store, File: {url}",
            column.name,
        )
    _check_length(text.cast(pa.large_binary()), column, url)
    return text


def _repaired(value: bytes | None, invalid: str) -> str | None:
    """Put the replacement in place of each invalid byte."""
    if value is None:
        return None
    return value.decode(errors="surrogateescape").translate(dict.fromkeys(range(0xDC80, 0xDD00), invalid))


def _check_length(values: pa.Array, column: Column, url: str) -> None:
    longest = pc.max(pc.binary_length(values)).as_py() or 0
    if column.length and longest > column.length:
        raise ParquetMismatchError(
            f"The length of the data column {column.name} is longer than the length defined in the table. "
            f"Table: {column.length}, Data: {longest}, File name: {url}",
            column.name,
        )


def _super(array: pa.Array, column: Column) -> pa.Array:
    """A text becomes a string in SUPER: only SQL's JSON_PARSE reads JSON out of it."""
    values = [
        None if value is None else json.dumps(value, default=str, ensure_ascii=False) for value in array.to_pylist()
    ]
    if any(value is not None and len(value.encode()) > _SUPER_BYTES for value in values):
        raise ParquetMismatchError(f"a value of column {column.name} is larger than 16 MB", column.name)
    return pa.array(values, pa.large_string())


def parquet_writer(sink: io.RawIOBase, schema: pa.Schema) -> pq.ParquetWriter:
    """Open a Parquet file for UNLOAD, compressed as Redshift's are."""
    return pq.ParquetWriter(sink, schema, compression="snappy")
