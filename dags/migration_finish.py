"""
# Finish a migration: retire what no longer serves

Reads what the migration has come to. After a cutover the source (1) and the fallback (4) are retired; after a fall
back only the source (1), as 4 serves, and 2 and 3 feed what reads changes. Each leaves a final snapshot.

**Before you start.** Be sure: with the fallback the way back is gone. Run this with *plan only* first: the log of
`check` has the evidence and the calls.

**What happens**

1. *check*: a server is refused if the journal or the endpoint says that it serves, if somebody replicates from it or
   writers are connected, or if it has committed anything by itself that is no heartbeat of RDS and that the serving
   server lacks; it is watched for a while to see that.
2. *approve*: you decide, seeing evidence and plan. A rejection fails the run, and nothing has been changed.
3. *retire_source*, *retire_fallback*: the checks again, then final snapshot and deletion.
4. *record*: the journal on the serving server says that the migration is finished.

**When something fails.** The task says what is wrong. Mend it and clear the task: what is gone already is left alone.
A database under deletion protection is refused unless *lift protection* is set.

**Ways back.** Until the approval nothing has been changed. Afterwards only the final snapshots are left.
"""

from __future__ import annotations

from airflow.sdk import DAG, Param, chain

from livemove.migration.operators import CheckFinishOperator, FinishOperator
from livemove.migration.settings import migration_names
from livemove.runbook.approval import ApproveOperator
from livemove.runbook.forms import file_param, plan_only_param, retried
from livemove.runbook.report import ReportOperator

MIGRATION, PLAN_ONLY = "{{ params.migration }}", "{{ params.plan_only }}"

with DAG(
    dag_id="migration_finish",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    max_active_runs=1,
    tags=["mysql", "aurora", "migration"],
    params={
        "migration": file_param("Migration", "include/migrations", migration_names()),
        "plan_only": plan_only_param("Look for signs of use, print each call in the log of `check`"),
        "lift_protection": Param(
            False,
            type="boolean",
            title="Lift protection",
            description="Switch deletion protection of what is retired off first.",
        ),
    },
    render_template_as_native_obj=True,
    default_args=retried(),
):
    check = CheckFinishOperator(task_id="check", migration=MIGRATION)
    approve = ApproveOperator(
        task_id="approve",
        what=f"the deletion of what migration {MIGRATION} leaves behind",
        body="{{ ti.xcom_pull(task_ids='check') }}",
        plan_only=PLAN_ONLY,
    )
    steps = [
        FinishOperator(
            task_id=name,
            step=name,
            migration=MIGRATION,
            plan_only=PLAN_ONLY,
            lift_protection="{{ params.lift_protection }}",
        )
        for name in ("retire_source", "retire_fallback", "record")
    ]
    report = ReportOperator(task_id="report", title=f"Finish {MIGRATION}")

    chain(check, approve, *steps, report)
