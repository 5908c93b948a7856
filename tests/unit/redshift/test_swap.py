"""Names of the tables that a swap needs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from livemove.redshift.names import MAX_REDSHIFT_NAME_BYTES, folded
from livemove.redshift.swap import retired_name, shadow_name


@given(st.text(min_size=1, max_size=127))
def test_shadow_and_retired_names_fit_whatever_the_target_s_name(target: str) -> None:
    for name in (shadow_name(target), retired_name(target)):
        assert name.isascii()
        assert len(name) <= MAX_REDSHIFT_NAME_BYTES
        assert folded(name) == name
    assert shadow_name(target) != retired_name(target)


def test_each_target_has_its_own_and_always_the_same() -> None:
    targets = ["a", "b", "注文", "x" * 127, "x" * 126]
    assert len({shadow_name(target) for target in targets}) == len(targets)
    # Another attempt has to find what a dead one left behind.
    assert shadow_name("orders") == "livemove_new_1c168adb00d2"
    assert retired_name("orders") == "livemove_old_1c168adb00d2"
