"""The core decides without Airflow, without servers and without clients of them."""

from __future__ import annotations

import subprocess
import sys

from rehearsal.paths import REPOSITORY

CORE = [
    *("blocks", "disk", "drift", "examination", "extraction", "findings", "manifest", "names", "plan_text", "plans"),
    *("settings", "statements", "swap", "types", "upkeep", "window"),
]


def test_the_core_imports_neither_airflow_nor_a_client() -> None:
    program = (
        "import sys\n"
        + "".join(f"import livemove.redshift.{module}\n" for module in CORE)
        + "found = {name.split('.')[0] for name in sys.modules}\n"
        "print(*sorted(found & {'airflow', 'boto3', 'MySQLdb', 'redshift_connector'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(REPOSITORY / "plugins")},
        check=True,
    )
    assert done.stdout.strip() == ""
