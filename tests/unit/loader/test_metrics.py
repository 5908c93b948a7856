"""Figures for Prometheus and CloudWatch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import requests

from loader.metrics import metric_data, prometheus_text, serve
from loader.progress import COUNTERS, Progress, Status


def status() -> Status:
    found = Status('we"ird', "load", "s", [], "trim_horizon", state="running")
    polled = datetime.now(UTC) - timedelta(seconds=30)
    found.advanced("a", Progress(polled, 2500, "17", polled, polled))
    found.opened("b")
    found.finished("c")
    found.count("failed_documents", 2)
    return found


def test_prometheus_text_has_counters_lag_and_state():
    lines = prometheus_text(status().as_json()).splitlines()
    assert 'livemove_loader_failed_documents_total{name="we\\"ird"} 2' in lines
    assert 'livemove_loader_behind_milliseconds{name="we\\"ird",shard="a"} 2500' in lines
    assert 'livemove_loader_state{name="we\\"ird",state="running"} 1' in lines
    assert 'livemove_loader_state{name="we\\"ird",state="failed"} 0' in lines
    lag = next(line for line in lines if line.startswith("livemove_loader_lag_seconds") and 'shard="a"' in line)
    assert 29 < float(lag.rpartition(" ")[2]) < 60
    assert not any('shard="c"' in line for line in lines)


def test_every_metric_has_a_type_before_its_samples():
    typed: set[str] = set()
    for line in prometheus_text(status().as_json()).splitlines():
        if line.startswith("# TYPE "):
            typed.add(line.split()[2])
        elif not line.startswith("#"):
            assert line.partition("{")[0] in typed


def test_metrics_are_served_on_loopback():
    server = serve(status(), "127.0.0.1", 0)
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        assert "livemove_loader_lag_seconds" in requests.get(f"{url}/metrics", timeout=10).text
        assert requests.get(f"{url}/other", timeout=10).status_code == 404
    finally:
        server.shutdown()
        server.server_close()


def test_cloudwatch_gets_what_was_added_and_the_worst_lag():
    found = {
        each["MetricName"]: each
        for each in metric_data(status().as_json(), {**dict.fromkeys(COUNTERS, 0), "failed_documents": 1})
    }
    assert found["failed_documents"]["Value"] == 1
    assert found["lag"]["Value"] > 29
    assert found["behind"]["Value"] == 2500
    assert found["lag"]["Dimensions"] == [{"Name": "Name", "Value": 'we"ird'}]
