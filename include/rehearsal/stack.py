"""A stack: databases, warehouse, stream, search, the stand-ins for AWS and Airflow, in a folder of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rehearsal.credentials import password
from rehearsal.dms.service import Dms
from rehearsal.elasticsearch.service import Elasticsearch
from rehearsal.kinesis.service import Kinesis
from rehearsal.locks import exclusive
from rehearsal.mysql.builds import DEFAULT_VERSION, build
from rehearsal.mysql.pair import Pair, Passwords
from rehearsal.mysql.server import MySqlServer
from rehearsal.mysql.template import template
from rehearsal.paths import Layout
from rehearsal.ports import LOOPBACK, Ports
from rehearsal.progress import Clock, say
from rehearsal.s3 import ACCESS_KEY, REGION, S3, SECRET_KEY
from rehearsal.search import products
from rehearsal.services import (
    MYSQL_DATABASE,
    MYSQL_USER,
    REDSHIFT_DATABASE,
    REDSHIFT_USER,
    STREAMS,
    Folder,
    describe,
    stop_all,
)
from rehearsal.warehouse import Warehouse

if TYPE_CHECKING:
    from rehearsal.rds.service import Rds
    from rehearsal.search.service import Stream

MAIN = "main"
PASSWORDS = (
    "mysql-admin",
    "mysql-replication",
    "rds-replication",
    "rds-application",
    "redshift-admin",
    "airflow-secret",
    "airflow-jwt",
)
# What must run before a service starts.
NEEDS = {"dms": ("mysql", "kinesis"), "stream": ("elasticsearch", "kinesis", "s3", "dms")}
# What SQL, shells, formats and patterns take for something else: a password that is put into any of them without
# care fails. MySQL takes at most 32 characters for a replication user.
HOSTILE = "'\"\\%s%("


class Stack:
    """The servers of one folder; several stacks do not meet.

    :param name: `main` is the one of `./dev up`; tests and benchmarks have their own.
    :param layout: the state folder; that of this clone when None.
    """

    def __init__(self, name: str = MAIN, layout: Layout | None = None) -> None:
        self.name = name
        self._layout = layout or Layout.default()
        self.folder = Folder(self._layout.stack(name))

    def up(self, services: Iterable[str] | None = None, mysql_version: str = DEFAULT_VERSION) -> dict[str, float]:
        """Start what does not run yet, side by side, and wait until it can be used.

        :param services: of `mysql`, `redshift`, `s3`, `rds`, `elasticsearch`, `kinesis`, `dms`, `stream`, `airflow`;
            all when None.
        :param mysql_version: the generation of both MySQL servers.
        :returns: seconds that each service took.
        :raises RehearsalError: a service did not come up; those that did are left running.
        """
        actions: dict[str, Callable[[], None]] = {
            "mysql": lambda: self.mysql(mysql_version).start(),
            "s3": lambda: self.s3.start(),
            "redshift": lambda: self.warehouse.start(),
            "rds": lambda: self.rds.start(),
            "elasticsearch": lambda: self.elasticsearch.start(),
            "kinesis": lambda: self.kinesis.start(),
            "dms": self._start_dms,
            "stream": lambda: self.stream.start(),
            "airflow": self._start_airflow,
        }
        chosen = set(actions if services is None else services)
        wanted = [name for name in actions if name in chosen]
        self.folder.path.mkdir(parents=True, exist_ok=True)
        # Below it are passwords and data.
        self.folder.path.chmod(0o700)
        with self._locked():
            self._decide()
            with ThreadPoolExecutor(max_workers=len(wanted)) as pool:
                started: dict[str, Future[float]] = {}
                for name in wanted:
                    before = [started[need] for need in NEEDS.get(name, ()) if need in started]
                    started[name] = pool.submit(_timed, name, actions[name], before)
            return {name: future.result() for name, future in started.items()}

    def down(self, purge: bool = False) -> list[str]:
        """End every server of this stack and return the names of those that ran.

        :param purge: remove their data, too.
        """
        return stop_all(self.folder, purge)

    def status(self) -> dict[str, Any]:
        """How to reach each service that runs."""
        return describe(self.folder)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with exclusive(self.folder.lock, f"the stack {self.name}"):
            yield

    def _decide(self) -> None:
        """Decide ports and passwords before anything starts, as servers are told of each other."""
        for name in PASSWORDS:
            self.password(name)
        for name in (
            "mysql-writer",
            "mysql-reader",
            "mysql97-writer",
            "mysql97-reader",
            "s3",
            "redshift",
            "rds",
            "elasticsearch",
            "elasticsearch-transport",
            "kinesis",
            "airflow",
        ):
            if not self.folder.running(_first_server(name)):
                self._ports.take(name)

    @property
    def _ports(self) -> Ports:
        others = self._layout.stacks.glob("*/ports.json")
        return Ports(self.folder.ports, [path for path in others if path != self.folder.ports])

    def port(self, name: str) -> int:
        """The port of a server, as decided by `up`."""
        return self._ports.remembered()[name]

    def password(self, name: str) -> str:
        """The password `mysql-admin`, `mysql-replication`, `redshift-admin` or one of Airflow's secrets."""
        # The secrets sign tokens with SHA-512, which wants 64 bytes (RFC 7518, 3.2).
        suffix = HOSTILE if name == "rds-replication" else ""
        return password(self.folder.credentials, name, 64 if name.startswith("airflow") else 18, suffix)

    def mysql(self, version: str = DEFAULT_VERSION) -> Pair:
        """The MySQL servers of a generation."""
        program = build(version, self._layout)
        prefix = "mysql" if version == DEFAULT_VERSION else "mysql97"

        def server(role: str, server_id: int) -> MySqlServer:
            name = f"{prefix}-{role}"
            return MySqlServer(
                self.folder.path / prefix / role,
                self.folder.server(name),
                program,
                self.port(name),
                server_id,
                read_only=role == "reader",
            )

        passwords = Passwords(self.password("mysql-admin"), self.password("mysql-replication"))
        return Pair(server("writer", 1), server("reader", 2), template(program, "aurora3", self._layout), passwords)

    @property
    def s3(self) -> S3:
        """The S3 server."""
        return S3(self.folder.path / "s3", self.folder.server("s3"), self.port("s3"))

    @property
    def warehouse(self) -> Warehouse:
        """The Redshift stand-in."""
        return Warehouse(
            self.folder.path / "redshift",
            self.folder.server("redshift"),
            self.port("redshift"),
            self.password("redshift-admin"),
            self.s3.endpoint_url,
        )

    @property
    def elasticsearch(self) -> Elasticsearch:
        """The Elasticsearch node."""
        return Elasticsearch(
            self.folder.path / "elasticsearch",
            self.folder.server("elasticsearch"),
            self.port("elasticsearch"),
            self.port("elasticsearch-transport"),
            self._layout,
        )

    @property
    def kinesis(self) -> Kinesis:
        """The Kinesis server."""
        process = self.folder.server("kinesis")
        return Kinesis(self.folder.path / "kinesis", process, self.port("kinesis"), self._layout)

    @property
    def dms(self) -> Dms:
        """The DMS stand-in, from the example's database to the stream of changes."""
        return Dms(
            self.folder.path / "dms",
            self.folder.server("dms"),
            self.mysql().writer,
            self.password("mysql-admin"),
            [f"{products.DATABASE}.%"],
            STREAMS["changes"],
            self.kinesis.endpoint_url,
        )

    @property
    def stream(self) -> Stream:
        """The stream processors of the example."""
        from rehearsal.search.service import Stream

        return Stream(self)

    @property
    def rds(self) -> Rds:
        """The RDS stand-in."""
        from rehearsal.rds.service import Rds

        return Rds(self)

    def connections(self, mysql_version: str = DEFAULT_VERSION) -> dict[str, str]:
        """Airflow's connections to this stack, as the variables AIRFLOW_CONN_*."""
        pair = self.mysql(mysql_version)
        mysql = {
            "conn_type": "mysql",
            "host": LOOPBACK,
            "login": MYSQL_USER,
            "password": self.password("mysql-admin"),
        }
        wanted: dict[str, dict[str, Any]] = {
            "aurora_writer": {**mysql, "port": pair.writer.port, "schema": MYSQL_DATABASE},
            "aurora_reader": {**mysql, "port": pair.reader.port, "schema": MYSQL_DATABASE},
            # Hosts come from the RDS API; TLS is required, its certificate authority is the server's own.
            "mysql_admin": {**mysql, "extra": {"ssl_mode": "REQUIRED"}},
            "mysql_replication": {
                "conn_type": "mysql",
                "host": LOOPBACK,
                "login": "replication",
                "password": self.password("rds-replication"),
                "extra": {"ssl_mode": "REQUIRED"},
            },
            "redshift_default": {
                "conn_type": "redshift",
                "host": LOOPBACK,
                "port": self.port("redshift"),
                "login": REDSHIFT_USER,
                "password": self.password("redshift-admin"),
                "schema": REDSHIFT_DATABASE,
                "extra": {"ssl": False, "is_serverless": False},
            },
            "elasticsearch_default": {
                "conn_type": "elasticsearch",
                "host": LOOPBACK,
                "port": self.port("elasticsearch"),
                "schema": "http",
            },
            "aws_default": {
                "conn_type": "aws",
                "login": ACCESS_KEY,
                "password": SECRET_KEY,
                "extra": {
                    "endpoint_url": self.s3.endpoint_url,
                    "region_name": REGION,
                    "service_config": {
                        "rds": {"endpoint_url": f"http://{LOOPBACK}:{self.port('rds')}"},
                        "kinesis": {"endpoint_url": self.kinesis.endpoint_url},
                    },
                    # Over TLS botocore does not sign bodies either: the checksum that it sends proves them.
                    "config_kwargs": {"s3": {"payload_signing_enabled": False}},
                },
            },
        }
        return {f"AIRFLOW_CONN_{name.upper()}": json.dumps(connection) for name, connection in wanted.items()}

    def _start_dms(self) -> None:
        products.sow(self.mysql().writer)
        self.dms.start()

    def _start_airflow(self) -> None:
        from rehearsal.airflow.server import Airflow

        Airflow(self).start()

    @property
    def path(self) -> Path:
        """The stack's folder."""
        return self.folder.path

    @property
    def layout(self) -> Layout:
        """The state folder that it lies in."""
        return self._layout


def _first_server(port_name: str) -> str:
    return {"airflow": "airflow-api-server", "elasticsearch-transport": "elasticsearch"}.get(port_name, port_name)


def _timed(name: str, action: Callable[[], None], before: Iterable[Future[float]]) -> float:
    for each in before:
        each.result()
    clock = Clock()
    action()
    say(f"  {name:13} ready in {clock}")
    return round(clock.seconds, 1)
