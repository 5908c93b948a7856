"""
# Cut over from RDS MySQL to Aurora

The application leaves `source` (1, RDS) and enters `target` (2, Aurora). `cdc` (3) and `fallback` (4) go on
replicating from there, so that `migration_fall_back` loses nothing.

**Before you start.** `migration_prepare` has succeeded, `migration_watch` is green, and the checksum is recent. Run
this with *plan only* a day before: the log of `check` has all evidence and every statement and call. If a person
turns the application's maintenance mode on, do so before you approve.

**What happens**

1. *check*: privileges, accounts, transactions, schemas, lag, GTIDs, checksums. What forbids the cutover fails here.
2. *approve*: you see evidence and plan, and decide. A rejection fails the run; nothing has been changed.
3. *cut over*: the evidence is measured again. Then, in one stretch of seconds and beside a dead-man's process: events
   off, writers' accounts locked, their sessions ended on 1; all of it is on 2, 3 and 4; 2 is promoted and proven
   writable; the endpoint moves; accounts and events are opened on 2.
4. *verify*: a heartbeat written on 2 arrives on 3 and 4.
5. *report*: steps and times, and how long writes were stopped.

**When something fails.** Before the promotion all is undone, and the application writes on 1 as before: mend the
cause and run this again. After the promotion, until 2 is opened, the application also goes back to 1, which is still
complete; 2 to 4 then have to be made anew: delete them and run `migration_prepare`. Even a `kill -9` of the task is
undone, within 30 s. Once 2 is opened there is no undoing: clear what failed, it goes on from there.

**Ways back.** `migration_fall_back`, as long as the window is open.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, chain

from livemove.migration.cutover_operators import CheckSwitchOperator, SwitchOperator, VerifyChainOperator
from livemove.migration.settings import migration_names
from livemove.runbook.approval import ApproveOperator
from livemove.runbook.forms import file_param, plan_only_param, retried
from livemove.runbook.report import ReportOperator

MIGRATION, PLAN_ONLY = "{{ params.migration }}", "{{ params.plan_only }}"

with DAG(
    dag_id="migration_cutover",
    doc_md=__doc__,
    schedule=None,
    catchup=False,
    max_active_runs=1,
    tags=["mysql", "aurora", "migration"],
    params={
        "migration": file_param("Migration", "include/migrations", migration_names()),
        "plan_only": plan_only_param("Measure everything, print each statement and call in the log of `check`"),
    },
    render_template_as_native_obj=True,
    default_args=retried(first_pause=timedelta(seconds=10)),
):
    check = CheckSwitchOperator(task_id="check", migration=MIGRATION, direction="cutover")
    approve = ApproveOperator(
        task_id="approve",
        what=f"the cutover of {MIGRATION}",
        body="{{ ti.xcom_pull(task_ids='check') }}",
        plan_only=PLAN_ONLY,
    )
    cut_over = SwitchOperator(task_id="cut_over", migration=MIGRATION, direction="cutover", plan_only=PLAN_ONLY)
    verify = VerifyChainOperator(task_id="verify", migration=MIGRATION, serving="target", followers=["cdc", "fallback"])
    report = ReportOperator(task_id="report", title=f"Cutover of {MIGRATION}")

    chain(check, approve, cut_over, verify, report)
