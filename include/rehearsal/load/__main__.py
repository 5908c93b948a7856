"""`python -m rehearsal.load install|run|audit`: write like an application, and say what became of it.

`install` makes the tables, as a user who may.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import signal
import sys
import threading
import time
from pathlib import Path

from rehearsal.load import audit as auditing
from rehearsal.load.address import Parameter
from rehearsal.load.log import AcknowledgementLog, read
from rehearsal.load.writer import Login, Worker, install

PASSWORD = "LIVEMOVE_LOAD_PASSWORD"  # noqa: S105 - the variable's name
WORKERS = 8
PER_SECOND = 500.0
STOP_SECONDS = 10


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m rehearsal.load", description=__doc__, epilog=f"The user's password is read from {PASSWORD}."
    )
    parser.add_argument("what", choices=("install", "run", "audit"))
    parser.add_argument("--log", type=Path, default=Path("acknowledged.log"), help="file of acknowledgements")
    parser.add_argument("--parameter", default="/shop/database", help="SSM parameter that holds host:port")
    parser.add_argument("--ssm-endpoint-url", help="of the SSM service")
    parser.add_argument("--user", default="app")
    parser.add_argument("--database", default="shop")
    parser.add_argument("--connections", type=int, default=WORKERS)
    parser.add_argument("--rate", type=float, default=PER_SECOND, help="transactions a second, all together")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="end by itself after so long")
    return parser


def main(arguments: list[str]) -> int:
    """Run the program."""
    options = _parser().parse_args(arguments)
    login = Login(options.user, os.environ[PASSWORD], options.database)
    parameter = Parameter(options.parameter, options.ssm_endpoint_url)
    if options.what == "install":
        install(login, parameter.address())
        return 0
    return _run(options, login, parameter) if options.what == "run" else _audit(options, login, parameter)


def _run(options: argparse.Namespace, login: Login, parameter: Parameter) -> int:
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    log = AcknowledgementLog(options.log)
    run, pause = secrets.token_hex(4), options.connections / options.rate
    workers = [Worker(n, run, parameter, login, log, stopping, pause) for n in range(options.connections)]
    for worker in workers:
        worker.start()
    print(f"ready {run}", flush=True)
    ends = time.monotonic() + options.seconds
    while not stopping.wait(0.2) and time.monotonic() < ends:
        pass
    stopping.set()
    for worker in workers:
        worker.join(STOP_SECONDS)
    errors = sorted({worker.last_error for worker in workers} - {""})
    print(json.dumps({"last_errors": errors}), flush=True)
    return 0


def _audit(options: argparse.Namespace, login: Login, parameter: Parameter) -> int:
    ids, total = auditing.present(login, parameter.address())
    found = auditing.compare(read(options.log), ids, total)
    print(json.dumps(found.as_json()))
    return 0 if found.clean else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
