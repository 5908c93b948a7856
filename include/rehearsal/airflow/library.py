"""Airflow as a library: hooks, operators and `dag.test()` in this process, without servers of Airflow."""

from __future__ import annotations

import shutil
from pathlib import Path

from rehearsal.airflow.environment import home_variables, repository_variables
from rehearsal.errors import RehearsalError
from rehearsal.paths import Layout


def library_variables(home: Path, layout: Layout) -> dict[str, str]:
    """Fill an AIRFLOW_HOME and return the variables to set before anything imports Airflow.

    :param home: an empty folder of the caller's; the migrated database is copied into it.
    :raises RehearsalError: `./dev` has not yet installed Airflow.
    """
    if not layout.airflow_database.exists():
        raise RehearsalError("Airflow's database is not prepared: run the tests with ./dev test.")
    shutil.copyfile(layout.airflow_database, home / "airflow.db")
    return {
        **home_variables(home),
        **repository_variables(),
        # Tasks of dag.test() talk to the database without a server.
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
    }
