"""What each command of `./dev` does; modules that need packages are imported by the command that uses them."""

from __future__ import annotations

import argparse
import json

from rehearsal.errors import RehearsalError
from rehearsal.paths import Layout
from rehearsal.progress import Clock, say
from rehearsal.services import REGION, Folder, describe, missing, stop_all

MAIN = "main"


def _folder() -> Folder:
    return Folder(Layout.default().stack(MAIN))


def up(_: argparse.Namespace) -> int:
    """Start the stack."""
    from rehearsal.stack import Stack

    clock = Clock()
    stack = Stack()
    say("Starting the stack:")
    stack.up()
    stack.rds.seed_once()
    say(f"The stack is up after {clock}.")
    _print_status(_folder())
    return 0


def down(options: argparse.Namespace) -> int:
    """End the stack."""
    clock = Clock()
    ended = stop_all(_folder(), purge=options.purge)
    what = f"{len(ended)} servers ended" if ended else "No server ran"
    say(f"{what}{', all data removed' if options.purge else ''} ({clock}).")
    return 0


def status(options: argparse.Namespace) -> int:
    """Say what runs."""
    folder = _folder()
    if options.json:
        print(json.dumps(describe(folder)))
    else:
        _print_status(folder)
    return 1 if missing(folder) else 0


def _print_status(folder: Folder) -> None:
    found = describe(folder)
    databases = {f"mysql {role}": server for role, server in found.get("mysql", {}).items()}
    if "redshift" in found:
        databases["redshift"] = found["redshift"]
    for name, server in databases.items():
        address = f"{server['host']}:{server['port']}"
        print(f"  {name:20}  {address}  user {server['user']}, database {server['database']}")
    if rds := found.get("rds"):
        print(f"  {'rds':20}  {rds['endpoint_url']}  region {REGION}")
    if s3 := found.get("s3"):
        print(f"  {'s3':20}  {s3['endpoint_url']}  bucket {s3['bucket']}")
    if elasticsearch := found.get("elasticsearch"):
        print(f"  {'elasticsearch':20}  {elasticsearch['url']}")
    if kinesis := found.get("kinesis"):
        print(f"  {'kinesis':20}  {kinesis['endpoint_url']}  streams {', '.join(kinesis['streams'].values())}")
    if airflow := found.get("airflow"):
        print(f"  {'airflow':20}  {airflow['url']}  (no login)")
    if absent := missing(folder):
        print(f"  not running: {', '.join(absent)}. Start with ./dev up")
    else:
        print(f"  {'passwords':20}  ./dev status --json")


def run(options: argparse.Namespace) -> int:
    """Run a DAG and follow it."""
    from rehearsal.airflow.follow import run_dag

    try:
        conf = json.loads(options.conf)
    except ValueError as error:
        raise RehearsalError(f"--conf is no JSON: {error}", exit_code=2) from None
    if not isinstance(conf, dict):
        raise RehearsalError(f'--conf must be a JSON object such as {{"tables": ["flights"]}}, not {options.conf}', 2)
    found = describe(_folder())
    if "airflow" not in found:
        raise RehearsalError("Airflow does not run. Start the stack with ./dev up, then run this again.")
    outcome = run_dag(found["airflow"]["url"], options.dag_id, conf)
    if options.json:
        print(json.dumps(outcome))
    return 0 if outcome["state"] == "success" else 1


def approve(options: argparse.Namespace) -> int:
    """Answer what runs ask a person."""
    from rehearsal.airflow.approve import APPROVE, REJECT, answer_all

    found = describe(_folder())
    if "airflow" not in found:
        raise RehearsalError("Airflow does not run. Start the stack with ./dev up.")
    choice = None if options.list else REJECT if options.reject else APPROVE
    done = answer_all(found["airflow"]["url"], options.dag_id, choice, options.wait)
    return 0 if done else 1


def test(options: argparse.Namespace) -> int:
    """Run the tests."""
    from rehearsal.checks import run_tests

    return run_tests(options.which, options.rest)


def lint(_: argparse.Namespace) -> int:
    """Run ruff and mypy."""
    from rehearsal.checks import run_lint

    return run_lint()


def bench(options: argparse.Namespace) -> int:
    """Run a benchmark."""
    from rehearsal.checks import run_benchmark

    return run_benchmark(options.name, options.rest)


def demo(_: argparse.Namespace) -> int:
    """Move real tables and prove it."""
    from rehearsal.demo import main

    return main()
