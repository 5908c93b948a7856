"""Data folders with the procedures and accounts in place, made once and copied for each server."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from rehearsal.install.commands import run
from rehearsal.locks import exclusive
from rehearsal.mysql import script
from rehearsal.mysql.builds import Build
from rehearsal.mysql.server import MySqlServer
from rehearsal.mysql.timezones import time_zone_statements
from rehearsal.paths import Layout
from rehearsal.ports import Ports
from rehearsal.processes import Server
from rehearsal.progress import doing
from rehearsal.stamps import Stamp

SQL = Path(__file__).parent / "sql"
FLAVOURS = ("aurora3", "rds80", "rds84")


def scripts(flavour: str) -> list[Path]:
    """The SQL files of a flavour, in the order in which they run."""
    return [SQL / "accounts.sql", SQL / "procedures.sql", SQL / f"{flavour}.sql"]


def template(build: Build, flavour: str, layout: Layout) -> Path:
    """The data folder to copy, made when it is missing or older than its SQL.

    :param flavour: `aurora3`, `rds80` or `rds84`: which procedures there are, with which arguments.
    """
    name = f"mysql-{build.version}-{flavour}"
    folder = layout.tools / "templates" / name
    code = [Path(__file__).with_name(f"{module}.py") for module in ("template", "config", "timezones")]
    inputs: tuple[str | Path, ...] = (build.version, *scripts(flavour), *code)
    stamp = Stamp(layout.stamps, f"template-{name}", inputs, (folder / "data",))
    if stamp.valid:
        return folder / "data"
    with exclusive(layout.tools / "templates" / f"{name}.lock", f"the template {name}"):
        if not stamp.valid:
            stamp.clear()
            with doing(f"MySQL {build.version} with the {flavour} procedures, made once and copied"):
                _make(build, flavour, folder)
            stamp.set()
    return folder / "data"


def _make(build: Build, flavour: str, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with TemporaryDirectory(prefix="livemove-") as scratch:
        port = Ports(Path(scratch) / "ports.json").take("template")
        process = Server(f"MySQL {build.version} template", folder / "run" / "template.json", folder / "log")
        server = MySqlServer(folder, process, build, port, server_id=1)
        options = server.write_options()
        initialize = [*build.command, f"--defaults-file={options}", "--initialize-insecure"]
        run(initialize, f"Initializing MySQL {build.version}", environment=build.variables)
        try:
            server.start()
            _load(server, flavour)
        finally:
            server.stop()
    for name in ("auto.cnf", "undo_trunc.log"):
        (server.data / name).unlink(missing_ok=True)


def _load(server: MySqlServer, flavour: str) -> None:
    """Run the scripts in one session that writes no binary log, so that `gtid_executed` stays empty."""
    with server.root() as connection, connection.cursor() as cursor:
        cursor.execute("SET sql_log_bin = 0")
        for path in scripts(flavour):
            text = path.read_text(encoding="utf-8")
            for statement in script.statements(text.replace("@authentication@", server.build.authentication)):
                cursor.execute(statement)
        for account in ("admin", "rdsrepladmin"):
            # No password is known until a stack sets its own.
            cursor.execute(f"ALTER USER {account}@'%%' IDENTIFIED BY %s", (secrets.token_urlsafe(24),))
        for statement, values in time_zone_statements():
            cursor.executemany(statement, values)
        cursor.execute("RESET BINARY LOGS AND GTIDS" if server.build.version >= "9" else "RESET MASTER")
