"""The DAG `migration_prepare`, from an empty stack to a chain that is ready for the cutover."""

from __future__ import annotations

import pytest

from livemove.migration import prepare
from livemove.migration.preflight import evidence
from livemove.migration.topology import Servers
from rehearsal.rds.service import Rds
from tests.fixtures.migration import calls
from tests.rehearsals.migration.runs import run


@pytest.fixture(autouse=True)
def _measured_briefly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare, "MEASURE_SECONDS", 0.5)


def test_a_plan_and_a_refusal_change_nothing_and_then_the_chain_is_built_once(chain: Servers, rds_seeded: Rds) -> None:
    before = calls(rds_seeded)
    planned = run("migration_prepare", plan_only=True)
    assert planned.state == "success"
    assert {state for task, state in planned.tasks.items() if task not in ("check", "report")} == {"skipped"}
    assert "rds:CreateDBCluster\n" in planned.value("check", "plan")

    rds_seeded.control.collation_trap("shop")
    refused = run("migration_prepare")
    assert refused.state == "failed"
    assert "ask AWS Support to repair the procedure" in refused.value("report")
    # Procedures that only read work; the first that writes is called before any database is made.
    assert refused.tasks["source"] == "failed"
    assert refused.tasks["target.parameters"] == "upstream_failed"
    rds_seeded.control.collation_trap("shop", on=False)
    assert calls(rds_seeded) == before
    assert list(chain.existing()) == ["source"]

    finished = run("migration_prepare")
    assert finished.state == "success", finished.tasks
    report = finished.value("report")
    assert report.startswith("# Prepare example is done\n")
    assert 'to = aws_rds_cluster.shop_aurora\n  id = "shop-aurora"' in report
    found = evidence(chain, chain.settings, "cutover")
    assert found.stops == (), found.markdown()
    before = calls(rds_seeded)
    assert run("migration_prepare").state == "success"
    assert calls(rds_seeded) == before
