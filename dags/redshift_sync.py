"""
# Copy MySQL tables to Redshift

Every day, what changed in the tables of each file in `include/sync/` is copied to Redshift.

**Before you start.** Write a file like `include/sync/nycflights13.yaml`, make the connections that it
names, run `include/sql/grants_for_sync.sql` on both sides and import `include/airflow/pools.json`.
Then trigger a run with *plan only*: its `check` tasks print every statement and change nothing.

**What happens**

1. *check*: connections, privileges, keys, types and targets are looked at.
2. *bounds*: the writer's clock and its oldest open transaction say up to when rows are complete; a
   heartbeat shows when the reader has all of them.
3. For each table, apart from all others:
   *extract* reads the rows into Parquet parts in S3,
   *stage* proves the parts and forecasts the disk,
   *merge* loads and merges them in one transaction with the new watermark,
   *maintain* runs VACUUM and ANALYZE if thresholds are passed.
4. *report* lists what moved and what failed, and fails if anything did.

**When something fails.** A task whose cause may pass is retried; one that needs a person fails at once
and says what to do. Clear it afterwards: every task looks at what is there and does only what is
missing. The other tables are not touched by it. The watermark moves only with the rows, so the next
run takes over what this one left.

**Ways back.** Redshift holds a copy: `full reload` reads all rows of the chosen tables again into a new
table that takes the old one's place in one transaction.
"""

from __future__ import annotations

from airflow.sdk import DAG, Param, chain, task_group

from livemove.redshift.operators import (
    CheckSyncOperator,
    ChooseSyncsOperator,
    ExtractTableOperator,
    MaintainTableOperator,
    MergeTableOperator,
    ReadBoundsOperator,
    StageTableOperator,
)
from livemove.redshift.report import ListTablesOperator, ReportSyncOperator
from livemove.redshift.settings import sync_names
from livemove.runbook.forms import plan_only_param, retried

TABLES, FULL, PLAN_ONLY = "{{ params.tables }}", "{{ params.full_reload }}", "{{ params.plan_only }}"

with DAG(
    dag_id="redshift_sync",
    doc_md=__doc__,
    # Without a start date the first run is the next one due, not one at once when the DAG is unpaused.
    schedule="@daily",
    catchup=False,
    max_active_runs=1,
    tags=["mysql", "redshift", "sync"],
    params={
        "syncs": Param(
            None,
            type=["null", "array"],
            items={"type": "string"},
            examples=sync_names(),
            title="Sync files",
            description="Names of files in `include/sync`, without `.yaml`. None means all of them.",
        ),
        "tables": Param(
            None,
            type=["null", "array"],
            items={"type": "string"},
            title="Tables",
            description="Tables of those files, one in a line. None means all of them.",
        ),
        "full_reload": Param(
            False,
            type="boolean",
            title="Full reload",
            description="Read all rows of the tables and put them in the place of what the warehouse has.",
        ),
        "plan_only": plan_only_param("Check everything, print each statement in the log of `check`", default=False),
    },
    render_template_as_native_obj=True,
    default_args=retried(),
):
    choose = ChooseSyncsOperator(task_id="choose", syncs="{{ params.syncs }}", tables=TABLES)

    @task_group
    def source(sync):
        check = CheckSyncOperator(task_id="check", sync=sync, tables=TABLES, full_reload=FULL, plan_only=PLAN_ONLY)
        bounds = ReadBoundsOperator(task_id="bounds", sync=sync, tables=check.output, pool="redshift_source")
        check >> bounds

    @task_group
    def table(sync, table, bounds):
        one = {"sync": sync, "table": table}
        extract = ExtractTableOperator(
            task_id="extract", bounds=bounds, full_reload=FULL, pool="redshift_source", **one
        )
        stage = StageTableOperator(task_id="stage", extracted=extract.output, **one)
        merge = MergeTableOperator(task_id="merge", extracted=extract.output, pool="redshift_load", **one)
        maintain = MaintainTableOperator(task_id="maintain", merged=merge.output, pool="redshift_vacuum", **one)
        chain(extract, stage, merge, maintain)

    # A sync whose check fails must not hold up the others: what did not fail is listed.
    tables = ListTablesOperator(task_id="tables", trigger_rule="all_done")
    report = ReportSyncOperator(task_id="report", trigger_rule="all_done", retries=0)

    chain(source.expand(sync=choose.output), tables, table.expand_kwargs(tables.output), report)
