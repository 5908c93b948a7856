"""A step of the set-up counts as done only when it was finished with the same inputs."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from rehearsal.stamps import Stamp, digest


def test_a_step_is_done_once_its_stamp_is_set(tmp_path: Path) -> None:
    assert not Stamp(tmp_path, "step", ["a"]).valid
    Stamp(tmp_path, "step", ["a"]).set()
    assert Stamp(tmp_path, "step", ["a"]).valid


def test_another_input_makes_a_step_necessary_again(tmp_path: Path) -> None:
    source = tmp_path / "requirements.txt"
    source.write_text("one")
    Stamp(tmp_path, "step", [source]).set()
    source.write_text("two")
    assert not Stamp(tmp_path, "step", [source]).valid


def test_a_result_that_was_removed_makes_a_step_necessary_again(tmp_path: Path) -> None:
    result = tmp_path / "result"
    result.touch()
    stamp = Stamp(tmp_path, "step", ["a"], [result])
    stamp.set()
    assert stamp.valid
    result.unlink()
    assert not stamp.valid


def test_a_step_that_began_anew_and_was_interrupted_is_not_done(tmp_path: Path) -> None:
    stamp = Stamp(tmp_path, "step", ["a"])
    stamp.set()
    stamp.clear()
    assert not stamp.valid


@given(st.lists(st.text()), st.lists(st.text()))
def test_lists_of_inputs_have_the_same_hash_only_when_they_are_equal(a: list[str], b: list[str]) -> None:
    assert (digest(a) == digest(b)) == (a == b)
