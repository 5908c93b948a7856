"""Names stand for exactly one thing, and are the same at each retry."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livemove.search import naming

NOON = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
ALIASES = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,60}", fullmatch=True)


def test_a_new_index_is_named_by_alias_and_time_in_utc() -> None:
    assert naming.new_index("products", NOON) == "products-20260131120000"
    tokyo = NOON.astimezone(timezone(timedelta(hours=9)))
    assert naming.new_index("products", tokyo) == "products-20260131120000"


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(naming.BadName, match="no time zone"):
        naming.new_index("products", NOON.replace(tzinfo=None))


@given(ALIASES, st.datetimes(datetime(2000, 1, 1), datetime(2099, 1, 1), timezones=st.just(UTC)))
def test_the_time_of_a_name_can_be_read_back(alias: str, at: datetime) -> None:
    index = naming.new_index(alias, at)
    assert naming.made_at(index, alias) == at.replace(microsecond=0)
    assert naming.made_at(naming.restored_copy(index), alias) == at.replace(microsecond=0)


@pytest.mark.parametrize(
    "name", ["products", "products-2", "products-20261399000000", "other-20260131120000", "products-20260131120000-x"]
)
def test_a_foreign_name_has_no_time(name: str) -> None:
    assert naming.made_at(name, "products") is None


@pytest.mark.parametrize(
    "name",
    [
        "*",
        "products*",
        "a,b",
        "_all",
        "-a",
        "+a",
        ".tasks",
        "",
        "A",
        "a b",
        "a/b",
        "a\\b",
        "<a>",
        "a#",
        "a:b",
        "a" * 256,
    ],
)
def test_what_could_stand_for_several_indices_or_none_is_refused(name: str) -> None:
    with pytest.raises(naming.BadName):
        naming.concrete(name)


def test_an_alias_so_long_that_its_copy_could_have_no_name_is_refused() -> None:
    longest = 255 - len(".restored") - 15
    assert naming.new_index("a" * longest, NOON)
    with pytest.raises(naming.BadName):
        naming.new_index("a" * (longest + 1), NOON)


def test_a_snapshot_is_named_by_prefix_and_time() -> None:
    assert naming.snapshot("products-", NOON) == "products-20260131120000"
