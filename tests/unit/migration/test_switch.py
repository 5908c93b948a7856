"""A switch's record survives the journal, and the journal tells how far an attempt has come."""

from __future__ import annotations

import json

import pytest

from livemove.migration.fence import Account, Event, Opening
from livemove.migration.switch import Ending, Phase, Switch, ending, phase_of

SWITCH = Switch(
    migration="shop",
    direction="cutover",
    attempt="a1",
    leaving="source",
    entering="target",
    opening=Opening((Account("app", "%"), Account("it's", "10.0.0.%")), (Event("shop", "tidy", "admin@%"),)),
    endpoint_held="old.example:3306",
)


def test_a_record_comes_back_from_json_as_it_was() -> None:
    assert Switch.from_json(json.loads(json.dumps(SWITCH.as_json()))) == SWITCH


@pytest.mark.parametrize(
    ("left", "entered", "phase"),
    [
        pytest.param([], [], Phase.READY, id="nothing yet"),
        pytest.param([("fence", "a1")], [], Phase.FENCED, id="fenced"),
        # What follows is not recorded, so it may have happened.
        pytest.param([("fence", "a1"), ("turn", "a1")], [], Phase.MOVING, id="turning or moving"),
        pytest.param([("fence", "a1"), ("turn", "a1")], [("cut_over", "a1")], Phase.SERVING, id="decided"),
        pytest.param([("fence", "a1"), ("turn", "a1"), ("undone", "a1")], [], Phase.DONE, id="undone"),
        pytest.param([("fence", "a1")], [("cut_over", "a1"), ("served", "a1")], Phase.DONE, id="done"),
        pytest.param([("fence", "a0"), ("undone", "a0"), ("fence", "a1")], [], Phase.FENCED, id="an older attempt"),
    ],
)
def test_the_journals_tell_the_phase(left: list[tuple[str, str]], entered: list[tuple[str, str]], phase: Phase) -> None:
    assert phase_of(left, entered, SWITCH) is phase


def test_between_the_fence_and_the_opening_the_way_is_back_and_afterwards_forward() -> None:
    assert [ending(phase) for phase in Phase] == [
        Ending.NOTHING, Ending.UNDO, Ending.UNDO, Ending.UNDO, Ending.COMPLETE, Ending.NOTHING,
    ]  # fmt: skip


def test_statements_quote_names_keep_definers_and_bring_writes_back_first() -> None:
    assert SWITCH.opening.shut_statements() == [
        "ALTER DEFINER = 'admin'@'%' EVENT `shop`.`tidy` DISABLE",
        "ALTER USER 'app'@'%' ACCOUNT LOCK",
        "ALTER USER 'it''s'@'10.0.0.%' ACCOUNT LOCK",
    ]
    assert SWITCH.opening.open_statements() == [
        "ALTER USER 'app'@'%' ACCOUNT UNLOCK",
        "ALTER USER 'it''s'@'10.0.0.%' ACCOUNT UNLOCK",
        "ALTER DEFINER = 'admin'@'%' EVENT `shop`.`tidy` ENABLE",
    ]
