"""docker-compose.yaml is valid, as Docker Compose itself says, and opens ports on loopback only."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from rehearsal.install.compose import command
from rehearsal.paths import REPOSITORY, Layout

FILE = REPOSITORY / "docker-compose.yaml"


def config(file: Path, *options: str) -> subprocess.CompletedProcess[str]:
    words = command(Layout.default())
    assert words, "run the tests with ./dev test, which installs Docker Compose"
    return subprocess.run([*words, "-f", str(file), "config", *options], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    done = config(FILE, "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["services"]


def test_the_file_is_valid() -> None:
    done = config(FILE, "--quiet")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_a_broken_file_would_be_found(tmp_path: Path) -> None:
    broken = tmp_path / "docker-compose.yaml"
    broken.write_text(FILE.read_text().replace("healthcheck:", "healthchek:", 1))
    done = config(broken, "--quiet")
    assert done.returncode != 0
    assert "healthchek" in done.stderr


def test_every_port_is_on_loopback(services: dict[str, Any]) -> None:
    ports = [port for service in services.values() for port in service.get("ports", ())]
    assert len(ports) >= 5
    assert {port["host_ip"] for port in ports} == {"127.0.0.1"}


@pytest.mark.parametrize(
    "image", ["apache/airflow:3.3", "mysql:8", "postgres:", "elasticsearch:7.17", "motoserver/moto:"]
)
def test_the_images_are_the_official_ones(services: dict[str, Any], image: str) -> None:
    assert any(service["image"].startswith(image) for service in services.values())


def test_whatever_others_wait_for_has_a_health_check(services: dict[str, Any]) -> None:
    awaited = {
        name
        for service in services.values()
        for name, how in (service.get("depends_on") or {}).items()
        if how["condition"] == "service_healthy"
    }
    assert awaited
    assert [name for name in awaited if "healthcheck" not in services[name]] == []
