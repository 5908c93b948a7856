"""The variables that make Airflow one of this repository: its DAGs, its plugins, a stack's connections."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from rehearsal.paths import REPOSITORY, Layout

# What a shell or an enclosing run may have set, and what would leak into Airflow.
_FOREIGN = ("AIRFLOW_", "AWS_", "PYTHONPATH", "LIVEMOVE_RUN")


def repository_variables() -> dict[str, str]:
    """Where this repository's DAGs, plugins and configuration files are.

    The variable LIVEMOVE_DAGS names another folder of DAGs.
    """
    return {
        "AIRFLOW__CORE__DAGS_FOLDER": os.environ.get("LIVEMOVE_DAGS") or str(REPOSITORY / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(REPOSITORY / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "LIVEMOVE_INCLUDE": str(REPOSITORY / "include"),
        **client_variables(Layout.default().tools),
    }


def client_variables(tools: Path) -> dict[str, str]:
    """Where an unpacked libmariadb has its plugins; without them it logs in to no account of MySQL 8.4 or later.

    :param tools: where the library is unpacked, unless the host has one of its own.
    """
    plugins = sorted(tools.glob("mariadb/usr/lib/*/libmariadb3/plugin"))
    return {"MARIADB_PLUGIN_DIR": str(plugins[0])} if plugins else {}


def home_variables(home: Path) -> dict[str, str]:
    """Where Airflow keeps its database and logs.

    :param home: the folder AIRFLOW_HOME; the database in it is SQLite.
    """
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
    }


def server_variables(port: int, secret: str, jwt_secret: str) -> dict[str, str]:
    """How the four processes are set up on a small machine.

    :param port: of the API server, on the loopback interface.
    :param secret: signs sessions; all processes must share it.
    :param jwt_secret: signs the tokens of tasks; all processes must share it.
    """
    url = f"http://127.0.0.1:{port}"
    return {
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__SECRET_KEY": secret,
        "AIRFLOW__API__WORKERS": "1",
        "AIRFLOW__API_AUTH__JWT_SECRET": jwt_secret,
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS": "True",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "5",
        "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
        "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "5",
    }


def inherited() -> dict[str, str]:
    """The environment of this process, without what belongs to another Airflow or another account."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}


def shell_lines(variables: Mapping[str, str]) -> str:
    """The variables as lines that a shell can read."""
    quoted = {name: value.replace("'", "'\\''") for name, value in variables.items()}
    return "".join(f"export {name}='{value}'\n" for name, value in sorted(quoted.items()))
