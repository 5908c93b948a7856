"""Figures for Prometheus (text on a port) and CloudWatch."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from loader.progress import COUNTERS, Status

log = logging.getLogger(__name__)

_STATES: Final = ("starting", "running", "paused", "stopped", "failed")
_HELP: Final = {
    "records": "records read",
    "documents": "documents written",
    "conflicts": "documents that were there in a newer version",
    "retries": "documents or records sent again",
    "failed_documents": "documents set aside",
    "skipped": "records of other tables",
    "superseded": "changes that a newer one of the same window replaced",
    "throttled": "polls that Kinesis refused",
}


def prometheus_text(status: dict[str, Any]) -> str:
    """A status as Prometheus reads it (text format 0.0.4).

    :param status: what `Status.as_json` gives.
    """
    name = _label("name", status["name"])
    lines = []
    for counter in COUNTERS:
        metric = f"livemove_loader_{counter}_total"
        lines += [f"# HELP {metric} {_HELP[counter]}", f"# TYPE {metric} counter"]
        lines.append(f"{metric}{{{name}}} {status[counter]}")
    lines += _gauge("lag_seconds", "seconds for which no newer commit is known to be applied", name, status, "lag_s")
    lines += _gauge("behind_milliseconds", "MillisBehindLatest", name, status, "behind_ms")
    lines += ["# HELP livemove_loader_state 1 for the present state", "# TYPE livemove_loader_state gauge"]
    lines += [
        f"livemove_loader_state{{{name},{_label('state', each)}}} {int(each == status['state'])}" for each in _STATES
    ]
    return "\n".join(lines) + "\n"


def _gauge(metric: str, text: str, name: str, status: dict[str, Any], key: str) -> list[str]:
    lines = [f"# HELP livemove_loader_{metric} {text}", f"# TYPE livemove_loader_{metric} gauge"]
    return lines + [
        f"livemove_loader_{metric}{{{name},{_label('shard', shard)}}} {found[key]}"
        for shard, found in status["shards"].items()
        if found[key] is not None and not found["finished"]
    ]


def _label(name: str, value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'{name}="{escaped}"'


def serve(status: Status, host: str, port: int) -> ThreadingHTTPServer:
    """Serve `/metrics` in a thread; the server's `server_port` says on which port."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.split("?")[0] not in ("/metrics", "/"):
                self.send_error(404)
                return
            body = prometheus_text(status.as_json()).encode()
            self.send_response(200)
            self.send_header("content-type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
            log.debug(format, *args)

    server = ThreadingHTTPServer((host, port), Handler)
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server


def cloudwatch(client: Any, namespace: str, status: Status, *, seconds: float = 60.0) -> Callable[[], None]:
    """A function that sends the figures once in that many seconds, whenever it is called.

    :param client: boto3's CloudWatch client.
    """
    sent = dict.fromkeys(COUNTERS, 0)
    due = 0.0

    def tick() -> None:
        nonlocal due
        if time.monotonic() < due:
            return
        due = time.monotonic() + seconds
        found = status.as_json()
        try:
            client.put_metric_data(Namespace=namespace, MetricData=metric_data(found, sent))
        except (BotoCoreError, ClientError) as error:
            log.warning("CloudWatch: %s", error)
            return
        sent.update({counter: found[counter] for counter in COUNTERS})

    return tick


def metric_data(status: dict[str, Any], sent: dict[str, int]) -> list[dict[str, Any]]:
    """What PutMetricData takes: growth of the counters since they were sent last, and the worst lag of all shards."""
    open_shards = [shard for shard in status["shards"].values() if not shard["finished"]]
    lag = max((shard["lag_s"] for shard in open_shards), default=0.0)
    behind = max((shard["behind_ms"] or 0 for shard in open_shards), default=0)
    figures = [(counter, float(status[counter] - sent[counter]), "Count") for counter in COUNTERS]
    figures += [("lag", lag, "Seconds"), ("behind", float(behind), "Milliseconds")]
    dimensions = [{"Name": "Name", "Value": status["name"]}]
    return [
        {"MetricName": name, "Dimensions": dimensions, "Value": value, "Unit": unit} for name, value, unit in figures
    ]
