"""Bulk requests to a server that misbehaves on command; the real one is in tests/integration/loader."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from loader.bulk import Credentials, Gate, Target
from loader.errors import LoaderError, StoppedError
from loader.outcomes import Body

OK = (200, b"")


class Server(ThreadingHTTPServer):
    """Answers bulk requests with what `script` says, then writes everything."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: list[tuple[int, bytes] | str] = []
        self.largest = 10**9
        self.written: list[bytes] = []
        self.requests = 0
        self.headers: dict[str, str] = {}
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.requests += 1
        self.server.headers = {name.lower(): value for name, value in self.headers.items()}
        said = self.server.script.pop(0) if self.server.script else OK
        if said == "hang up":
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        assert not isinstance(said, str)
        status, text = said
        if len(body) > self.server.largest:
            status, text = 413, b"too large"
        if status == 200:
            sources = body.split(b"\n")[1::2]
            text = text or json.dumps({"errors": False, "items": []}, separators=(",", ":")).encode()
            self.server.written += sources
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    found = Server()
    yield found
    found.shutdown()
    found.server_close()


@pytest.fixture
def target(server: Server) -> Iterator[Target]:
    found = Target(f"http://127.0.0.1:{server.server_port}/products-1", Credentials())
    yield found
    found.close()


def body(count: int) -> Body:
    lines = b"".join(b'{"index":{"_id":"%d"}}\n{"n":%d}\n' % (n, n) for n in range(count))
    return Body(lines, count)


def items(*statuses: int) -> bytes:
    kinds = {
        409: "version_conflict_engine_exception",
        429: "es_rejected_execution_exception",
        400: "mapper_parsing_exception",
    }
    answers = [
        {"index": {"status": status} | ({"error": {"type": kinds[status], "reason": "x"}} if status > 299 else {})}
        for status in statuses
    ]
    return json.dumps({"errors": True, "items": answers}, separators=(",", ":")).encode()


@pytest.mark.parametrize("trouble", [(429, b"busy"), (503, b"no master"), (502, b""), (500, b"{}"), "hang up"], ids=str)
def test_a_request_that_fails_for_now_is_sent_again(server, target, trouble):
    server.script = [trouble, trouble]
    result = target.write(body(3), threading.Event())
    assert (result.written, result.conflicts, result.refused) == (3, 0, [])
    assert server.requests == 3
    assert target.trouble is None


def test_only_the_documents_that_failed_for_now_are_sent_again(server, target):
    server.script = [(200, items(201, 429, 409, 429)), (200, items(201, 429)), (200, items(400))]
    result = target.write(body(4), threading.Event())
    assert (result.written, result.conflicts, result.retries) == (2, 1, 3)
    # The one that was sent three times is the fourth of all.
    assert [(each.index, each.status) for each in result.refused] == [(3, 400)]
    assert server.written[4:] == [b'{"n":1}', b'{"n":3}', b'{"n":3}']


def test_a_request_that_is_too_large_is_sent_in_parts(server, target):
    server.largest = len(body(10).text) // 3
    result = target.write(body(10), threading.Event())
    assert result.written == 10
    assert sorted(server.written) == sorted(b'{"n":%d}' % n for n in range(10))


def test_one_document_that_is_too_large_alone_is_refused(server, target):
    server.largest = 5
    result = target.write(body(2), threading.Event())
    assert [(each.index, each.status) for each in result.refused] == [(0, 413), (1, 413)]


@pytest.mark.parametrize("status", [401, 403, 404, 405])
def test_a_target_that_cannot_be_used_ends_the_loader(server, target, status):
    server.script = [(status, b"no")]
    with pytest.raises(LoaderError, match=str(status)):
        target.write(body(1), threading.Event())


def test_waiting_ends_when_the_loader_has_to_stop(server, target):
    server.script = [(503, b"down")] * 10_000
    stop = threading.Event()
    threading.Timer(0.5, stop.set).start()
    with pytest.raises(StoppedError):
        target.write(body(1), stop)
    assert target.trouble == "down"


def test_credentials_go_into_headers_and_nowhere_else(server):
    secret = "s3cret-words"
    credentials = Credentials.of({"LOADER_ELASTICSEARCH_USER": "u", "LOADER_ELASTICSEARCH_PASSWORD": secret})
    target = Target(f"http://127.0.0.1:{server.server_port}/p", credentials)
    target.write(body(1), threading.Event())
    target.close()
    assert server.headers["authorization"].startswith("Basic ")
    assert secret not in repr(credentials) + target.name
    key = Credentials.of({"LOADER_ELASTICSEARCH_API_KEY": secret, "LOADER_ELASTICSEARCH_USER": "u"})
    assert key.headers() == {"authorization": f"ApiKey {secret}"}


@pytest.mark.parametrize("address", ["", "products", "http://host:9200", "http://host:9200/", "ftp://host/x"])
def test_an_address_without_an_index_is_refused(address):
    with pytest.raises(LoaderError, match="--target"):
        Target(address, Credentials())


def test_a_password_in_an_address_is_refused_and_not_repeated():
    with pytest.raises(LoaderError) as error:
        Target("http://user:s3cret@host:9200/products", Credentials())
    assert "s3cret" not in str(error.value)


def test_an_address_may_have_a_path_before_the_index():
    target = Target("https://proxy.example.com/search/products-1", Credentials())
    assert (target.index, target.name) == ("products-1", "https://proxy.example.com/search/products-1")


def test_the_gate_lets_fewer_in_after_an_overload_and_opens_again():
    gate, inside, most = Gate(4), threading.Semaphore(0), []
    present = 0
    lock, leave = threading.Lock(), threading.Event()

    def visit() -> None:
        nonlocal present
        with gate.passage():
            with lock:
                present += 1
                most.append(present)
            inside.release()
            leave.wait(10)
            with lock:
                present -= 1

    gate.overloaded()
    visitors = [threading.Thread(target=visit) for _ in range(6)]
    for visitor in visitors:
        visitor.start()
    for _ in range(2):
        inside.acquire(timeout=5)
    assert not inside.acquire(timeout=0.2)
    for _ in range(30):
        gate.done()
    for _ in range(2):
        assert inside.acquire(timeout=5)
    assert not inside.acquire(timeout=0.2)
    leave.set()
    for visitor in visitors:
        visitor.join(10)
    assert max(most) == 4
