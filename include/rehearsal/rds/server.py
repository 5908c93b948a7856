"""The HTTP side: the RDS API, and the controls of the rehearsal under /_rehearsal/."""

from __future__ import annotations

import json
import traceback
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from rehearsal.ports import LOOPBACK
from rehearsal.rds import wire
from rehearsal.rds.control import CONTROLS, strike
from rehearsal.rds.operations import OPERATIONS
from rehearsal.rds.world import World

CONTROL_PATH = "/_rehearsal/"


class Api(ThreadingHTTPServer):
    """The HTTP server of one stand-in, on the loopback interface."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port: int, world: World) -> None:
        super().__init__((LOOPBACK, port), _Handler)
        self.world = world


class _Handler(BaseHTTPRequestHandler):
    server: Api
    protocol_version = "HTTP/1.1"
    # Header and body of an answer go out at once; without it each call would wait 40 ms for an acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """Answer a call of the API, or a control."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith(CONTROL_PATH):
            self._send(*_control(self.server.world, self.path.removeprefix(CONTROL_PATH), body), "application/json")
        else:
            self._send(*_call(self.server.world, body), "text/xml")

    def do_GET(self) -> None:
        """Say that the server is there."""
        self._send(200, b"{}", "application/json")

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the library's
        """Calls are in log.jsonl."""


def _call(world: World, body: bytes) -> tuple[int, bytes]:
    request_id = str(uuid.uuid4())
    operation = ""
    given: dict[str, Any] = {}
    try:
        operation, given = wire.parse(body)
        strike(world, operation)
        if operation not in OPERATIONS:
            raise wire.ApiError("NotImplemented", f"The rehearsal's RDS has no {operation}.", 501)
        # Answers are short, work that takes time goes on elsewhere: one call at a time.
        with world.calls:
            result = wire.answer(operation, OPERATIONS[operation](world, given), request_id)
    except wire.ApiError as error:
        _log(world, operation, given, error.code)
        return error.status, wire.error_answer(error, request_id)
    except Exception as error:
        traceback.print_exc()
        _log(world, operation, given, "InternalFailure")
        failure = wire.ApiError("InternalFailure", f"{type(error).__name__}: {error}", 500)
        return 500, wire.error_answer(failure, request_id)
    _log(world, operation, given, None)
    return 200, result


def _log(world: World, operation: str, given: dict[str, Any], error: str | None) -> None:
    shown = {key: "***" if "Password" in key else value for key, value in given.items()}
    world.store.log("call", operation=operation, parameters=shown, error=error)


def _control(world: World, name: str, body: bytes) -> tuple[int, bytes]:
    if name not in CONTROLS:
        return 404, json.dumps({"error": f"no control {name}; there are {', '.join(sorted(CONTROLS))}"}).encode()
    try:
        result = CONTROLS[name](world, **json.loads(body or b"{}"))
    except Exception as error:
        traceback.print_exc()
        return 400, json.dumps({"error": f"{type(error).__name__}: {error}"}).encode()
    world.store.log("control", what=name, arguments=json.loads(body or b"{}"))
    return 200, json.dumps(result, default=str).encode()
