"""UNLOAD: write a query's result to S3 (Developer Guide, UNLOAD)."""

from __future__ import annotations

import gzip
import json
import tempfile
from typing import IO, TYPE_CHECKING, Any, cast

import pyarrow as pa
import pyarrow.csv

from . import errors
from .backend import BackendError
from .dialect.transfer import Unload
from .dialect.translate import translate
from .errors import RedshiftError
from .parquet import parquet_writer
from .sources import service_error, split_url
from .wire import unpack_fields

if TYPE_CHECKING:
    from .session import Session

_S3_ERROR = 8001
_BLOCK_BYTES = 8 << 20
_NOT_EMPTY = (
    "Specified unload destination on S3 is not empty. Consider using a different bucket / prefix, "
    "manually removing the target files in S3, or using the ALLOWOVERWRITE option."
)
_ARROW = {
    "int2": pa.int16(),
    "int4": pa.int32(),
    "int8": pa.int64(),
    "float4": pa.float32(),
    "float8": pa.float64(),
    "bool": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
    "timestamptz": pa.timestamp("us", "UTC"),
}


def unload(session: Session, command: Unload) -> str:
    """Write the result to S3 as one file, and return the command tag.

    :raises RedshiftError: the destination holds files already, or S3 refuses.
    """
    query = int(session.backend.run("SELECT rs.next_query()")[0][0] or 0)
    sql = translate(command.query).sql
    bucket, prefix = split_url(command.destination)
    try:
        _clear(session, command, bucket, prefix)
        with tempfile.TemporaryFile() as file:
            rows = _write(session, command, sql, file)
            size = file.tell()
            file.seek(0)
            key = prefix + _suffix(command)
            session.warehouse.storage.client.upload_fileobj(file, bucket, key)
        if "MANIFEST" in command.values:
            _write_manifest(session, bucket, prefix, key, size, rows)
    except RedshiftError:
        raise
    except BackendError:
        raise
    except Exception as error:
        raise errors.internal(service_error(error), _S3_ERROR, "", query) from error
    session.notice(f"UNLOAD completed, {rows} record(s) unloaded successfully.")
    return "UNLOAD"


def _clear(session: Session, command: Unload, bucket: str, prefix: str) -> None:
    storage = session.warehouse.storage
    present = [found.key for found in storage.below(bucket, prefix)]
    if "CLEANPATH" in command.flags:
        for key in present:
            storage.client.delete_object(Bucket=bucket, Key=key)
    elif present and "ALLOWOVERWRITE" not in command.flags:
        raise RedshiftError(_NOT_EMPTY, code=errors.INTERNAL)


def _suffix(command: Unload) -> str:
    number = "000" if command.values.get("PARALLEL") in ("OFF", "FALSE") else "0000_part_00"
    if command.format == "parquet":
        return number + ".parquet"
    extension = command.values.get("EXTENSION")
    if extension:
        return f"{number}.{extension}"
    return number + (".gz" if "GZIP" in command.flags else "")


def _write(session: Session, command: Unload, sql: str, file: IO[bytes]) -> int:
    """Write the rows into a local file, and return their number."""
    if command.format != "parquet":
        if "GZIP" not in command.flags:
            return _copy_out(session, sql, _options(command), file)
        with gzip.GzipFile(fileobj=file, mode="wb") as packed:
            return _copy_out(session, sql, _options(command), cast("IO[bytes]", packed))
    with tempfile.TemporaryFile() as text:
        schema = _schema(session, sql)
        rows = _copy_out(session, sql, "FORMAT csv, NULL ''", text)
        text.seek(0)
        _to_parquet(text, schema, file)
    return rows


def _options(command: Unload) -> str:
    given = command.values.get("DELIMITER", "," if command.format == "csv" else "|")
    delimiter = "E'\\t'" if given in ("\t", r"\t") else _literal(given)
    null = _literal(command.values.get("NULL", ""))
    header = ", HEADER" if "HEADER" in command.flags else ""
    if command.format == "csv" or "ADDQUOTES" in command.flags:
        force = ", FORCE_QUOTE *" if "ADDQUOTES" in command.flags else ""
        return f"FORMAT csv, DELIMITER {delimiter}, NULL {null}{header}{force}"
    return f"FORMAT text, DELIMITER {delimiter}, NULL {null}{header}"


def _literal(value: str) -> str:
    return "E'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _copy_out(session: Session, sql: str, options: str, file: IO[bytes]) -> int:
    backend = session.backend
    backend.start(f"COPY ({sql}) TO STDOUT ({options})")
    while True:
        kind, body = backend.receive()
        if kind == b"d":
            file.write(body)
        elif kind == b"E":
            raise BackendError(unpack_fields(body))
        elif kind == b"C":
            backend.finish()
            return int(body[:-1].decode().rsplit(" ", 1)[-1])


def _schema(session: Session, sql: str) -> pa.Schema:
    """Find the result's columns, by a temporary view that nobody else sees."""
    session.backend.run(f"CREATE OR REPLACE TEMPORARY VIEW rehearsal_unload AS {sql}")
    rows = session.backend.run(
        "SELECT a.attname, t.typname, a.atttypmod FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid "
        "WHERE a.attrelid = 'pg_temp.rehearsal_unload'::regclass AND a.attnum > 0 ORDER BY a.attnum"
    )
    session.backend.run("DROP VIEW pg_temp.rehearsal_unload")
    fields = []
    for name, kind, modifier in rows:
        if kind == "bytea":
            raise RedshiftError("UNLOAD to PARQUET does not support VARBYTE", code=errors.NOT_SUPPORTED)
        fields.append(pa.field(str(name), _arrow_type(str(kind), int(modifier or -1))))
    return pa.schema(fields)


def _arrow_type(kind: str, modifier: int) -> pa.DataType:
    if kind == "numeric":
        known = modifier >= 4
        return pa.decimal128((modifier - 4) >> 16, (modifier - 4) & 0x7FF) if known else pa.decimal128(38, 10)
    return _ARROW.get(kind, pa.string())


def _to_parquet(text: IO[bytes], schema: pa.Schema, file: IO[bytes]) -> None:
    convert = pyarrow.csv.ConvertOptions(
        column_types=schema,
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        null_values=[""],
        true_values=["t"],
        false_values=["f"],
    )
    read = pyarrow.csv.ReadOptions(column_names=schema.names, block_size=_BLOCK_BYTES)
    parse = pyarrow.csv.ParseOptions(newlines_in_values=True)
    with parquet_writer(cast("Any", file), schema) as writer:
        if text.read(1):
            text.seek(0)
            for batch in pyarrow.csv.open_csv(text, read, parse, convert):
                writer.write_batch(batch)


def _write_manifest(session: Session, bucket: str, prefix: str, key: str, size: int, rows: int) -> None:
    entry = {"url": f"s3://{bucket}/{key}", "meta": {"content_length": size, "record_count": rows}}
    body = json.dumps({"entries": [entry]}).encode()
    session.warehouse.storage.client.put_object(Bucket=bucket, Key=prefix + "manifest", Body=body)
