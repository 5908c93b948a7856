"""Run the stand-in in the foreground: `python -m rehearsal.redshift --port ... --data ...`."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from pathlib import Path

from rehearsal.errors import RehearsalError
from rehearsal.locks import exclusive

from .postgres import Postgres
from .server import Warehouse, listen, serve
from .sources import Storage

PASSWORD_VARIABLE = "LIVEMOVE_WAREHOUSE_PASSWORD"  # noqa: S105


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; print `ready` once clients are served."""
    options = _parser().parse_args(argv)
    logging.basicConfig(level="INFO", format="%(asctime)s %(levelname)s %(message)s")
    password = os.environ.pop(PASSWORD_VARIABLE, "")
    if not password:
        print(f"Set {PASSWORD_VARIABLE} to the password of {options.user}.", file=sys.stderr)
        return 2
    stopping, stop = os.pipe()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os.write(stop, b"."))
    postgres = Postgres(options.data, options.database)
    try:
        # Two servers on one folder would destroy the data.
        with (
            exclusive(options.data / "lock", f"the warehouse {options.data}", seconds=5),
            listen(options.port) as listener,
        ):
            postgres.start(options.user, password)
            print("ready", flush=True)
            serve(listener, Warehouse(postgres, Storage(options.s3_endpoint), options.data), stopping)
    except RehearsalError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    finally:
        postgres.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m rehearsal.redshift",
        description="A stand-in for Amazon Redshift on the loopback interface.",
        epilog=f"The password is read from the environment variable {PASSWORD_VARIABLE}.",
    )
    parser.add_argument("--port", type=int, required=True, help="port that clients connect to")
    parser.add_argument("--data", type=Path, required=True, help="folder of the data; made if it is missing")
    parser.add_argument("--s3-endpoint", required=True, help="address of the S3 that COPY and UNLOAD use")
    parser.add_argument("--database", default="dev", help="database that clients connect to (default: dev)")
    parser.add_argument("--user", default="admin", help="superuser that clients log in as (default: admin)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
