"""
# Prepare the migration of RDS MySQL to Aurora

Builds what is missing of the chain 1 → 2 → 3 → 4 that a file in `include/migrations/` describes: `source` (1, RDS,
serves today), `target` (2, Aurora, serves tomorrow), `cdc` (3, Aurora, read by DMS) and `fallback` (4, RDS, the way
back). Nothing that the application uses is changed, and nothing is ever deleted.

**Before you start.** Write a file like `include/migrations/example.yaml`, make the connections that it names
(`include/sql/grants_for_migration.sql`, `include/iam/migration.json`), and switch GTIDs on and binlog_format to ROW
on the source. Then run this with *plan only*: the log of `check` has every statement and call.

**What happens**

1. *check*: source, versions, retention and storage; what could not work is refused.
2. *source*: the replication user, the retention of binary logs, tables of our own in the schema `livemove`.
3. For *target*, *cdc* and *fallback*, one after the other:
   *parameters* are right before any database uses them, *create* makes the database or adopts the one of that name,
   *restart* applies what is static, *settle* carries accounts and retention over, *replicate* starts replication
   by GTID, *arrive* proves it by a heartbeat row written on the source, *rest* makes it read_only without events.
4. *prove*: no server lacks what the one above it has purged. From then on the window of the way back runs.
5. *compare*: every table is compared by checksum on source and target; the evidence of the cutover tells how old
   that is. Run this again to compare anew.
6. *report*: what is true now, and Terraform import blocks for what was made.

**When something fails.** The task says what is wrong. Mend it and clear the task: every step looks first and does
only what is missing. Databases that you or Terraform made before are adopted by their identifiers.

**Ways back.** The source goes on as before. To give up, delete the three databases by hand.
"""

from __future__ import annotations

from airflow.sdk import DAG, TaskGroup, chain

from livemove.migration.operators import CheckPrepareOperator, PrepareOperator
from livemove.migration.prepare_report import PrepareReportOperator
from livemove.migration.settings import migration_names
from livemove.runbook.forms import file_param, plan_only_param, retried

MIGRATION, PLAN_ONLY = "{{ params.migration }}", "{{ params.plan_only }}"


def step(name: str) -> PrepareOperator:
    return PrepareOperator(task_id=name.split(".")[-1], step=name, migration=MIGRATION, plan_only=PLAN_ONLY)


with DAG(
    dag_id="migration_prepare",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    max_active_runs=1,
    tags=["mysql", "aurora", "migration"],
    params={
        "migration": file_param("Migration", "include/migrations", migration_names()),
        "plan_only": plan_only_param("Check everything, print each statement and call in the log of `check`"),
    },
    render_template_as_native_obj=True,
    default_args=retried(),
):
    check = CheckPrepareOperator(task_id="check", migration=MIGRATION)
    source = step("source")
    prove = step("prove")
    compare = step("compare")
    report = PrepareReportOperator(task_id="report", title=f"Prepare {MIGRATION}", migration=MIGRATION)

    with TaskGroup("target") as target:
        chain(*(step(f"target.{name}") for name in ("parameters", "create", "restart", "settle", "arrive", "rest")))

    steps = ("parameters", "create", "restart", "settle", "replicate", "arrive", "rest")
    with TaskGroup("cdc") as cdc:
        chain(*(step(f"cdc.{name}") for name in steps))

    with TaskGroup("fallback") as fallback:
        chain(*(step(f"fallback.{name}") for name in steps))

    # 3 is made of a snapshot of 2, and 4 of a snapshot of 1 that is younger than 3: so 3 has kept whatever 4 lacks.
    chain(check, source, target, cdc, fallback, prove, compare, report)
