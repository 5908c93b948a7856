"""What the service knows survives a restart, and its log is one line for each thing that happened."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rehearsal.rds.store import Settings, Store, arn, identifier_of
from rehearsal.rds.volumes import Volume


def test_the_state_is_read_again_as_it_was_kept(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.changing() as state:
        state.volumes["shop"] = Volume("shop", "8.0.31", "rds80", 1001, options={"log_bin": None}, wanted=True)
        state.settings.change({"promote": 7})
        state.instances["shop"] = {"DBInstanceIdentifier": "shop"}
    assert Store(tmp_path).state == state
    assert (tmp_path / "state.json").stat().st_mode & 0o077 == 0


def test_an_unknown_setting_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"no setting promot; there are .*promote"):
        Settings().change({"promot": 1})


def test_server_ids_are_never_given_twice(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with store.changing() as state:
        state.next_server_id = 1042
    store.forget_all()
    assert store.state.next_server_id == 1042


def test_events_are_logged_with_the_time(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.event("db-instance", "shop", arn("db", "shop"), "DB instance created", "creation")
    (line,) = map(json.loads, (tmp_path / "log.jsonl").read_text().splitlines())
    assert (line["kind"], line["message"]) == ("event", "DB instance created")
    assert line["at"] == pytest.approx(store.state.events[0]["Date"], abs=1)


def test_arns_hold_their_identifier() -> None:
    assert identifier_of(arn("cluster-snapshot", "snap")) == "snap"
    assert identifier_of("snap") == "snap"
