"""The command line explains itself, refuses nonsense, and hands on what is not its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from rehearsal import checks, cli
from rehearsal.errors import RehearsalError

REPOSITORY = Path(__file__).parents[3]


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Options that commands were called with; nothing is installed or run."""
    calls: list[object] = []

    class Commands:
        def __getattr__(self, name: str):
            return lambda options: calls.append((name, options)) or 0

    monkeypatch.setattr(cli, "_prepare", lambda *_: None)
    monkeypatch.setattr(cli, "import_module", lambda _: Commands())
    return calls


@pytest.mark.parametrize("name", [command.name for command in cli.COMMANDS])
def test_every_command_explains_itself_and_its_exit_codes(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([name, "--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert "exit codes:" in text
    assert f"./dev {name}" in text or name == "help"


def test_help_lists_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert all(command.summary in text for command in cli.COMMANDS)


def test_without_a_command_the_help_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main([])
    assert "COMMAND" in capsys.readouterr().out


def test_all_tests_are_the_default_and_options_go_to_pytest(called) -> None:
    assert cli.main(["test", "-x", "-k", "ports"]) == 0
    name, options = called[0]
    assert (name, options.which, options.rest) == ("test", "all", ["-x", "-k", "ports"])


def test_a_benchmark_gets_its_own_options(called) -> None:
    cli.main(["bench", "extract", "--json", "--rows", "10"])
    _, options = called[0]
    assert (options.name, options.rest) == ("extract", ["--json", "--rows", "10"])


@pytest.mark.parametrize("words", [["fly"], ["test", "some"], ["up", "--fast"], ["run"], ["bench"]])
def test_a_wrong_use_exits_with_2(words: list[str], called) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert ended.value.code == 2
    assert not called


def test_an_error_is_one_message_and_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise RehearsalError("No disk left. Remove something.", exit_code=3)

    monkeypatch.setattr(cli, "_prepare", broken)
    assert cli.main(["status"]) == 3
    assert capsys.readouterr().err == "./dev status: No disk left. Remove something.\n"


def test_the_first_stage_needs_nothing_but_the_standard_library() -> None:
    # -S leaves out site-packages, so an import of anything installed would fail.
    done = subprocess.run(
        ["python3", "-S", "-c", "import rehearsal.cli, rehearsal.commands"],
        env={"PYTHONPATH": str(REPOSITORY / "include"), "PATH": "/usr/local/bin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_dev_says_which_python_it_needs_when_there_is_none(tmp_path: Path) -> None:
    (tmp_path / "dirname").symlink_to("/usr/bin/dirname")
    done = subprocess.run(
        ["/bin/sh", str(REPOSITORY / "dev"), "help"],
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "needs Python 3.11 or later" in done.stderr


def test_all_tests_leave_out_faults_that_are_not_seeded_and_take_both_generations(tmp_path: Path) -> None:
    for name in ("unit", "drills"):
        (tmp_path / "tests" / name).mkdir(parents=True)
    words = checks.pytest_command("all", ["-x"], tmp_path / "tests")
    assert words[3:] == [
        *checks.PARALLEL, "-m", "not drill or seeded", "--mysql", "both", "-x",
        str(tmp_path / "tests/unit"), str(tmp_path / "tests/drills"),
    ]  # fmt: skip
    assert "-m" not in checks.pytest_command("drills", [], tmp_path / "tests")[3:]


def test_tests_that_are_named_replace_the_whole_kind(tmp_path: Path) -> None:
    (tmp_path / "tests" / "unit").mkdir(parents=True)
    (tmp_path / "tests" / "unit" / "test_a.py").touch()
    words = checks.pytest_command("unit", ["tests/unit/test_a.py::test_b"], tmp_path / "tests")
    assert words[3:] == ["tests/unit/test_a.py::test_b"]


def test_a_kind_without_tests_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RehearsalError, match="no tests in tests/drills"):
        checks.pytest_command("drills", [], tmp_path / "tests")
