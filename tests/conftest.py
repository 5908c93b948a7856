"""What all tests share: Airflow as a library, and a stack of servers that starts when a test asks for it."""

from __future__ import annotations

import functools
import os
import shutil
import tempfile
from pathlib import Path

import botocore.session
import pytest

from rehearsal.airflow.library import library_variables
from rehearsal.paths import Layout

pytest_plugins = [
    # First, as others import it.
    "tests.fixtures.stack",
    "tests.fixtures.migration",
    "tests.fixtures.mysql_servers",
    "tests.fixtures.rds",
    "tests.fixtures.rebuild",
    "tests.fixtures.search",
    "tests.fixtures.switches",
    "tests.fixtures.sync",
]

TESTS = Path(__file__).parent
_HOME = Path(tempfile.mkdtemp(prefix="livemove-airflow-"))

# Before anything imports Airflow, which reads them once.
os.environ.update(library_variables(_HOME, Layout.default()))

# Tests start Elasticsearch often and ask it little: without its optimizing compiler it is up in half the time.
os.environ.setdefault("LIVEMOVE_ELASTICSEARCH_OPTIONS", "-XX:TieredStopAtLevel=1")

# Tests make hundreds of AWS clients; each would read botocore's models and endpoints again, for a tenth of a second.
botocore.session.create_loader = functools.cache(botocore.session.create_loader)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--mysql",
        choices=["8.0.31", "9.7", "both"],
        default="8.0.31",
        help="generation of the MySQL servers; `both` runs tests marked every_mysql on each of them",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "drill: injects a fault; all in tests/drills are")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(TESTS / "drills"):
            item.add_marker("drill")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "mysql_version" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--mysql")
        every = metafunc.definition.get_closest_marker("every_mysql") is not None
        versions = ["8.0.31", "9.7"] if every else ["8.0.31"]
        metafunc.parametrize("mysql_version", versions if chosen == "both" else [chosen], scope="session")


def pytest_unconfigure() -> None:
    shutil.rmtree(_HOME, ignore_errors=True)
