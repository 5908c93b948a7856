"""Run the stand-in in the foreground: `python -m rehearsal.dms --help`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from rehearsal.dms.records import BEFORE_IMAGES, Style
from rehearsal.dms.source import Endpoint, Source
from rehearsal.dms.task import Task
from rehearsal.errors import RehearsalError
from rehearsal.locks import exclusive

PASSWORD_VARIABLE = "LIVEMOVE_DMS_PASSWORD"  # noqa: S105 - the name of a variable


def main(argv: list[str] | None = None) -> int:
    """Work until SIGTERM or SIGINT; print `ready` once the full load is in the stream."""
    options = _parser().parse_args(argv)
    password = os.environ.get(PASSWORD_VARIABLE)
    if password is None:
        print(f"The variable {PASSWORD_VARIABLE} must hold the password of {options.user}.", file=sys.stderr)
        return 2
    endpoint = Endpoint(options.host, options.port, options.user, password)
    style = Style(options.task, options.before_image, not options.omit_null, options.lob_kb)
    options.folder.mkdir(parents=True, exist_ok=True)
    try:
        # Two of one state would each lose what the other has written.
        with exclusive(options.folder / "lock", f"the DMS task {options.folder}", seconds=5):
            task = Task(options.folder, Source(endpoint, tuple(options.table)), _client(), options.stream, style)
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: task.stop())
            task.run(lambda: print("ready", flush=True))
    except RehearsalError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


def _client() -> Any:
    """A client that leaves repeats to the writer; endpoint and credentials are boto3's own variables."""
    return boto3.client("kinesis", config=Config(retries={"total_max_attempts": 1}, read_timeout=20, proxies={}))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m rehearsal.dms",
        description="A stand-in for a DMS task of full load and ongoing replication from MySQL to Kinesis.",
        epilog=f"The password comes from {PASSWORD_VARIABLE}; Kinesis is found by AWS_ENDPOINT_URL_KINESIS, "
        "AWS_DEFAULT_REGION and boto3's other variables. FOLDER/faults.json injects faults, see README.md.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="of the source (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, required=True, help="of the source")
    parser.add_argument("--user", default="admin", help="with REPLICATION SLAVE and SELECT (default: admin)")
    parser.add_argument("--stream", required=True, help="name of the Kinesis stream")
    parser.add_argument(
        "--table",
        action="append",
        required=True,
        metavar="SCHEMA.TABLE",
        help="a table to replicate, %% for any text; can be given several times",
    )
    parser.add_argument("--folder", type=Path, required=True, help="keeps the task's state and faults.json")
    parser.add_argument("--task", default="rehearsal", help="name of the task (default: rehearsal)")
    parser.add_argument("--before-image", choices=BEFORE_IMAGES, default="all", help="ColumnFilter (default: all)")
    parser.add_argument("--omit-null", action="store_true", help="leave out columns that are NULL, as DMS's default is")
    parser.add_argument("--lob-kb", type=int, default=32, help="LOB values are cut after this (default: 32)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
