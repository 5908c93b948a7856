"""The retention's binary logs have to fit the storage."""

from __future__ import annotations

import socket
import threading
from types import SimpleNamespace

import boto3
import pytest

from livemove.migration.storage import GIB, BinlogRate, free_or_unknown, growth, judge


def test_growth_counts_new_logs_and_what_the_last_one_gained_and_ignores_a_purge() -> None:
    assert growth({"a": 10, "b": 5}, {"b": 8, "c": 4}) == 7
    assert growth({"a": 10}, {"b": 0}) == 0


@pytest.mark.parametrize(
    ("free", "allocated", "result"),
    [
        (50 * GIB, 100 * GIB, "ok"),
        (15 * GIB, 100 * GIB, "warn"),
        (9 * GIB, 100 * GIB, "stop"),
        (None, 100 * GIB, "ok"),
        (None, 15 * GIB, "warn"),
        (None, None, "ok"),
    ],
)
def test_the_forecast_is_compared_with_what_is_free(free: int | None, allocated: int | None, result: str) -> None:
    rate = BinlogRate(bytes_per_second=10 * GIB / 3600, seconds=5, kept_bytes=0)
    assert judge("source shop", rate, 1, free, allocated).result == result


def test_what_is_kept_already_needs_no_more_room() -> None:
    rate = BinlogRate(bytes_per_second=10 * GIB / 3600, seconds=5, kept_bytes=8 * GIB)
    assert judge("source shop", rate, 1, 5 * GIB, None).result == "ok"


def test_a_cloudwatch_that_hangs_up_is_asked_once_and_free_is_unknown() -> None:
    asked = 0
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            nonlocal asked
            while True:
                try:
                    connection = server.accept()[0]
                except OSError:
                    return
                asked += 1
                connection.close()

        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        session = boto3.Session("key", "secret", region_name="eu-central-1")
        where = SimpleNamespace(get_service_endpoint_url=lambda _: url)
        assert free_or_unknown(SimpleNamespace(get_session=lambda: session, conn_config=where), "shop") is None
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5)
    assert asked == 1
