"""Who serves is what the journals say, wherever an outcome has arrived."""

from __future__ import annotations

import pytest

from livemove.migration.settings import Role
from livemove.migration.topology import Servers
from tests.unit.migration.samples import settings


@pytest.mark.parametrize(
    ("steps", "serves"),
    [
        ([], Role.SOURCE),
        (["prepared"], Role.SOURCE),
        (["prepared", "cut_over"], Role.TARGET),
        (["cut_over", "finished"], Role.TARGET),
        (["cut_over", "fallen_back"], Role.FALLBACK),
        (["finished", "cut_over", "fallen_back"], Role.FALLBACK),
    ],
)
def test_the_server_that_serves_follows_from_the_journals(
    steps: list[str], serves: Role, monkeypatch: pytest.MonkeyPatch
) -> None:
    servers = Servers(settings())
    monkeypatch.setattr(servers, "_steps", lambda: steps)
    assert servers.serving() is serves
