"""The client of Airflow's REST API passes on reasons and reads all pages (against a real HTTP server)."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

import pytest

from rehearsal.airflow.api import PAGE, AirflowApi, RefusedError
from rehearsal.errors import RehearsalError


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        url = urlparse(self.path)
        if url.path == "/auth/token":
            self.answer(201, {"access_token": "t"})
        elif url.path == "/api/v2/dags/many/dagRuns/r%201/taskInstances":
            offset = int(parse_qs(url.query)["offset"][0])
            items = [{"n": n} for n in range(offset, min(offset + PAGE, 2 * PAGE + 1))]
            self.answer(200, {"task_instances": items, "total_entries": 2 * PAGE + 1})
        elif url.path == "/api/v2/dags/broken":
            self.answer(500, {"detail": "database is locked"})
        else:
            self.answer(404, {"detail": f"no {url.path}"})

    def do_PATCH(self) -> None:
        self.answer(200, {})

    def do_POST(self) -> None:
        assert self.headers["Authorization"] == "Bearer t"
        self.answer(422, {"detail": [{"loc": ["body", "conf"], "msg": "not a table"}]})

    def answer(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def api() -> Iterator[AirflowApi]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield AirflowApi(f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    server.server_close()


def test_all_pages_of_a_listing_are_read(api: AirflowApi) -> None:
    assert [item["n"] for item in api.task_instances("many", "r 1")] == list(range(2 * PAGE + 1))


def test_a_refusal_carries_the_reason_and_exit_code_2(api: AirflowApi) -> None:
    with pytest.raises(RefusedError, match=r"body\.conf: not a table") as refused:
        api.trigger("sync", {"tables": ["x"]})
    assert refused.value.exit_code == 2


def test_an_unknown_dag_is_told_from_a_broken_server(api: AirflowApi) -> None:
    assert not api.dag_exists("nope")
    with pytest.raises(RehearsalError, match=r"500 .* database is locked"):
        api.dag_exists("broken")


def test_a_server_that_is_not_there_is_an_error_with_a_remedy() -> None:
    absent = AirflowApi("http://127.0.0.1:1")
    assert absent.health() == {}
    with pytest.raises(RehearsalError, match=r"\./dev status"):
        absent.dag_exists("x")
