"""Ports are free ones, remembered, and never those of another stack."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from rehearsal import ports
from rehearsal.errors import RehearsalError
from rehearsal.ports import LOOPBACK, Ports, is_free, is_open


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as server:
        server.bind((LOOPBACK, 0))
        server.listen()
        yield server


def test_a_port_is_remembered(tmp_path: Path) -> None:
    first = Ports(tmp_path / "ports.json").take("mysql")
    assert Ports(tmp_path / "ports.json").take("mysql") == first
    assert Ports(tmp_path / "ports.json").remembered() == {"mysql": first}


def test_two_uses_get_two_ports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "LAST", ports.FIRST + 1)
    monkeypatch.setattr(ports.random, "sample", lambda numbers, _: list(numbers))
    monkeypatch.setattr(ports, "is_free", lambda _: True)
    known = Ports(tmp_path / "ports.json")
    assert known.take("writer") != known.take("reader")
    with pytest.raises(RehearsalError, match="No free port"):
        known.take("third")


def test_a_remembered_port_that_is_taken_by_now_is_replaced(tmp_path: Path, listener: socket.socket) -> None:
    taken = listener.getsockname()[1]
    (tmp_path / "ports.json").write_text(json.dumps({"mysql": taken}))
    fresh = Ports(tmp_path / "ports.json").take("mysql")
    assert fresh != taken
    assert Ports(tmp_path / "ports.json").remembered() == {"mysql": fresh}


def test_the_ports_of_another_stack_are_left_to_it_while_it_is_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ports, "LAST", ports.FIRST + 1)
    monkeypatch.setattr(ports.random, "sample", lambda numbers, _: list(numbers))
    monkeypatch.setattr(ports, "is_free", lambda _: True)
    other = tmp_path / "other.json"
    other.write_text(json.dumps({"mysql": ports.FIRST}))
    assert Ports(tmp_path / "ports.json", [other]).take("mysql") == ports.FIRST + 1


def test_free_and_open_are_told_apart(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    assert is_open(port)
    assert not is_free(port)
    listener.close()
    assert is_free(port)
    assert not is_open(port)
