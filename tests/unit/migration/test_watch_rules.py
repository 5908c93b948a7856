"""The dead man's decisions: never back after the point of no return, never forward before it, never nothing between."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livemove.migration.switch import Phase
from livemove.migration.watch_rules import Answer, Watch

LEASE = 20.0


def at(phase: Phase, now: float = 0.0) -> Watch:
    """A watch that has come to a phase."""
    watch = Watch.begin(LEASE, now)
    for each in range(1, phase + 1):
        watch = watch.entered(Phase(each), now)
    return watch


WRITES_STOPPED = (Phase.FENCED, Phase.TURNING, Phase.MOVING)


@pytest.mark.parametrize("phase", WRITES_STOPPED)
def test_a_task_that_dies_while_writes_are_stopped_is_undone(phase: Phase) -> None:
    assert at(phase).orphaned().answer is Answer.UNDO


@pytest.mark.parametrize("phase", WRITES_STOPPED)
def test_a_lease_that_runs_out_while_writes_are_stopped_is_undone(phase: Phase) -> None:
    watch = at(phase)
    assert watch.looked_at(LEASE - 0.01).answer is Answer.LISTEN
    assert watch.looked_at(LEASE).answer is Answer.UNDO


def test_a_task_that_dies_after_the_point_of_no_return_is_completed() -> None:
    assert at(Phase.SERVING).orphaned().answer is Answer.COMPLETE
    assert at(Phase.SERVING).looked_at(LEASE).answer is Answer.COMPLETE
    assert at(Phase.SERVING).given_up("it failed").answer is Answer.COMPLETE


@pytest.mark.parametrize("phase", [Phase.READY, Phase.DONE])
def test_nothing_is_done_when_nothing_is_stopped(phase: Phase) -> None:
    assert at(phase).orphaned().answer is Answer.LEAVE


def test_a_task_that_comes_late_is_refused_and_undone_even_if_it_was_never_looked_at_meanwhile() -> None:
    assert at(Phase.MOVING).entered(Phase.SERVING, LEASE + 1).answer is Answer.UNDO
    assert at(Phase.FENCED).renewed(LEASE + 1).answer is Answer.UNDO


def test_a_renewal_moves_the_end_of_the_lease() -> None:
    watch = at(Phase.FENCED).renewed(15)
    assert watch.looked_at(34).answer is Answer.LISTEN
    assert watch.looked_at(35).answer is Answer.UNDO


def test_each_phase_is_acknowledged_in_turn_and_the_last_one_ends_the_watch() -> None:
    watch = Watch.begin(LEASE, 0)
    for phase in (Phase.FENCED, Phase.TURNING, Phase.MOVING, Phase.SERVING):
        watch = watch.entered(phase, 1)
        assert (watch.answer, watch.phase) == (Answer.ACKNOWLEDGE, phase)
    assert watch.entered(Phase.DONE, 2).answer is Answer.LEAVE


happenings = st.one_of(
    st.tuples(st.just("entered"), st.sampled_from(list(Phase))),
    st.tuples(st.sampled_from(["renewed", "looked_at", "orphaned", "given_up"]), st.none()),
)


def happen(watch: Watch, what: str, phase: Phase | None, now: float) -> Watch:
    if phase is not None:
        return watch.entered(phase, now)
    if what in ("renewed", "looked_at"):
        return getattr(watch, what)(now)  # type: ignore[no-any-return]
    return watch.orphaned() if what == "orphaned" else watch.given_up("why")


@given(st.lists(st.tuples(happenings, st.floats(0, 30)), max_size=30))
def test_whatever_happens_the_end_fits_the_last_acknowledged_phase(
    history: list[tuple[tuple[str, Phase | None], float]],
) -> None:
    watch, now, acknowledged = Watch.begin(LEASE, 0), 0.0, Phase.READY
    for (what, phase), passed in history:
        now += passed
        before = watch
        watch = happen(watch, what, phase, now)
        if before.answer.final:
            # What is decided stays decided: a task that wakes up late cannot go on.
            assert watch.answer is before.answer or watch.answer.final
            assert watch.phase is before.phase
            assert (watch.answer is Answer.ACKNOWLEDGE) is False
        elif watch.answer is Answer.ACKNOWLEDGE:
            assert now < before.lease_ends
            assert watch.phase == acknowledged + 1
            acknowledged = watch.phase
    if watch.answer is Answer.UNDO:
        assert acknowledged in WRITES_STOPPED
    if watch.answer is Answer.COMPLETE:
        assert acknowledged is Phase.SERVING
