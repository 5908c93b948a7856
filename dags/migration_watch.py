"""
# Watch open migrations

Every five minutes, looks at each migration whose chain is complete and that is not finished, and alarms by failing.

**Before you start.** Nothing: a file in `include/migrations/` is taken up when `migration_prepare` has run. Unpause
this DAG with it, and set `on_failure_callback` or your deployment's notifier to hear of failed runs.

**What happens**

1. *migrations*: lists those that are to be watched.
2. *watch*, for each: databases and replication, heartbeat lag along the chain, GTIDs that a server would ask for in
   vain, the retention of binary logs, the time left of the way back (it warns a day before), storage. It also
   **writes down what each server has committed by itself** in `livemove.gtid_ledger`: once binary logs are purged,
   heartbeats of RDS can no longer be told from writes, and a fall back needs to know.
3. *report*.

**When something fails.** The log of *watch* names each check with its remedy; the next run looks again.

**Ways back.** Nothing is changed but rows of heartbeat and ledger in the schema `livemove`.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param, chain

from livemove.migration.operators import WatchedMigrationsOperator, WatchOperator
from livemove.runbook.forms import retried
from livemove.runbook.report import ReportOperator

with DAG(
    dag_id="migration_watch",
    doc_md=__doc__,
    schedule=timedelta(minutes=5),
    catchup=False,
    max_active_runs=1,
    tags=["mysql", "aurora", "migration"],
    params={
        "migrations": Param(
            None,
            type=["null", "array"],
            items={"type": "string"},
            title="Migrations",
            description="Names of files in `include/migrations`. None means all that are to be watched.",
        ),
    },
    render_template_as_native_obj=True,
    default_args=retried(2, timedelta(seconds=20), timedelta(minutes=1)),
):
    migrations = WatchedMigrationsOperator(task_id="migrations", only="{{ params.migrations }}")
    watch = WatchOperator.partial(task_id="watch").expand(migration=migrations.output)
    report = ReportOperator(task_id="report", title="Watch")

    chain(migrations, watch, report)
