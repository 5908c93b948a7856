"""The project's own virtual environment, with the versions that constraints/airflow-3.3.txt names."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

from rehearsal.errors import RehearsalError
from rehearsal.files import folder_size
from rehearsal.install.apt import install_on_host
from rehearsal.install.commands import run
from rehearsal.install.native import build_variables, client_library, require_compiler
from rehearsal.paths import REPOSITORY, Layout
from rehearsal.progress import doing, megabytes, say

REQUIREMENTS = REPOSITORY / "requirements-dev.txt"
CONSTRAINTS = REPOSITORY / "constraints" / "airflow-3.3.txt"
INPUTS = (REPOSITORY / "requirements.txt", REQUIREMENTS, CONSTRAINTS)
CHECK = "import MySQLdb, airflow, moto, pyarrow, redshift_connector"


def install(layout: Layout) -> None:
    """Make the virtual environment, or bring it up to date.

    :raises RehearsalError: a package could not be installed; with the remedy.
    """
    require_compiler()
    library = client_library(layout.tools, layout.downloads)
    _create(layout)
    with doing("Python packages (Airflow and its providers, about 220)") as remarks:
        with build_variables(library, layout.site_packages) as variables:
            _install_packages(layout, variables)
            _check(layout, variables)
        remarks.append(megabytes(folder_size(layout.venv)))


def _create(layout: Layout) -> None:
    if layout.python.exists() and _runs(layout, "import pip"):
        return
    with doing(f"virtual environment (Python {sys.version.split()[0]})"):
        if subprocess.run([sys.executable, "-c", "import ensurepip"], capture_output=True, check=False).returncode:
            install_on_host(["python3-venv"], "Python's venv module")
        run([sys.executable, "-m", "venv", "--clear", layout.venv], "Making the virtual environment")


def _install_packages(layout: Layout, variables: dict[str, str]) -> None:
    wanted = ["-r", str(REQUIREMENTS), "-c", str(CONSTRAINTS)]
    pip = [str(layout.python), "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "-q"]
    uv = layout.venv / "bin" / "uv"
    try:
        if not uv.exists():
            run([*pip, "uv", "-c", str(CONSTRAINTS)], "Installing uv")
        # Every task is a process that imports Airflow: from source that takes five seconds longer.
        command = [str(uv), "pip", "install", "-q", "--compile-bytecode", "--python", str(layout.python)]
        run([*command, *wanted], "uv", environment={**_uv_variables(layout), **variables})
    except RehearsalError as error:
        # uv does not read pip's configuration files (private indexes, certificates): pip does.
        say(f"    uv could not install everything, so pip tries ({str(error).splitlines()[-1].strip()})")
        run(
            [*pip, *wanted],
            "Installing the Python packages",
            remedy="Check the network and pip's settings (`pip config list`), then run this again.",
            environment=variables,
        )


def _uv_variables(layout: Layout) -> dict[str, str]:
    """What uv needs of pip's settings."""
    # uv brings certificates of its own; pip, by default, uses the system's, which a company may have added to.
    variables = {"UV_HTTP_TIMEOUT": "180", "UV_SYSTEM_CERTS": "true"}
    asked = subprocess.run(
        [layout.python, "-m", "pip", "config", "get", "global.index-url"],
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode == 0 and "UV_DEFAULT_INDEX" not in os.environ:
        variables["UV_DEFAULT_INDEX"] = asked.stdout.strip()
    if "PIP_CERT" in os.environ and "SSL_CERT_FILE" not in os.environ:
        variables["SSL_CERT_FILE"] = os.environ["PIP_CERT"]
    return variables


def _runs(layout: Layout, code: str) -> bool:
    command = [str(layout.python), "-c", code]
    scratch = {**os.environ, "AIRFLOW_HOME": str(layout.tools / "airflow")}
    return subprocess.run(command, capture_output=True, env=scratch, check=False).returncode == 0


def _check(layout: Layout, variables: dict[str, str]) -> None:
    if not _runs(layout, "import MySQLdb"):
        # A cache held a build made for another system's client library.
        rebuild = [str(layout.python), "-m", "pip", "install", "-q", "--force-reinstall", "--no-deps"]
        run(
            [*rebuild, "--no-cache-dir", "mysqlclient", "-c", str(CONSTRAINTS)],
            "Compiling mysqlclient",
            environment=variables,
        )
    scratch = {"AIRFLOW_HOME": str(layout.tools / "airflow")}
    run(
        [layout.python, "-c", CHECK],
        "Importing what was installed",
        remedy=f"Remove {layout.venv} and run this again.",
        environment=scratch,
    )


def install_airflow_database(layout: Layout) -> None:
    """Migrate an empty SQLite database once, so that stacks and tests start from a copy."""
    target = layout.airflow_database
    home = target.parent / "home"
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    with doing("Airflow's database, migrated once and copied by each stack"):
        run(
            [layout.python, "-m", "airflow", "db", "migrate"],
            "Migrating Airflow's database",
            environment={
                "AIRFLOW_HOME": str(home),
                "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
                "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            },
        )
        (home / "airflow.db").replace(target)
    shutil.rmtree(home)
