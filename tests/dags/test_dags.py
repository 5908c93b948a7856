"""Every DAG imports anywhere, explains itself and keeps the rules of the house."""

from __future__ import annotations

import socket
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest
from airflow.dag_processing.dagbag import DagBag

from rehearsal.paths import REPOSITORY

DAGS = REPOSITORY / "dags"
# Files that tests know: a new DAG file gets its line here together with tests of what it does.
KNOWN = {
    "aurora_clone_replication.py": ["aurora_clone_replication"],
    "index_clean_up.py": ["index_clean_up"],
    "index_rebuild.py": ["index_rebuild"],
    "index_roll_back.py": ["index_roll_back"],
    "migration_cutover.py": ["migration_cutover"],
    "migration_fall_back.py": ["migration_fall_back"],
    "migration_finish.py": ["migration_finish"],
    "migration_prepare.py": ["migration_prepare"],
    "migration_watch.py": ["migration_watch"],
    "redshift_sync.py": ["redshift_sync"],
    "stream_replay.py": ["stream_replay"],
}
MAX_LINES = 120


class _Attempts(list[Any]):
    """Addresses that somebody wanted to connect to."""


@pytest.fixture(scope="session")
def attempts() -> _Attempts:
    return _Attempts()


@pytest.fixture(scope="session")
def bag(attempts: _Attempts) -> DagBag:
    """All DAGs, imported without a network; Airflow's own database is a file."""

    def refused(_: socket.socket, address: Any) -> NoReturn:
        attempts.append(address)
        raise ConnectionRefusedError(address)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", refused)
        patch.setattr(socket.socket, "connect_ex", refused)
        return DagBag(dag_folder=str(DAGS))


def _files() -> list[Path]:
    return sorted(DAGS.rglob("*.py"))


def test_no_dag_file_exists_that_no_test_knows() -> None:
    assert [str(path.relative_to(DAGS)) for path in _files()] == sorted(KNOWN)


def test_every_file_imports_and_defines_the_dags_that_it_should(bag: DagBag) -> None:
    assert bag.import_errors == {}
    defined: dict[str, list[str]] = {}
    for dag_id, dag in sorted(bag.dags.items()):
        defined.setdefault(Path(dag.fileloc).name, []).append(dag_id)
    assert defined == KNOWN


def test_importing_a_dag_connects_to_nothing(bag: DagBag, attempts: _Attempts) -> None:
    assert bag.dags
    assert attempts == []


@pytest.mark.parametrize("path", _files(), ids=lambda path: path.name)
def test_a_dag_file_is_short_enough_to_be_read(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


@pytest.fixture(params=sorted(dag_id for dag_ids in KNOWN.values() for dag_id in dag_ids))
def dag(request: pytest.FixtureRequest, bag: DagBag) -> Any:
    return bag.dags[request.param]


def test_a_dag_s_page_shows_the_operator_s_guide(dag: Any) -> None:
    source = Path(dag.fileloc).read_text(encoding="utf-8")
    assert source.startswith('"""\n# ')
    assert dag.doc_md.strip() == source.split('"""')[1].strip()
    for heading in ("**Before you start.**", "**What happens**", "**When something fails.**", "**Ways back.**"):
        assert heading in dag.doc_md


def test_a_dag_has_an_owner_and_tags(dag: Any) -> None:
    assert dag.tags
    assert all(task.owner == "livemove" for task in dag.tasks)


def test_a_dag_runs_once_at_a_time_and_makes_up_no_missed_runs(dag: Any) -> None:
    assert dag.max_active_runs == 1
    assert dag.catchup is False


def test_every_param_is_described_and_its_default_fits(dag: Any) -> None:
    assert dag.params
    for name in dag.params:
        param = dag.params.get_param(name)
        assert param.description, name
        param.resolve()


def test_every_task_is_retried_with_growing_pauses_unless_it_only_reports(dag: Any) -> None:
    for task in dag.tasks:
        if task.task_id == "report":
            assert task.retries == 0
            continue
        assert task.retries >= 2, task.task_id
        assert task.retry_delay >= timedelta(seconds=10), task.task_id
        assert task.retry_exponential_backoff, task.task_id


def test_every_task_s_pool_is_one_that_is_to_be_imported(dag: Any) -> None:
    import json

    pools = json.loads((REPOSITORY / "include" / "airflow" / "pools.json").read_text(encoding="utf-8"))
    assert {task.pool for task in dag.tasks} <= {*pools, "default_pool"}


def test_the_report_is_written_whatever_failed(dag: Any) -> None:
    report = dag.task_dict["report"]
    assert report.trigger_rule == "all_done"
    assert [task.task_id for task in dag.tasks if not task.downstream_task_ids] == ["report"]
