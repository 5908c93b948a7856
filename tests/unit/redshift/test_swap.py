"""The name of the table that a swap needs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from livemove.redshift.names import MAX_REDSHIFT_NAME_BYTES, folded
from livemove.redshift.swap import shadow_name


@given(st.text(min_size=1, max_size=127))
def test_a_shadow_s_name_fits_whatever_the_target_s_name(target: str) -> None:
    name = shadow_name(target)
    assert name.isascii()
    assert len(name) <= MAX_REDSHIFT_NAME_BYTES
    assert folded(name) == name


def test_each_target_has_a_shadow_of_its_own() -> None:
    targets = ["a", "b", "注文", "x" * 127, "x" * 126]
    assert len({shadow_name(target) for target in targets}) == len(targets)
