"""The DAG `migration_prepare`, from an empty stack to a chain that is ready for the cutover."""

from __future__ import annotations

from livemove.migration.preflight import evidence
from livemove.migration.topology import Servers
from rehearsal.rds.service import Rds
from tests.fixtures.migration import calls
from tests.rehearsals.migration.runs import run


def test_the_plan_is_printed_and_nothing_is_changed(chain: Servers, rds_seeded: Rds) -> None:
    before = calls(rds_seeded)
    finished = run("migration_prepare", plan_only=True)
    assert finished.state == "success"
    assert {state for task, state in finished.tasks.items() if task not in ("check", "report")} == {"skipped"}
    assert "rds:CreateDBCluster\n" in finished.value("check", "plan")
    assert calls(rds_seeded) == before
    assert list(chain.existing()) == ["source"]


def test_the_chain_is_built_and_a_second_run_makes_nothing(chain: Servers, rds_seeded: Rds) -> None:
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


def test_a_source_that_could_not_be_replicated_from_fails_before_anything_is_made(
    chain: Servers, rds_seeded: Rds
) -> None:
    rds_seeded.control.collation_trap("shop")
    before = calls(rds_seeded)
    finished = run("migration_prepare")
    assert finished.state == "failed"
    assert "ask AWS Support to repair the procedure" in finished.value("report")
    assert finished.tasks["source"] == "upstream_failed"
    assert calls(rds_seeded) == before
    assert list(chain.existing()) == ["source"]
