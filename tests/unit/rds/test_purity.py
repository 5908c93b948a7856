"""The core decides without Airflow, without servers and without clients of them."""

from __future__ import annotations

import subprocess
import sys

from rehearsal.paths import REPOSITORY

CORE = ("calls", "facts", "faults", "identity", "naming", "parameters", "states", "terraform", "waits")


def test_the_core_imports_neither_airflow_nor_a_client() -> None:
    program = (
        "import sys\n"
        + "".join(f"import livemove.rds.{module}\n" for module in CORE)
        + "found = {name.split('.')[0] for name in sys.modules}\n"
        "print(*sorted(found & {'airflow', 'boto3', 'botocore', 'MySQLdb'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(REPOSITORY / "plugins")},
        check=True,
    )
    assert done.stdout.strip() == ""


def test_the_rds_room_imports_no_other_room() -> None:
    sources = (REPOSITORY / "plugins" / "livemove" / "rds").glob("*.py")
    lines = [line for file in sources for line in file.read_text(encoding="utf-8").splitlines()]
    imported = {line.split()[1] for line in lines if line.startswith(("from livemove.", "import livemove."))}
    assert imported
    assert all(name.startswith(("livemove.rds", "livemove.runbook")) for name in imported)
