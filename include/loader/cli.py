"""`python -m loader transform` and `python -m loader load`."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

from loader.bulk import Credentials, Target
from loader.contract import ContractError, moment, pack_version, parse_stream_position
from loader.errors import LoaderError, StoppedError
from loader.kinesis import TRIM_HORIZON
from loader.metrics import cloudwatch, serve
from loader.progress import Status
from loader.runner import Runner, Start
from loader.settings import load_settings
from loader.sinks import LoadSink, Shelf, Sink, TransformSink
from loader.state import State
from loader.worker import Signals

log = logging.getLogger("loader")

_LOAD = """\
Writes the documents of a stream into one or more indexes.

A document is written only if the index holds no newer version of it, so records may come twice, late and in any
order. Positions count once the documents are written, so nothing is lost when the process is killed.
Credentials: LOADER_ELASTICSEARCH_USER and _PASSWORD, or _API_KEY, and _CA (file); AWS's usual variables, with
AWS_ENDPOINT_URL_KINESIS and AWS_ENDPOINT_URL_S3 for other endpoints.
"""
_TRANSFORM = """\
Makes documents of the change records of a table, as AWS DMS writes them to Kinesis.

Reads `documents`, `streams` and `loader.state` of an index.yaml; the alias is the name of the file's folder.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a processor.

    :returns: 0 when it ended as it was asked to, 1 after an error, 2 for wrong arguments.
    """
    arguments = _parser().parse_args(argv)
    logging.basicConfig(
        level=arguments.log_level.upper(), format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr
    )
    signals = Signals()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: signals.ending.set())
    try:
        arguments.run(arguments, signals)
    except (LoaderError, ContractError) as error:
        log.error("%s", error)
        return 1
    except StoppedError:
        pass
    return 0


def _transform(arguments: argparse.Namespace, signals: Signals) -> None:
    settings = load_settings(arguments.index)
    name = arguments.name or f"transform-{settings.documents.alias}"
    status = Status(name, "transform", settings.changes, [settings.output], arguments.start)
    load_version = None
    if arguments.load_position:
        place = parse_stream_position(arguments.load_position)
        load_version = pack_version(settings.documents.epoch, place.file, place.position)

    def sink_of(shelf: Shelf, kinesis: Any) -> Callable[[str], Sink]:
        return lambda shard: TransformSink(
            shard,
            settings.documents,
            kinesis,
            settings.output,
            shelf,
            seconds=arguments.window,
            load_version=load_version,
        )

    _run(arguments, signals, status, arguments.state or settings.state, sink_of, [])


def _load(arguments: argparse.Namespace, signals: Signals) -> None:
    credentials = Credentials.of(os.environ)
    targets = [Target(address, credentials, writers=arguments.writers) for address in arguments.target]
    status = Status(arguments.name, "load", arguments.stream, [target.name for target in targets], arguments.start)

    def sink_of(shelf: Shelf, _: Any) -> Callable[[str], Sink]:
        for target in targets:
            target.await_check(signals.ending)
        return lambda shard: LoadSink(shard, targets, shelf)

    def watch() -> None:
        for target in targets:
            target.watch()
        status.error = "; ".join(f"{target.name}: {target.trouble}" for target in targets if target.trouble) or None

    try:
        _run(arguments, signals, status, arguments.state, sink_of, [watch])
    finally:
        for target in targets:
            target.close()


def _run(
    arguments: argparse.Namespace,
    signals: Signals,
    status: Status,
    address: str,
    sink_of: Callable[[Shelf, Any], Callable[[str], Sink]],
    ticks: list[Callable[[], None]],
) -> None:
    config = Config(
        retries={"mode": "standard", "max_attempts": 2}, max_pool_connections=32, connect_timeout=5, read_timeout=20
    )
    kinesis = boto3.client("kinesis", config=config)
    state = State(boto3.client("s3", config=config), address, status.name)
    if arguments.cloudwatch:
        ticks.append(cloudwatch(boto3.client("cloudwatch", config=config), arguments.cloudwatch, status))
    if arguments.metrics_port is not None:
        server = serve(status, arguments.metrics_host, arguments.metrics_port)
        log.info("metrics on http://%s:%s/metrics", arguments.metrics_host, server.server_port)
    Start(arguments.start, arguments.otherwise).apply(status, state)
    state.write_status(status.as_json())
    shelf = Shelf(state, status, signals.abandoning)
    try:
        make = sink_of(shelf, kinesis)
    except LoaderError as error:
        status.state, status.error = "failed", str(error)
        state.write_status(status.as_json())
        raise
    Runner(kinesis, status, state, make, signals, until=arguments.until, ticks=ticks).run()
    _farewell(status)


def _farewell(status: Status) -> None:
    found = status.as_json()
    counts = ", ".join(f"{found[name]} {name.replace('_', ' ')}" for name in ("documents", "conflicts", "retries"))
    level = logging.ERROR if found["failed_documents"] else logging.INFO
    log.log(level, "%s %s: %s; SET ASIDE: %s", status.name, status.state, counts, found["failed_documents"])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="loader", description=__doc__)
    programs = parser.add_subparsers(required=True, metavar="transform|load")
    for name, run, text in (("transform", _transform, _TRANSFORM), ("load", _load, _LOAD)):
        program = programs.add_parser(
            name, description=text, formatter_class=argparse.RawDescriptionHelpFormatter, help=text.splitlines()[0]
        )
        program.set_defaults(run=run)
        (_transform_options if name == "transform" else _load_options)(program)
        _common_options(program)
    return parser


def _transform_options(program: argparse.ArgumentParser) -> None:
    add = program.add_argument
    add("--index", required=True, type=Path, metavar="FILE", help="the alias's index.yaml")
    add("--name", help="of its status and control objects (default: transform-<alias>)")
    add("--state", metavar="s3://BUCKET/PREFIX", help="instead of the file's loader.state")
    add("--window", type=float, default=0.2, metavar="SECONDS", help="changes of a row are joined for so long (0.2)")
    add(
        "--load-position",
        metavar="FILE:POSITION",
        help="version of the rows of a full load (default: the epoch's first)",
    )


def _load_options(program: argparse.ArgumentParser) -> None:
    add = program.add_argument
    add("--name", required=True, help="of its status and control objects; by custom the index that it feeds")
    add("--stream", required=True, help="the stream of documents")
    add(
        "--target", required=True, action="append", metavar="URL/INDEX", help="a concrete index; several times for more"
    )
    add("--state", required=True, metavar="s3://BUCKET/PREFIX", help="where status, control and failed documents lie")
    add("--writers", type=_positive, default=3, metavar="N", help="requests at once for each target (3)")


def _common_options(program: argparse.ArgumentParser) -> None:
    add = program.add_argument
    add(
        "--from",
        dest="start",
        default="checkpoint",
        metavar="PLACE",
        help="checkpoint (default), latest, trim_horizon, or a time such as 2026-11-22T08:15:00Z",
    )
    add("--otherwise", default=TRIM_HORIZON, metavar="PLACE", help="when there is no checkpoint (trim_horizon)")
    add("--until", type=_moment, metavar="TIME", help="read what arrived before it, then end")
    add("--metrics-port", type=int, metavar="PORT", help="serve Prometheus text there; 0 takes a free one")
    add("--metrics-host", default="127.0.0.1", metavar="ADDRESS", help="(127.0.0.1)")
    add("--cloudwatch", metavar="NAMESPACE", help="send figures to CloudWatch every minute")
    add("--log-level", default="info", choices=["debug", "info", "warning", "error"])


def _moment(text: str) -> datetime:
    try:
        return moment(text)
    except ContractError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _positive(text: str) -> int:
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number above 0")
    return int(text)
