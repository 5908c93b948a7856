from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livemove.rds import naming
from livemove.rds.states import Kind
from livemove.runbook.errors import NeedsPerson
from tests.unit.rds.samples import SOURCE_ARN

LETTERS = string.ascii_letters + string.digits + "-"


def allowed(name: str, limit: int) -> bool:
    """The rule in the words of CreateDBInstance."""
    return (
        1 <= len(name) <= limit
        and set(name) <= set(LETTERS)
        and name[0] in string.ascii_letters
        and not name.endswith("-")
        and "--" not in name
    )


@given(st.text(LETTERS + "_é\n", max_size=70))
def test_an_identifier_is_checked_by_the_rule_of_rds(name: str) -> None:
    if allowed(name, 63):
        assert naming.checked(name, Kind.CLUSTER) == name.lower()
    else:
        with pytest.raises(NeedsPerson, match="Choose another"):
            naming.checked(name, Kind.CLUSTER)


def test_a_snapshot_may_have_a_longer_name() -> None:
    assert naming.checked("a" * 255, Kind.INSTANCE_SNAPSHOT)
    with pytest.raises(NeedsPerson):
        naming.checked("a" * 64, Kind.INSTANCE)


def test_a_writer_whose_name_would_be_too_long_is_refused() -> None:
    assert naming.writer_instance("shop") == "shop-1"
    with pytest.raises(NeedsPerson):
        naming.writer_instance("a" * 62)


def test_final_snapshots_of_namesakes_can_be_told_apart() -> None:
    assert naming.final_snapshot("shop") == "shop-final"
    assert naming.final_snapshot("shop", "20260101") == "shop-final-20260101"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("shop", "shop", True),
        ("shop", SOURCE_ARN, True),
        ("Shop", SOURCE_ARN, True),
        (SOURCE_ARN, SOURCE_ARN, True),
        (SOURCE_ARN, SOURCE_ARN.replace("northeast", "southeast"), False),
        ("shop", "shop-2", False),
        (None, "shop", False),
        (None, None, True),
        ("", None, True),
    ],
)
def test_an_identifier_and_an_arn_can_mean_the_same(one: str | None, other: str | None, same: bool) -> None:
    assert naming.same(one, other) is same
    assert naming.same(other, one) is same


def test_parts_of_an_arn() -> None:
    assert naming.identifier_of(SOURCE_ARN) == "shop"
    assert naming.region_of(SOURCE_ARN) == "ap-northeast-1"
    assert naming.identifier_of("shop") == "shop"
    assert naming.region_of("shop") is None
    # Automated snapshots have a colon in their names.
    assert naming.identifier_of("rds:shop-2026-01-01-00-00") == "rds:shop-2026-01-01-00-00"


@given(st.dictionaries(st.text(min_size=1), st.text()))
def test_tags_survive_the_way_to_the_api_and_back(values: dict[str, str]) -> None:
    assert naming.as_dict(naming.as_api(values)) == values


def test_tags_are_sent_in_one_order() -> None:
    assert naming.as_api({"b": "1", "a": "2"}) == naming.as_api({"a": "2", "b": "1"})
