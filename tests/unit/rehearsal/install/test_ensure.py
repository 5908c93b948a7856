"""The set-up does each step once, resumes after an interruption, and refuses systems that it does not know."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from rehearsal import install
from rehearsal.errors import RehearsalError
from rehearsal.install import Step
from rehearsal.paths import Layout


@pytest.fixture
def done(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The steps that ran, of two chains: `first` then `second`, and `other`."""
    ran: list[str] = []

    def step(name: str) -> Step:
        return Step(name, ("inputs",), (), lambda _: ran.append(name))

    chains = {"main": [step("first"), step("second")], "other": [step("other")]}
    monkeypatch.setattr(install, "steps", lambda _: chains)
    return ran


def fail_once(ran: list[str], name: str) -> Callable[[Layout], None]:
    def action(_: Layout) -> None:
        ran.append(name)
        if ran.count(name) == 1:
            raise RehearsalError("no network")

    return action


def test_a_finished_step_is_not_done_again(tmp_path: Path, done: list[str]) -> None:
    install.ensure(Layout(tmp_path), ["main"])
    install.ensure(Layout(tmp_path), ["main"])
    assert done == ["first", "second"]


def test_only_what_is_wanted_is_installed(tmp_path: Path, done: list[str]) -> None:
    install.ensure(Layout(tmp_path), ["other"])
    assert done == ["other"]


def test_an_interrupted_set_up_resumes_at_the_step_that_failed(
    tmp_path: Path, done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    chains = install.steps(Layout(tmp_path))
    broken = Step("second", ("inputs",), (), fail_once(done, "second"))
    monkeypatch.setattr(install, "steps", lambda _: {"main": [chains["main"][0], broken]})
    with pytest.raises(RehearsalError, match="no network"):
        install.ensure(Layout(tmp_path), ["main"])
    install.ensure(Layout(tmp_path), ["main"])
    assert done == ["first", "second", "second"]


def test_a_step_with_other_inputs_is_done_again(
    tmp_path: Path, done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    install.ensure(Layout(tmp_path), ["other"])
    changed = Step("other", ("other inputs",), (), lambda _: done.append("again"))
    monkeypatch.setattr(install, "steps", lambda _: {"other": [changed]})
    install.ensure(Layout(tmp_path), ["other"])
    assert done == ["other", "again"]


def test_two_set_ups_at_once_do_each_step_once(tmp_path: Path, done: list[str]) -> None:
    both = [threading.Thread(target=install.ensure, args=(Layout(tmp_path), ["main", "other"])) for _ in range(2)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    assert sorted(done) == ["first", "other", "second"]


def test_another_system_is_told_what_to_use_instead(
    tmp_path: Path, done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    with pytest.raises(RehearsalError, match=r"aarch64\. Use docker-compose\.yaml"):
        install.ensure(Layout(tmp_path), ["main"])
    assert done == []


def test_every_wanted_chain_exists(tmp_path: Path) -> None:
    from rehearsal.cli import COMMANDS, parser

    known = install.steps(Layout(tmp_path))
    for command in COMMANDS:
        words = {"run": ["run", "x"], "bench": ["bench", "x"]}.get(command.name, [command.name])
        options = parser().parse_args(words)
        assert set(command.needs(options)) <= set(known)
