"""The set-up, step by step. A step that is done is not done again; one that was interrupted resumes.

Only the standard library is imported here: this runs before anything is installed.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rehearsal.errors import RehearsalError
from rehearsal.install import compose, elasticsearch, kinesis, mysql80, mysql97, python
from rehearsal.locks import exclusive
from rehearsal.paths import Layout
from rehearsal.progress import Clock, say
from rehearsal.stamps import Stamp


@dataclass(frozen=True)
class Step:
    """One thing that is installed.

    :param inputs: texts and files on which it depends.
    :param results: what must exist once it is done.
    """

    name: str
    inputs: tuple[str | Path, ...]
    results: tuple[Path, ...]
    action: Callable[[Layout], None]

    def stamp(self, layout: Layout) -> Stamp:
        """Its mark."""
        return Stamp(layout.stamps, self.name, self.inputs, self.results)


def steps(layout: Layout) -> dict[str, list[Step]]:
    """Chains of steps by name; chains do not depend on each other, so they run side by side."""
    code = Path(__file__).parent
    interpreter = (sys.version, str(layout.venv))
    packages = Step("python", (*python.INPUTS, *interpreter), (layout.python,), python.install)
    database = Step(
        "airflow-database",
        (python.CONSTRAINTS, *interpreter),
        (layout.airflow_database,),
        python.install_airflow_database,
    )
    streams = Step(
        "kinesalite",
        (*kinesis.INPUTS, code / "kinesis.py"),
        (layout.kinesalite / "node_modules" / "kinesalite",),
        kinesis.install,
    )
    return {
        "python": [packages, database, streams],
        "elasticsearch": [
            Step(
                "elasticsearch-7.17.29",
                (*elasticsearch.ARTIFACTS.values(), code / "elasticsearch.py"),
                (layout.elasticsearch / "modules/reindex/plugin-descriptor.properties",),
                elasticsearch.install,
            )
        ],
        "mysql80": [
            Step(
                "mysql-8.0.31",
                (mysql80.ARTIFACT, code / "mysql80.py"),
                (layout.mysql80 / "bin/mysqld",),
                mysql80.install,
            )
        ],
        "mysql97": [
            Step("mysql-9.7", (mysql97.SUITE, code / "mysql97.py"), (layout.mysql97 / "root",), mysql97.install)
        ],
        "compose": [Step("compose", (code / "compose.py",), (), compose.install)],
    }


def ensure(layout: Layout, wanted: Iterable[str]) -> None:
    """Install what is missing of the chains in `wanted`.

    :raises RehearsalError: this system is not supported, or a step failed; the finished steps are kept.
    """
    chains = [steps(layout)[name] for name in wanted]
    if _all_done(layout, chains):
        return
    _require_supported_system()
    with exclusive(layout.state / "install.lock", "the set-up"):
        if _all_done(layout, chains):
            return
        say(f"Installing what is missing into {layout.state} (once; later starts skip this):")
        clock = Clock()
        with ThreadPoolExecutor(max_workers=len(chains)) as pool:
            running = [pool.submit(_run_chain, layout, chain) for chain in chains]
        for future in running:
            future.result()
        say(f"Installed in {clock}.")


def _all_done(layout: Layout, chains: list[list[Step]]) -> bool:
    return all(step.stamp(layout).valid for chain in chains for step in chain)


def _run_chain(layout: Layout, chain: list[Step]) -> None:
    for step in chain:
        stamp = step.stamp(layout)
        if not stamp.valid:
            stamp.clear()
            step.action(layout)
            stamp.set()


def _require_supported_system() -> None:
    if sys.platform != "linux" or platform.machine() != "x86_64":
        raise RehearsalError(
            f"./dev runs its servers on Linux on x86_64 (tested on Debian and Ubuntu), and this is "
            f"{platform.system()} on {platform.machine()}. Use docker-compose.yaml here."
        )
